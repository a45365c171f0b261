"""The one place that asks for the time, so that a test can move it."""

from datetime import UTC, datetime, timedelta

_shift = timedelta()


def now() -> datetime:
    """The present moment as an aware UTC datetime."""
    return datetime.now(UTC) + _shift


def timestamp() -> float:
    """The present moment in seconds since the epoch."""
    return now().timestamp()


def shift(by: timedelta) -> None:
    """Move this process's clock. For tests: nothing in the product calls it."""
    global _shift
    _shift += by


def reset() -> None:
    """Put this process's clock right again, after `shift`."""
    global _shift
    _shift = timedelta()
