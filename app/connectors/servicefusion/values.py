"""The types ServiceFusion's API uses: moments, text, amounts and ids."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from app.connectors.answers import Answers
from app.connectors.money import Money as Money
from app.connectors.money import MoneyRow
from app.errors import InvalidArguments

# What it writes for "no date"; the second is not even ISO 8601.
_NO_DATE = re.compile(r"(1970-01-01T00:00:00|-?0001-11-30|0000-00-00)")
_answers = Answers(
    "ServiceFusion", "The record may have been made: look for it before repeating, as it cannot be deleted."
)
read_as, unreadable = _answers.read_as, _answers.unreadable


def _known_date(value: Any) -> Any:
    return None if isinstance(value, str) and (not value or _NO_DATE.match(value)) else value


def _no_blank(value: Any) -> Any:
    return None if value == "" else value


When = Annotated[str | None, BeforeValidator(_known_date)]
Text = Annotated[str | None, BeforeValidator(_no_blank)]
Whole = Annotated[int | None, BeforeValidator(_no_blank)]

Word = Annotated[str, Field(max_length=255)]
ShortText = Annotated[str, Field(min_length=1, max_length=255)]
LongText = Annotated[str, Field(max_length=5000)]
RecordId = Annotated[int, Field(ge=1, le=2**53)]
PageNumber = Annotated[int, Field(ge=1, le=100_000, description="From 1.")]
PerPage = Annotated[int, Field(ge=1, le=50, description="At most 50.")]


class FusionRow(MoneyRow):
    """A row read directly from ServiceFusion's record.

    Amounts are in the company's own currency, which no answer of the API names, not even /v1/me: a customer's
    `qbo_currency` is that of its copy in QuickBooks. The lists of customers, jobs and estimates say so.
    """

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def moment(at: datetime) -> str:
    """A moment as its filters take it: RFC 3339 with an offset and without fractions, `Y-m-d\\TH:i:sP`.

    One without a zone counts as UTC. Raises InvalidArguments where that leaves the calendar.
    """
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")
    except OverflowError:
        raise InvalidArguments("That moment is outside the calendar. Use another one.") from None


def start_of(day: date | None) -> str | None:
    """The first second of a day, in UTC."""
    return moment(datetime.combine(day, time(0, 0, 0))) if day else None


def end_of(day: date | None) -> str | None:
    """The last second of a day, in UTC."""
    return moment(datetime.combine(day, time(23, 59, 59))) if day else None
