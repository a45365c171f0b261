"""The jobs of usage in the web processes: adding calls up, and retention."""

from collections.abc import Callable
from datetime import timedelta

from app.jobs.leases import PeriodicJob
from app.usage import retention, rollup, totals

ROLLUP = "usage rollup"


def rollup_job() -> PeriodicJob:
    """Add calls up, every minute."""
    return PeriodicJob(ROLLUP, timedelta(minutes=1), add_up)


def add_up(progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Add up every settled call, in the tallies and in the totals. Returns how many are new in the tallies.

    Raises Unavailable; what was added up before stays.
    """
    added = rollup.run(progress)
    totals.run()
    return added


def jobs(keep_days: int) -> tuple[PeriodicJob, ...]:
    """What the web processes do by themselves."""

    def sweep() -> int:
        retention.sweep_if_due(keep_days)
        return 0

    return rollup_job(), PeriodicJob("usage retention", timedelta(hours=1), sweep)
