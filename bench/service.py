"""What we add to a service's own answer: a call through us, beside the same request to the sandbox itself."""

from collections.abc import Sequence

from bench import direct, messages, product, rounds
from bench.report import Report
from bench.rounds import Subject

GOAL_MEDIAN_MS = {"sqlite": 2.0, "postgres": 3.0}
GOAL_P99_MS = {"sqlite": 10.0, "postgres": 12.0}
GOAL_TRIPS = 3
_CONNECTIONS = (1, 16)


def calls(report: Report, kinds: Sequence[str], seconds: float, count: int) -> None:
    """A list of FreshBooks invoices."""
    for kind in kinds:
        print(f"\nA service's call (FreshBooks in the sandbox), {kind}", flush=True)
        with product.run(kind, "freshbooks") as running:
            request = messages.call("freshbooks_list_invoices", {"per_page": 10}, running.port, running.token)
            subjects = [
                running.subject("through us", request),
                Subject("direct", running.sandbox_port, direct.invoices_request(running.sandbox_port)),
            ]
            measured = rounds.measure(subjects, _CONNECTIONS, seconds, count)
            measured.print_table()
            median = measured.added("through us", "direct", 1, rounds.MEDIAN)
            report.at_most(f"{kind}, added at the median", median, GOAL_MEDIAN_MS[kind], "ms")
            late = measured.added("through us", "direct", 1, rounds.P99)
            report.at_most(f"{kind}, added at p99", late, GOAL_P99_MS[kind], "ms")
            report.sends(kind, product.statements(running.environ, *[request] * 3), GOAL_TRIPS)
