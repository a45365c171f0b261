"""Records of a business: one, a page, every page, a new one. Each is a call of one of FlowPOS' tools."""

from collections.abc import Mapping
from typing import Any, TypeVar

from app.connectors.api import Api
from app.connectors.flowpos.tool_calls import call
from app.connectors.flowpos.values import FlowRow, currency_of, in_main_units, read_as, unreadable
from app.connectors.rows import Page

Arguments = Mapping[str, Any]
AnyRow = TypeVar("AnyRow", bound=FlowRow)

# FlowPOS documents no answer. These are the names under which a list comes, and its cursor.
_LISTS = ("data", "items", "results")
_CURSORS = ("nextCursor", "next_cursor")


def read_one(api: Api, tool: str, model: type[AnyRow], arguments: Arguments | None = None) -> AnyRow:
    """One object."""
    return read_as(model, in_main_units(_single(call(api, tool, arguments)), currency_of(api)))


def read_list(api: Api, tool: str, model: type[AnyRow], arguments: Arguments | None = None) -> list[AnyRow]:
    """A list that comes on a single page."""
    return read_page(api, tool, model, arguments).items


def read_page(api: Api, tool: str, model: type[AnyRow], arguments: Arguments | None = None) -> Page[AnyRow]:
    """One page of a list. FlowPOS names no total; its cursor leads to the next page."""
    body = call(api, tool, arguments)
    following = None
    if isinstance(body, Mapping):
        following = next((body[name] for name in _CURSORS if body.get(name) is not None), None)
    if following is not None and not isinstance(following, str | int):
        raise unreadable()  # without the way to the rest the list would look complete
    return Page(
        items=rows_of(body, model, currency_of(api)),
        next=str(following) if following else None,
    )


def read_all(
    api: Api, tool: str, model: type[AnyRow], most_pages: int, arguments: Arguments | None = None
) -> tuple[list[AnyRow], bool]:
    """Every record of a list, 100 per request, and whether that was all of them."""
    found: list[AnyRow] = []
    after: str | None = None
    for number in range(most_pages):
        api.progress(number, None, "Reading FlowPOS.")
        page = read_page(api, tool, model, {**(arguments or {}), "limit": 100, "cursor": after})
        found += page.items
        after = str(page.next) if page.next else None
        if after is None:
            return found, True
    return found, False


def create(api: Api, tool: str, model: type[AnyRow], record: Arguments) -> AnyRow:
    """Creates a record and returns it as FlowPOS stored it."""
    made = _single(call(api, tool, record, wrote=True))
    return read_as(model, in_main_units(made, currency_of(api)), wrote=True)


def rows_of(body: Any, model: type[AnyRow], currency: str | None = None) -> list[AnyRow]:
    """The rows of a list, in that currency unless they name one. Raises ProviderUnavailable for anything
    else.
    """
    records = _list_in(body)
    if records is None:
        raise unreadable()
    return [read_as(model, in_main_units(record, currency)) for record in records]


def _list_in(body: Any) -> list[Any] | None:
    """The list of an answer: itself, a member that is named as lists are, or its only list."""
    if isinstance(body, list) or not isinstance(body, Mapping):
        return body if isinstance(body, list) else None
    for name in _LISTS:
        if name in body:
            return body[name] if isinstance(body[name], list) else None
    lists = [value for value in body.values() if isinstance(value, list)]
    return lists[0] if len(lists) == 1 else None


def _single(body: Any) -> Any:
    """The record of an answer: itself, or what its member `data` holds."""
    return body["data"] if isinstance(body, Mapping) and set(body) == {"data"} else body
