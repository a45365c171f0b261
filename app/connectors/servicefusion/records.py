"""Requests for records: one page, one by its id, a new one."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from app.connectors.api import Api
from app.connectors.rows import Page
from app.connectors.servicefusion.values import FusionRow, read_as, unreadable

AnyRow = TypeVar("AnyRow", bound=FusionRow)


def page_of(
    api: Api,
    path: str,
    model: type[AnyRow],
    *,
    page: int,
    per_page: int,
    sort: str,
    filters: Mapping[str, Any] | None = None,
    expand: tuple[str, ...] = (),
    parts: Mapping[str, Any] | None = None,
) -> Page[AnyRow]:
    """One page of a list. A page past the end repeats the last one, so `_meta.pageCount` ends the list.

    Always sends a sort: without one the list of jobs takes minutes.
    """
    query = {
        "page": page,
        "per-page": per_page,
        "sort": sort,
        **({"expand": ",".join(expand)} if expand else {}),
        **{f"filters{name}": _sent(value) for name, value in (filters or {}).items() if value is not None},
    }
    body = api.get(path, params=query, parts=parts)
    items = body.get("items") if isinstance(body, Mapping) else None
    meta = body.get("_meta") if isinstance(body, Mapping) else None
    if not isinstance(items, list) or not isinstance(meta, Mapping):
        raise unreadable()
    pages, total = meta.get("pageCount"), meta.get("totalCount")
    if not isinstance(pages, int) or not isinstance(total, int):
        raise unreadable()
    rows = [read_as(model, item) for item in items] if page <= max(pages, 1) else []
    return Page(items=rows, next=page + 1 if page < pages else None, total=total)


def one(api: Api, path: str, id_: int, model: type[AnyRow], expand: tuple[str, ...] = ()) -> AnyRow:
    """The record with that id."""
    return read_as(
        model, api.get(path, parts={"id": id_}, params={"expand": ",".join(expand)} if expand else None)
    )


def create_record(api: Api, path: str, model: type[AnyRow], record: Mapping[str, Any]) -> AnyRow:
    """Creates a record and returns it as ServiceFusion stored it."""
    return read_as(model, api.post(path, json=record), wrote=True)


def present(**fields: Any) -> dict[str, Any]:
    """The given fields only, with days as text."""
    return {
        name: _sent(value) if isinstance(value, date) else value
        for name, value in fields.items()
        if value not in (None, [], ())
    }


def _sent(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
