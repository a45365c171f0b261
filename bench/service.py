"""What we add to a service's own answer: a call through us, beside the same request to the sandbox itself."""

from bench import direct, rounds, workload
from bench.product import Running
from bench.report import Report
from bench.rounds import Subject

GOAL_MEDIAN_MS = {"sqlite": 2.0, "postgres": 3.0}
GOAL_P99_MS = {"sqlite": 10.0, "postgres": 12.0}
_CONNECTIONS = (1, 16)


def calls(report: Report, running: Running, seconds: float, count: int) -> None:
    """A list of FreshBooks invoices."""
    kind = running.kind
    print(f"\nA service's call (FreshBooks in the sandbox), {kind}", flush=True)
    subjects = [
        running.subject("through us", workload.service_call(running)),
        Subject("direct", running.sandbox_port, direct.invoices_request(running.sandbox_port)),
    ]
    measured = rounds.measure(subjects, _CONNECTIONS, seconds, count)
    measured.print_table()
    median = measured.added("through us", "direct", 1, rounds.MEDIAN)
    report.at_most(f"{kind}, added at the median", median, GOAL_MEDIAN_MS[kind], "ms")
    late = measured.added("through us", "direct", 1, rounds.P99)
    report.at_most(f"{kind}, added at p99", late, GOAL_P99_MS[kind], "ms")
