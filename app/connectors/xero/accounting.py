"""Requests to the Accounting API, each for one organisation and in Xero's envelope."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, TypeVar

from app.connectors.api import Api
from app.connectors.request import given
from app.connectors.rows import Page
from app.connectors.xero.errors import refused_record
from app.connectors.xero.values import XeroRow, read_as, records, unreadable
from app.errors import ReconnectNeeded

_ROOT = "/api.xro/2.0"
_ABSENT = (None, "")  # a missing field is left to Xero; null would mean something else
Fields = Mapping[str, Any]
AnyRow = TypeVar("AnyRow", bound=XeroRow)


def read(
    api: Api, path: str, key: str, *, params: Fields | None = None, parts: Fields | None = None
) -> tuple[list[Any], Mapping[str, Any]]:
    """The records under `key` and the whole answer, which holds `pagination` for a requested page."""
    query = given(params or {}, _ABSENT)
    body = api.get(_ROOT + path, params=query, parts=parts, headers=_organisation(api))
    return records(body, key), body


def read_page(
    api: Api, key: str, model: type[AnyRow], params: Fields, *, page: int, page_size: int = 100
) -> Page[AnyRow]:
    """One page of the records under `key`, which also names the path."""
    found, body = read(api, f"/{key}", key, params={"page": page, "pageSize": page_size, **params})
    total, following = total_and_next(body, page, len(found), page_size)
    return Page(items=[read_as(model, record) for record in found], next=following, total=total)


def read_one(api: Api, path: str, key: str, **options: Any) -> Any:
    """The only record of an answer."""
    found, _ = read(api, path, key, **options)
    if not found:
        raise unreadable()
    return found[0]


def create(api: Api, path: str, key: str, record: Fields, *, params: Fields | None = None) -> Any:
    """PUTs one new record and returns it as Xero stored it. Raises InvalidArguments when Xero refused it."""
    json = {key: [given(record, _ABSENT)]}
    body = api.put(_ROOT + path, params=params, json=json, headers=_organisation(api))
    made = records(body, key, wrote=True)
    if not made or not isinstance(made[0], Mapping):
        raise unreadable(wrote=True)
    if problem := refused_record(made[0]):
        raise problem
    return made[0]


def send_empty(api: Api, path: str, *, parts: Mapping[str, Any]) -> None:
    """POSTs without a body, which Xero takes as an action and answers with 204."""
    api.post(_ROOT + path, parts=parts, headers=_organisation(api))


def total_and_next(
    body: Mapping[str, Any], page: int, found: int, page_size: int
) -> tuple[int | None, int | None]:
    """The total number of records (None when Xero names none) and the next page."""
    pagination = body.get("pagination")
    total = pagination.get("itemCount") if isinstance(pagination, Mapping) else None
    if not isinstance(total, int) or isinstance(total, bool):
        return None, page + 1 if found >= page_size else None
    return total, page + 1 if found and page * page_size < total else None


def dated_between(
    first: date | None, last: date | None, field: Literal["Date", "DueDate"] = "Date"
) -> list[str]:
    """Conditions of a `where` expression for records dated (or due) in these days, both included."""
    bounds = ((">=", first), ("<=", last))
    return [f"{field}{sign}DateTime({day.year},{day.month:02},{day.day:02})" for sign, day in bounds if day]


def _organisation(api: Api) -> dict[str, str]:
    if api.business is None:
        raise ReconnectNeeded(
            "This Xero connection no longer reaches an organisation. Reconnect Xero and choose one."
        )
    return {"xero-tenant-id": str(api.business.facts.get("tenant_id") or api.business.id)}
