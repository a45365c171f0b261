"""The only module that reads the clock, so that a test can move it, and all hosts have one.

Hosts that share a PostgreSQL database go by its clock: `app.database_clock` measures how far this host's is
from it, and `correct` applies that. Otherwise a host that is two hours behind would take what has expired for
alive, and what another host dates now for the future.
"""

import threading
import time
from datetime import UTC, datetime, timedelta

from itsdangerous import TimestampSigner

_shift = timedelta()
_correction = timedelta()
_BETWEEN_HOSTS = timedelta(seconds=30)


def host_now() -> datetime:
    """Return the time by this host's own clock, uncorrected."""
    return datetime.now(UTC)


def now() -> datetime:
    """Return the current time as an aware UTC datetime."""
    return host_now() + _correction + _shift


def is_ahead(moment: datetime | None, span: timedelta, *, at: datetime) -> bool:
    """Whether a stored moment is still to come, and no further than the longest `span` it may be ahead.

    One that is further ahead was written by a host whose clock was wrong, and does not count. Half a minute
    more is granted for the difference between hosts.
    """
    return moment is not None and at < moment <= at + span + _BETWEEN_HOSTS


def correct(by: timedelta) -> None:
    """Add `by` to this host's clock from now on, instead of the previous correction."""
    global _correction
    _correction = by


def correction() -> timedelta:
    """Return what is added to this host's clock."""
    return _correction


def timestamp() -> float:
    """Return the current time in seconds since the epoch."""
    return now().timestamp()


class ClockSigner(TimestampSigner):
    """Dates what is signed with a lifetime, such as the cookie of forms, by this clock."""

    def get_timestamp(self) -> int:
        """Return the current time in whole seconds."""
        return int(timestamp())


class Throttle:
    """Lets something happen at most once per `seconds` in this process."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._due, self._lock = seconds, 0.0, threading.Lock()

    def is_due(self) -> bool:
        """True for one caller per period."""
        with self._lock:
            if time.monotonic() < self._due:
                return False
            self._due = time.monotonic() + self._seconds
            return True


def shift(by: timedelta) -> None:
    """Move the clock of this process. Only tests call it."""
    global _shift
    _shift += by


def reset() -> None:
    """Undo every `shift` in this process."""
    global _shift
    _shift = timedelta()
