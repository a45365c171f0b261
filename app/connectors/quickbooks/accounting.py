"""A request to the Accounting API: always for one company, always of the same minor version."""

from collections.abc import Mapping
from typing import Any, TypeVar

from app.connectors.api import Api
from app.connectors.quickbooks.query import Entity, select
from app.connectors.quickbooks.values import QuickBooksRow, inside, read_as, unreadable
from app.connectors.tool import Page
from app.errors import ReconnectNeeded

# Lower ones are treated as 75 since August 2025.
_MINOR_VERSION = 75
AnyRow = TypeVar("AnyRow", bound=QuickBooksRow)


def read(
    api: Api,
    path: str,
    key: str,
    *,
    params: Mapping[str, Any] | None = None,
    parts: Mapping[str, Any] | None = None,
) -> Any:
    """GET what stands under `key` of the answer. `path` is below the company's."""
    body = api.get(
        _path(path), parts=_parts(api, parts), params={**_given(params or {}), "minorversion": _MINOR_VERSION}
    )
    found = inside(body, key)
    if not isinstance(found, Mapping):
        raise unreadable(wrote=False)
    return found


def read_report(api: Api, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """GET a report. Its columns and rows are at the top of the answer."""
    path = _path("/reports/{report}")
    body = api.get(
        path, parts=_parts(api, {"report": name}), params={**_given(params), "minorversion": _MINOR_VERSION}
    )
    if not isinstance(body, Mapping) or not isinstance(body.get("Header"), Mapping):
        raise unreadable(wrote=False)
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
    """A page of records by the query language. One more than the page holds is asked for, to know whether
    there is another.
    """
    statement = select(entity, conditions, order, start=offset + 1, most=limit + 1)
    answer = read(api, "/query", "QueryResponse", params={"query": statement})
    found = answer.get(entity, [])  # nothing found: the member is missing
    if not isinstance(found, list):
        raise unreadable(wrote=False)
    following = offset + limit if len(found) > limit else None
    return Page(items=[read_as(model, record) for record in found[:limit]], next=following)


def write(
    api: Api,
    path: str,
    key: str,
    record: Mapping[str, Any] | None,
    *,
    parts: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """POST a record, or nothing where the address says it all, and give back what QuickBooks made of it."""
    body = api.post(
        _path(path),
        parts=_parts(api, parts),
        params={**_given(params or {}), "minorversion": _MINOR_VERSION},
        json=None if record is None else _given(record),
        headers=headers,
    )
    made = inside(body, key)
    if not isinstance(made, Mapping):
        raise unreadable(wrote=True)
    return made


def home_currency(api: Api) -> str | None:
    """The company's own currency, as learned when it was connected; None when QuickBooks did not say."""
    found = api.business.facts.get("home_currency") if api.business else None
    return found if isinstance(found, str) else None


def _path(path: str) -> str:
    return "/v3/company/{company}" + path


def _parts(api: Api, parts: Mapping[str, Any] | None) -> dict[str, Any]:
    if api.business is None:
        raise ReconnectNeeded(
            "This QuickBooks connection does not know its company any more. Reconnect QuickBooks."
        )
    return {"company": api.business.id, **(parts or {})}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was given a value: an absent field means "leave it to QuickBooks"."""
    return {name: value for name, value in values.items() if value not in (None, "")}
