"""The types Stripe's API uses: ids and times. Money is in `amounts.py`."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from app.connectors.answers import Answers

StripeId = Annotated[str, Field(min_length=3, max_length=255, pattern=r"^[A-Za-z0-9_]+$")]
Currency = Annotated[str, Field(pattern=r"^[A-Za-z]{3}$")]
After = Annotated[str | None, Field(max_length=255, description="Id of the last record before the page.")]
Limit = Annotated[int, Field(ge=1, le=100, description="Per page.")]
_answers = Answers("Stripe")
read_as, unreadable = _answers.read_as, _answers.unreadable


def moment(value: Any) -> str | None:
    """Unix seconds as a UTC timestamp without fractions; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None


def day(value: Any) -> str | None:
    """Unix seconds as a UTC day; None for anything else."""
    text = moment(value)
    return text and text[:10]


def seconds_at(start_of: date | None) -> int | None:
    """Midnight UTC of that day in Unix seconds."""
    return (
        int(datetime(start_of.year, start_of.month, start_of.day, tzinfo=UTC).timestamp())
        if start_of
        else None
    )


Moment = Annotated[str | None, BeforeValidator(moment)]
Day = Annotated[str | None, BeforeValidator(day)]
