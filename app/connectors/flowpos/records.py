"""Requests for a business's records: one, a page, every page, a new one.

Each path is below the business's own, which stands in front of it here.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from app.connectors.api import Api
from app.connectors.flowpos.values import FlowRow, currency_of, in_main_units, read_as, unreadable
from app.connectors.rows import Page
from app.errors import ReconnectNeeded

_BUSINESS = "/v1/businesses/{business}"
Filters = Mapping[str, Any]
AnyRow = TypeVar("AnyRow", bound=FlowRow)


def read_one(
    api: Api, path: str, model: type[AnyRow], filters: Filters | None = None, **parts: str
) -> AnyRow:
    """One object."""
    return read_as(model, in_main_units(_get(api, path, filters, parts), currency_of(api)))


def read_list(
    api: Api, path: str, model: type[AnyRow], filters: Filters | None = None, **parts: str
) -> list[AnyRow]:
    """A list that comes on a single page."""
    return read_page(api, path, model, filters, **parts).items


def read_page(
    api: Api, path: str, model: type[AnyRow], filters: Filters | None = None, **parts: str
) -> Page[AnyRow]:
    """One page of a list. FlowPOS names no total; its cursor leads to the next page."""
    body = _get(api, path, filters, parts)
    following = body.get("nextCursor") if isinstance(body, Mapping) else None
    if following is not None and not isinstance(following, str | int):
        raise unreadable()  # without the way to the rest the list would look complete
    return Page(
        items=rows_of(body, model, currency_of(api)),
        next=str(following) if following else None,
    )


def read_all(
    api: Api, path: str, model: type[AnyRow], most_pages: int, filters: Filters | None = None
) -> tuple[list[AnyRow], bool]:
    """Every record of a list, 100 per request, and whether that was all of them."""
    found: list[AnyRow] = []
    after: str | None = None
    for number in range(most_pages):
        api.progress(number, None, "Reading FlowPOS.")
        page = read_page(api, path, model, {**(filters or {}), "limit": 100, "cursor": after})
        found += page.items
        after = str(page.next) if page.next else None
        if after is None:
            return found, True
    return found, False


def create(api: Api, path: str, model: type[AnyRow], record: Mapping[str, Any]) -> AnyRow:
    """Creates a record and returns it as FlowPOS stored it."""
    made = api.post(_BUSINESS + path, parts={"business": _business_id(api)}, json=record)
    return read_as(model, in_main_units(made, currency_of(api)), wrote=True)


def rows_of(body: Any, model: type[AnyRow], currency: str | None = None) -> list[AnyRow]:
    """The rows of a list, in that currency unless they name one. Raises ProviderUnavailable for anything
    else.
    """
    records = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(records, list):
        raise unreadable()
    return [read_as(model, in_main_units(record, currency)) for record in records]


def _get(api: Api, path: str, filters: Filters | None, parts: Mapping[str, str]) -> Any:
    query = {name: _text(value) for name, value in (filters or {}).items() if value is not None}
    return api.get(_BUSINESS + path, parts={"business": _business_id(api), **parts}, params=query)


def _business_id(api: Api) -> str:
    if api.business is None:
        raise ReconnectNeeded("This FlowPOS connection no longer reaches a business. Reconnect FlowPOS.")
    return api.business.id


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
