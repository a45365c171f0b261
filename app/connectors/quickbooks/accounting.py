"""Requests to the Accounting API, each for one company and in the same minor version."""

from collections.abc import Mapping
from typing import Any, TypeVar

from app.connectors.api import Api
from app.connectors.quickbooks.query import Entity, select
from app.connectors.quickbooks.values import QuickBooksRow, inside, read_as, unreadable
from app.connectors.request import given
from app.connectors.rows import Page
from app.errors import ReconnectNeeded

# Lower ones are treated as 75 since August 2025.
_MINOR_VERSION = 75
_ABSENT = (None, "")  # a missing field is left to QuickBooks
Fields = Mapping[str, Any]
AnyRow = TypeVar("AnyRow", bound=QuickBooksRow)


def read(api: Api, path: str, key: str, *, params: Fields | None = None, parts: Fields | None = None) -> Any:
    """The value under `key` of the answer. `path` is below the company's."""
    found = find(api, path, key, params=params, parts=parts)
    if found is None:
        raise unreadable()
    return found


def find(
    api: Api, path: str, key: str, *, params: Fields | None = None, parts: Fields | None = None
) -> Mapping[str, Any] | None:
    """The same, or None for an answer without it."""
    found = inside(api.get(_path(path), parts=_parts(api, parts), params=_params(params)), key)
    return found if isinstance(found, Mapping) else None


def read_report(api: Api, name: str, params: Fields) -> Mapping[str, Any]:
    """A report. Its columns and rows are at the top level of the answer."""
    body = api.get(_path("/reports/{report}"), parts=_parts(api, {"report": name}), params=_params(params))
    if not isinstance(body, Mapping):
        raise unreadable()
    return body


def list_page(
    api: Api,
    model: type[AnyRow],
    entity: Entity,
    conditions: list[str],
    order: str,
    *,
    limit: int,
    offset: int,
) -> Page[AnyRow]:
    """One page of records by query. Requests one record more than a page, to know whether another follows.

    The id is the second sort key: records that are alike in the first one would change places between pages.
    """
    if order != "Id":
        order += ", Id DESC" if order.endswith(" DESC") else ", Id"
    statement = select(entity, conditions, order, start=offset + 1, most=limit + 1)
    answer = read(api, "/query", "QueryResponse", params={"query": statement})
    found = answer.get(entity, [])  # nothing found: the member is missing
    if not isinstance(found, list):
        raise unreadable()
    following = offset + limit if len(found) > limit else None
    return Page(items=[read_as(model, record) for record in found[:limit]], next=following)


def write(
    api: Api,
    path: str,
    key: str,
    record: Fields | None,
    *,
    parts: Fields | None = None,
    params: Fields | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """POSTs a record, or no body where the address is enough; returns the record as QuickBooks stored it."""
    body = api.post(
        _path(path),
        parts=_parts(api, parts),
        params=_params(params),
        json=None if record is None else given(record, _ABSENT),
        headers=headers,
    )
    made = inside(body, key)
    if not isinstance(made, Mapping):
        raise unreadable(wrote=True)
    return made


def home_currency(api: Api) -> str | None:
    """The company's own currency, as noted on connecting; None when QuickBooks named none."""
    found = api.business.facts.get("home_currency") if api.business else None
    return found if isinstance(found, str) else None


def _path(path: str) -> str:
    return "/v3/company/{company}" + path


def _params(params: Fields | None) -> dict[str, Any]:
    return {**given(params or {}, _ABSENT), "minorversion": _MINOR_VERSION}


def _parts(api: Api, parts: Fields | None) -> dict[str, Any]:
    if api.business is None:
        raise ReconnectNeeded("This QuickBooks connection has lost its company. Reconnect QuickBooks.")
    return {"company": api.business.id, **(parts or {})}
