"""What each request sends to the database."""

from bench import product, workload
from bench.product import Running
from bench.report import Report

GOAL_HUB_TRIPS, GOAL_SERVICE_TRIPS = 2, 3
_WARM = 3


def run(report: Report, running: Running) -> None:
    """Statements, commits and, on PostgreSQL, round trips of one request of each kind."""
    print(f"\nSent to the database by one request, {running.kind}", flush=True)
    repeated = {
        "a call without a service": workload.hub_call(running),
        "tools/list": workload.listing(running),
        "a service's call": workload.service_call(running),
        **{f"GET {path}": workload.page(running, path) for path in workload.PAGES},
    }
    requests = {name: [request] * _WARM for name, request in repeated.items()}
    tokens = range(1, len(running.seeded["refresh_tokens"]))
    requests["POST /oauth/token"] = [workload.refreshing(running, each).request for each in tokens]
    found = product.statements(running.environ, requests)
    for name, counted in found.items():
        print(f"  {name:<34}" + ", ".join(f"{count} {what}" for what, count in counted.items()), flush=True)
    for name, goal in (
        ("a call without a service", GOAL_HUB_TRIPS),
        ("a service's call", GOAL_SERVICE_TRIPS),
    ):
        if "round trips" in found[name]:
            report.at_most(f"{running.kind}, {name}, round trips", found[name]["round trips"], goal, "")
