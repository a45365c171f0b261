"""The types FlowPOS' API uses, and the currency, time zone and days of a business."""

from datetime import date, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AliasGenerator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app import clock
from app.connectors.answers import Answers
from app.connectors.api import Api
from app.connectors.rows import Row
from app.connectors.summary_days import find_zone
from app.errors import InvalidArguments

_MOST_DAYS = 366

FlowId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
Words = Annotated[str, Field(min_length=1, max_length=200)]
Limit = Annotated[int, Field(ge=1, le=100, description="Records a page.")]
After = Annotated[str | None, Field(max_length=2000, description="Where the next page begins.")]
FirstDay = Annotated[
    date, Field(alias="from", description="First day to include, in the business's time zone.")
]
LastDay = Annotated[date, Field(description="Last day to include.")]
_answers = Answers("FlowPOS")
read_as, unreadable = _answers.read_as, _answers.unreadable


class FlowRow(Row):
    """A Row read directly from FlowPOS' record, whose names are camel case."""

    model_config = ConfigDict(
        extra="ignore",
        populate_by_name=True,
        coerce_numbers_to_str=True,
        alias_generator=AliasGenerator(validation_alias=to_camel),
    )


def currency_of(api: Api) -> str | None:
    """The business's currency, or None when FlowPOS names none."""
    found = api.business.facts.get("currency") if api.business else None
    return found if isinstance(found, str) else None


def zone_of(api: Api) -> ZoneInfo:
    """The business's time zone, or UTC when FlowPOS names no known one."""
    name = api.business.facts.get("timezone") if api.business else None
    return find_zone(name if isinstance(name, str) else None) or ZoneInfo("UTC")


def today(api: Api) -> date:
    """Today in the business's time zone."""
    return clock.now().astimezone(zone_of(api)).date()


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
