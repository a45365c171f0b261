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

    Always sends a sort: without one the list of jobs takes minutes. Its last key is the id, so that records
    that are alike in the others keep their places between pages.
    """
    query = {
        "page": page,
        "per-page": per_page,
        "sort": sort,
        **_expanding(expand),
        **{f"filters{name}": _sent(value) for name, value in (filters or {}).items() if value is not None},
    }
    items, meta = _read_page(api, path, query, parts)
    pages, total = _whole(meta.get("pageCount")), _whole(meta.get("totalCount"))
    if pages is None:
        if page > 1 and items == _read_page(api, path, {**query, "page": page - 1}, parts)[0]:
            items = []  # the last page again
        following = page + 1 if len(items) >= per_page else None
    else:
        items = items if page <= max(pages, 1) else []
        following = page + 1 if page < pages else None
    return Page(items=[read_as(model, item) for item in items], next=following, total=total)


def _read_page(
    api: Api, path: str, query: Mapping[str, Any], parts: Mapping[str, Any] | None
) -> tuple[list[Any], Mapping[str, Any]]:
    """The records of a page and its `_meta`. Raises ProviderUnavailable for another answer."""
    body = api.get(path, params=query, parts=parts)
    items = body.get("items") if isinstance(body, Mapping) else None
    if not isinstance(items, list):
        raise unreadable()
    meta = body.get("_meta")
    return items, meta if isinstance(meta, Mapping) else {}


def one(api: Api, path: str, id_: int, model: type[AnyRow], expand: tuple[str, ...] = ()) -> AnyRow:
    """The record with that id."""
    return read_as(model, api.get(path, parts={"id": id_}, params=_expanding(expand)))


def create_record(
    api: Api, path: str, model: type[AnyRow], record: Mapping[str, Any], expand: tuple[str, ...]
) -> AnyRow:
    """Creates a record and returns it as ServiceFusion stored it, with the parts that would be left out."""
    return read_as(model, api.post(path, json=record, params=_expanding(expand)), wrote=True)


def present(**fields: Any) -> dict[str, Any]:
    """The given fields only, with days as text."""
    return {name: _sent(value) for name, value in fields.items() if value not in (None, [], ())}


def _expanding(expand: tuple[str, ...]) -> dict[str, str]:
    return {"expand": ",".join(expand)} if expand else {}


def _sent(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _whole(value: Any) -> int | None:
    """A count, also from text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
