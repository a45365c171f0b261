"""Usage upkeep: the jobs of the web processes, and a nudge by a call or a page view between two of them."""

import logging
import threading
import time
from datetime import timedelta

from app.errors import Unavailable
from app.jobs.leases import PeriodicJob
from app.usage import retention, rollup

log = logging.getLogger(__name__)

ROLLUP = "usage rollup"

_EVERY_SECONDS = 60.0


def rollup_job() -> PeriodicJob:
    """Add calls up, every minute."""
    return PeriodicJob(ROLLUP, timedelta(minutes=1), rollup.run)


def jobs(keep_days: int) -> tuple[PeriodicJob, ...]:
    """What the web processes do by themselves."""

    def sweep() -> int:
        retention.sweep_if_due(keep_days)
        return 0

    return rollup_job(), PeriodicJob("usage retention", timedelta(hours=1), sweep)


class Upkeep:
    """The upkeep of one process, in a thread of its own: whoever starts it must not wait."""

    def __init__(self, keep_days: int) -> None:
        self._keep_days = keep_days
        self._lock = threading.Lock()
        self._due = time.monotonic() + _EVERY_SECONDS

    def nudge(self) -> None:
        """Start, unless it ran within the last minute or is running."""
        if time.monotonic() < self._due or not self._lock.acquire(blocking=False):
            return
        # Moved before the thread starts, so that a second nudge meanwhile finds nothing due.
        self._due = time.monotonic() + _EVERY_SECONDS
        threading.Thread(target=self._work, name="usage-upkeep", daemon=True).start()

    def _work(self) -> None:
        try:
            rollup.run()
            retention.sweep_if_due(self._keep_days)
        except Unavailable:
            log.warning("calls could not be added up: the database is away. It is tried again in a minute")
        except Exception:
            log.exception("calls could not be added up")
        finally:
            self._due = time.monotonic() + _EVERY_SECONDS
            self._lock.release()
