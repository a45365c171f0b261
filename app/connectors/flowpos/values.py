"""The types FlowPOS' API uses, and the currency, time zone and days of a business."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AliasGenerator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app.connectors.answers import Answers
from app.connectors.api import Api
from app.connectors.money import MoneyRow, from_minor
from app.errors import InvalidArguments

_MOST_DAYS = 366

FlowId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
Words = Annotated[str, Field(min_length=1, max_length=200)]
Limit = Annotated[int, Field(ge=1, le=100, description="Per page.")]
After = Annotated[str | None, Field(max_length=2000, description="Where the next page begins.")]
FirstDay = Annotated[date, Field(alias="from", description="First day, in the business's time zone.")]
LastDay = Annotated[date, Field(description="Last day, at most a year later.")]
_answers = Answers("FlowPOS")
read_as, unreadable = _answers.read_as, _answers.unreadable


class FlowRow(MoneyRow):
    """A Row read from FlowPOS' record `in_main_units`, whose names are camel case."""

    model_config = ConfigDict(
        extra="ignore",
        populate_by_name=True,
        coerce_numbers_to_str=True,
        alias_generator=AliasGenerator(validation_alias=to_camel),
    )


def in_main_units(record: Any, currency: str | None) -> Any:
    """A record whose amounts (`totalMinor: 2150`) are in the currency's main unit (`total: 21.50`).

    The currency is the record's own, else `currency`, and holds for what is inside it. Without one, and for
    anything but a whole number, the amount is left out: it could be read a hundred times too high.
    """
    if isinstance(record, list):
        return [in_main_units(each, currency) for each in record]
    if not isinstance(record, Mapping):
        return record
    own = record.get("currency")
    code = own if isinstance(own, str) and own else currency
    found: dict[Any, Any] = {"currency": code}
    for name, value in record.items():
        if not isinstance(name, str) or not name.endswith("Minor"):
            found[name] = code if name == "currency" else in_main_units(value, code)
        elif isinstance(value, int) and not isinstance(value, bool) and code:
            found[name.removesuffix("Minor")] = from_minor(value, code)
    return found


def currency_of(api: Api) -> str | None:
    """The business's currency, or None when FlowPOS names none."""
    found = api.business.facts.get("currency") if api.business else None
    return found if isinstance(found, str) else None


def timezone_of(api: Api) -> str | None:
    """The name of the business's time zone, or None when FlowPOS names none."""
    found = api.business.facts.get("timezone") if api.business else None
    return found if isinstance(found, str) else None


def check_period(first: date | None, last: date | None) -> None:
    """Raises InvalidArguments for a period that runs backwards or exceeds a year."""
    if first is None or last is None:
        return
    if last < first:
        raise InvalidArguments("to: must not be before `from`.", details={"fields": ["from", "to"]})
    if last - first > timedelta(days=_MOST_DAYS):
        raise InvalidArguments(
            f"to: a period has at most {_MOST_DAYS} days.", details={"fields": ["from", "to"]}
        )
