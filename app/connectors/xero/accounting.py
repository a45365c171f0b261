"""A request to the Accounting API: always for one organisation, always with Xero's envelope around it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from app.connectors.api import Api
from app.connectors.xero.errors import refused_record
from app.connectors.xero.values import records, unreadable
from app.errors import ReconnectNeeded

_ROOT = "/api.xro/2.0"


def read(
    api: Api,
    path: str,
    key: str,
    *,
    params: Mapping[str, Any] | None = None,
    parts: Mapping[str, Any] | None = None,
) -> tuple[list[Any], Mapping[str, Any]]:
    """The records under `key` and the whole answer, which holds `pagination` when a page was asked for."""
    body = api.get(_ROOT + path, params=_given(params or {}), parts=parts, headers=_organisation(api))
    return records(body, key), body


def read_one(
    api: Api,
    path: str,
    key: str,
    *,
    params: Mapping[str, Any] | None = None,
    parts: Mapping[str, Any] | None = None,
) -> Any:
    """The only record of an answer."""
    found, _ = read(api, path, key, params=params, parts=parts)
    if not found:
        raise unreadable(wrote=False)
    return found[0]


def create(
    api: Api, path: str, key: str, record: Mapping[str, Any], *, params: Mapping[str, Any] | None = None
) -> Any:
    """PUT one new record and give back what Xero made of it. Raises InvalidArguments when it was refused."""
    body = api.put(_ROOT + path, params=params, json={key: [_given(record)]}, headers=_organisation(api))
    made = records(body, key, wrote=True)
    if not made or not isinstance(made[0], Mapping):
        raise unreadable(wrote=True)
    if problem := refused_record(made[0]):
        raise problem
    return made[0]


def send_empty(api: Api, path: str, *, parts: Mapping[str, Any]) -> None:
    """POST without a body: Xero's way of asking for a deed, answered by 204."""
    api.post(_ROOT + path, parts=parts, headers=_organisation(api))


def total_and_next(
    body: Mapping[str, Any], page: int, found: int, page_size: int
) -> tuple[int | None, int | None]:
    """How many records there are in all (None when Xero did not say) and the page after this one."""
    pagination = body.get("pagination")
    total = pagination.get("itemCount") if isinstance(pagination, Mapping) else None
    if not isinstance(total, int) or isinstance(total, bool):
        return None, page + 1 if found >= page_size else None
    return total, page + 1 if found and page * page_size < total else None


def dated_between(
    first: date | None, last: date | None, field: Literal["Date", "DueDate"] = "Date"
) -> list[str]:
    """Conditions of a `where` expression that keep what is dated (or due) in these days, both included."""
    bounds = ((">=", first), ("<=", last))
    return [f"{field}{sign}DateTime({day.year},{day.month:02},{day.day:02})" for sign, day in bounds if day]


def _organisation(api: Api) -> dict[str, str]:
    if api.business is None:
        raise ReconnectNeeded(
            "This Xero connection reaches no organisation any more. Reconnect Xero and choose one."
        )
    return {"xero-tenant-id": str(api.business.facts.get("tenant_id") or api.business.id)}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was given a value: an absent field means "leave it to Xero", null would mean something else."""
    return {name: value for name, value in values.items() if value not in (None, "")}
