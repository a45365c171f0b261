"""What a tool returns: rows and pages of rows, and how they become JSON-ready data with safe text."""

import json
import re
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from app.plain_text import SUSPECT, plain

__all__ = ["Page", "Row", "plain", "size_in_tokens", "to_data"]

Item = TypeVar("Item")


class Row(BaseModel):
    """A record as an AI client sees it: only the fields that matter, named in plain words."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """One page of a list. `next` is the paging argument's value for the next page, or None at the end."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item]
    next: str | int | None = None
    total: int | None = None


def to_data(returned: Any) -> Any:
    """A tool function's result as JSON-ready data with `plain` strings."""
    if isinstance(returned, BaseModel):
        returned = returned.model_dump(mode="json")
    return returned if _is_plain(returned) else plain(returned)


# What JSON text of plain data never holds: escaped control characters, and DEL.
_NOT_PLAIN = re.compile(rb"\\[ubf]|\x7f")


def _is_plain(data: Any) -> bool:
    """Whether `plain` would change nothing. Decided on the JSON text, which costs a fraction of walking the
    data; a false no is possible.
    """
    try:
        text = to_json(data)
    except ValueError:
        return False
    if _NOT_PLAIN.search(text):
        return False
    return text.isascii() or SUSPECT.search(text.decode()) is None


def size_in_tokens(data: Any) -> int:
    """A cautious estimate of what data costs an AI client: three characters of JSON per token."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) // 3
