"""What pages and the token endpoint cost. They have no goal here."""

from bench import rounds, workload
from bench.product import Running

_CONNECTIONS = (1, 16)


def run(running: Running, seconds: float, count: int) -> None:
    """The hub and /usage with all services connected, and refreshing an access token."""
    print(f"\nPages and the token endpoint, {running.kind}", flush=True)
    pages = [running.subject(f"GET {path}", workload.page(running, path)) for path in workload.PAGES]
    rounds.measure(pages, _CONNECTIONS, seconds, count).print_table()
    # over one connection, since each answer has the only token that works next
    refreshing = running.subject("POST /oauth/token, refreshing", workload.refreshing(running, 0))
    rounds.measure([refreshing], (1,), seconds, count).print_table()
