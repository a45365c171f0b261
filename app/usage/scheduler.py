"""The work that keeps usage in order, done now and then behind a call or a page view, so that nobody need
set up a cron.
"""

import logging
import threading
import time

from app.errors import Unavailable
from app.usage import retention, rollup

log = logging.getLogger(__name__)

_EVERY_SECONDS = 60.0


class Upkeep:
    """The upkeep of one process: in a thread of its own, since whoever sets it off must not wait."""

    def __init__(self, keep_days: int) -> None:
        self._keep_days = keep_days
        self._lock = threading.Lock()
        self._due = time.monotonic() + _EVERY_SECONDS

    def nudge(self) -> None:
        """Begin, unless it was within the last minute or is under way."""
        if time.monotonic() < self._due or not self._lock.acquire(blocking=False):
            return
        # Put off first: a second nudge that comes while the thread starts must find it done.
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
