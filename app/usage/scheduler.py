"""The jobs of usage in the web processes: adding calls up, and retention."""

from datetime import timedelta

from app.jobs.leases import PeriodicJob
from app.usage import retention, rollup

ROLLUP = "usage rollup"


def rollup_job() -> PeriodicJob:
    """Add calls up, every minute."""
    return PeriodicJob(ROLLUP, timedelta(minutes=1), rollup.run)


def jobs(keep_days: int) -> tuple[PeriodicJob, ...]:
    """What the web processes do by themselves."""

    def sweep() -> int:
        retention.sweep_if_due(keep_days)
        return 0

    return rollup_job(), PeriodicJob("usage retention", timedelta(hours=1), sweep)
