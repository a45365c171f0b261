"""How FlowPOS writes records, lists and days, and how we read them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasGenerator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app import clock
from app.connectors.answers import Answers
from app.connectors.api import Api
from app.connectors.tool import Page, Row
from app.errors import InvalidArguments, ReconnectNeeded

BUSINESS = "/v1/businesses/{business}"
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
    """A Row made straight from FlowPOS' own record, whose names are in camel case."""

    model_config = ConfigDict(
        extra="ignore",
        populate_by_name=True,
        coerce_numbers_to_str=True,
        alias_generator=AliasGenerator(validation_alias=to_camel),
    )


AnyRow = TypeVar("AnyRow", bound=FlowRow)


def read_list(
    api: Api, path: str, model: type[AnyRow], asked: Mapping[str, Any] | None = None, **parts: str
) -> list[AnyRow]:
    """A list that comes whole."""
    return page_of(api, path, model, asked, **parts).items


def page_of(
    api: Api, path: str, model: type[AnyRow], asked: Mapping[str, Any] | None = None, **parts: str
) -> Page[AnyRow]:
    """One page of a list. FlowPOS names no total; its own cursor leads on."""
    body = api.get(path, parts=parts or None, params=_query(asked or {}))
    records = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(records, list):
        raise unreadable(wrote=False)
    following = body.get("nextCursor")
    return Page(
        items=[read_as(model, record) for record in records],
        next=following if isinstance(following, str) and following else None,
    )


def read_all(
    api: Api, path: str, model: type[AnyRow], most_pages: int, asked: Mapping[str, Any] | None = None
) -> tuple[list[AnyRow], bool]:
    """Every record of the business's list, a hundred at a time, and whether that was all of them."""
    found: list[AnyRow] = []
    after: str | None = None
    for number in range(most_pages):
        api.progress(number, None, "Reading FlowPOS.")
        page = page_of(
            api, path, model, {**(asked or {}), "limit": 100, "cursor": after}, business=business_of(api)
        )
        found += page.items
        after = str(page.next) if page.next else None
        if after is None:
            return found, True
    return found, False


def read_object(api: Api, path: str, asked: Mapping[str, Any] | None = None, **parts: str) -> Any:
    """GET one object."""
    return api.get(path, parts=parts, params=_query(asked or {}))


def business_of(api: Api) -> str:
    """The business the call works in."""
    if api.business is None:
        raise ReconnectNeeded("This FlowPOS connection reaches no business any more. Reconnect FlowPOS.")
    return api.business.id


def currency_of(api: Api) -> str | None:
    """The currency the business works in."""
    found = api.business.facts.get("currency") if api.business else None
    return found if isinstance(found, str) else None


def zone_of(api: Api) -> ZoneInfo:
    """The business's time zone, or UTC when FlowPOS names none that is known."""
    name = api.business.facts.get("timezone") if api.business else None
    try:
        return ZoneInfo(name if isinstance(name, str) else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def today(api: Api) -> date:
    """The business's own day."""
    return clock.now().astimezone(zone_of(api)).date()


def check_period(first: date | None, last: date | None) -> None:
    """Raises InvalidArguments for a period that runs backwards or is longer than a year."""
    if first is None or last is None:
        return
    if last < first:
        raise InvalidArguments("to: must not be before `from`.", details={"fields": ["from", "to"]})
    if last - first > timedelta(days=_MOST_DAYS):
        raise InvalidArguments(
            f"to: a period has at most {_MOST_DAYS} days.", details={"fields": ["from", "to"]}
        )


def _query(asked: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in asked.items() if value is not None}


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
