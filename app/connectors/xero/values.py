"""The types Xero's API uses: dates, numbers, ids; and its envelope."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from app.connectors.answers import Answers
from app.connectors.money import MoneyRow

Day = date  # where an argument is called `date`
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Milliseconds since 1970; the offset is optional, +0000 in practice.
_WIRE_DATE = re.compile(r"/Date\((-?\d{1,14})(?:([+-])(\d\d)(\d\d))?\)/")
_answers = Answers("Xero")
read_as, unreadable = _answers.read_as, _answers.unreadable


def calendar_date(value: Any) -> Any:
    """Xero's day as `YYYY-MM-DD`, None for none; other values unchanged.

    A document's date is a day in the organisation's own calendar: `/Date(…)/` is its midnight, never moved
    between time zones.
    """
    if not isinstance(value, str):
        return value
    if found := _WIRE_DATE.fullmatch(value):
        milliseconds, sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
        try:
            return (_EPOCH + timedelta(milliseconds=int(milliseconds)) + offset).date().isoformat()
        except OverflowError:
            return value
    if re.match(r"\d{4}-\d\d-\d\d(?:[T ]|$)", value):
        return value[:10]
    return value or None


CalendarDate = Annotated[date, BeforeValidator(calendar_date)]

# Not money: quantities and rates, with at most four decimals.
Number = Annotated[
    Decimal,
    Field(allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json-unless-none"),
    WithJsonSchema({"type": "number"}),
]

UnitAmount = Annotated[
    Decimal,
    Field(gt=-(10**12), lt=10**12, decimal_places=4),
    WithJsonSchema({"type": "number"}),
]
Identifier = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
AccountCode = Annotated[str, Field(min_length=1, max_length=10)]
PageNumber = Annotated[int, Field(ge=1, le=100_000, description="From 1.")]


class XeroRow(MoneyRow):
    """A row read directly from Xero's record; each field's alias is its path there.

    Xero sends amounts as JSON numbers; the Decimal of a float's shortest form is exactly that number.
    """

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def records(body: Any, key: str, *, wrote: bool = False) -> list[Any]:
    """The list under `key` of Xero's envelope. Raises like `read_as` for anything else."""
    found = body.get(key) if isinstance(body, Mapping) else None
    if not isinstance(found, list):
        raise unreadable(wrote=wrote)
    return found
