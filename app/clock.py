"""The only module that reads the clock, so that a test can move it."""

import threading
import time
from datetime import UTC, datetime, timedelta

_shift = timedelta()


def now() -> datetime:
    """Return the current time as an aware UTC datetime."""
    return datetime.now(UTC) + _shift


def timestamp() -> float:
    """Return the current time in seconds since the epoch."""
    return now().timestamp()


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
