"""The one place of the sandbox that asks for the time. The lever `advance` shifts it, per service."""

from datetime import UTC, date, datetime, timedelta


def now(shift_seconds: float = 0) -> datetime:
    """The present moment as an aware UTC datetime, shifted."""
    return datetime.now(UTC) + timedelta(seconds=shift_seconds)


def today(shift_seconds: float = 0) -> date:
    """The machine's calendar day, shifted."""
    return now(shift_seconds).astimezone().date()
