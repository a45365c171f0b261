"""How Service Fusion writes lists, dates and money, and how we ask for them."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field

from app.connectors.answers import Answers
from app.connectors.api import Api
from app.connectors.tool import Page, Row

# What it writes for "no date"; the second is not even ISO 8601.
_NO_DATE = re.compile(r"(1970-01-01T00:00:00|-?0001-11-30|0000-00-00)")
_answers = Answers(
    "ServiceFusion", "The record may have been made: look for it before repeating, as it cannot be deleted."
)
read_as, unreadable = _answers.read_as, _answers.unreadable


def _known_date(value: Any) -> Any:
    return None if isinstance(value, str) and (not value or _NO_DATE.match(value)) else value


def _no_blank(value: Any) -> Any:
    return None if value == "" else value


When = Annotated[str | None, BeforeValidator(_known_date)]
Text = Annotated[str | None, BeforeValidator(_no_blank)]
Money = float | None

RecordId = Annotated[int, Field(ge=1, le=2**53)]
PageNumber = Annotated[int, Field(ge=1, le=100_000, description="Page to read, from 1.")]
PerPage = Annotated[int, Field(ge=1, le=50, description="Records a page.")]


class FusionRow(Row):
    """A Row made straight from Service Fusion's own record."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


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
    """One page of a list. A page past the end comes back as the last one again, so `_meta.pageCount` ends the
    walk.

    A sort is always sent: without one the list of jobs takes minutes.
    """
    asked = {
        "page": page,
        "per-page": per_page,
        "sort": sort,
        **({"expand": ",".join(expand)} if expand else {}),
        **{f"filters{name}": _sent(value) for name, value in (filters or {}).items() if value is not None},
    }
    body = api.get(path, params=asked, parts=parts)
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
    """The record of that id."""
    return read_as(
        model, api.get(path, parts={"id": id_}, params={"expand": ",".join(expand)} if expand else None)
    )


def present(**fields: Any) -> dict[str, Any]:
    """Only what is given, with days as text."""
    return {
        name: _sent(value) if isinstance(value, date) else value
        for name, value in fields.items()
        if value not in (None, [], ())
    }


def _sent(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
