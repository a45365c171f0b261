"""Resident memory of a worker after thousands of calls, and whether it grows."""

from bench import processes, product, workload, wrk
from bench.product import Running
from bench.report import Report

GOAL_MIB, GOAL_GROWTH_MIB = 120.0, 2.0
_FIRST, _ALL = 10_000, 30_000
_CONNECTIONS = 16


def run(report: Report, seconds: float) -> None:
    """The largest worker after 10,000 calls of all workers together, and after 30,000."""
    print("\nResident memory of the largest worker", flush=True)
    with product.run("sqlite") as running:
        request = workload.hub_call(running)
        calls, first = 0, 0.0
        while calls < _ALL:
            calls += wrk.run(running.port, request, _CONNECTIONS, seconds).calls
            if not first and calls >= _FIRST:
                first = _largest(running)
        last = _largest(running)
        print(f"  after {_FIRST:,} calls {first:.1f} MiB, after {_ALL:,} {last:.1f} MiB")
        report.at_most(f"after {_ALL:,} calls", last, GOAL_MIB, "MiB")
        report.at_most(f"growth after the first {_FIRST:,}", last - first, GOAL_GROWTH_MIB, "MiB")


def _largest(running: Running) -> float:
    return max(processes.resident_mib(each) for each in running.workers())
