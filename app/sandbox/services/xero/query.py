"""Xero's query parameters: `where` expressions, `order`, pages."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask import request

from app.sandbox.services.xero.wire import bad_request
from app.sandbox.store import Record

# How to read a field of an expression from a record.
Fields = Mapping[str, Callable[[Record], Any]]

_CONDITION = re.compile(
    r"""\s*(?P<field>[A-Za-z.]+)\s*(?P<sign>==|!=|>=|<=|>|<)\s*
    (?:"(?P<text>[^"]*)"|DateTime\((?P<y>\d{4}),\s*(?P<m>\d{1,2}),\s*(?P<d>\d{1,2})\)|Guid\("(?P<guid>[0-9a-fA-F-]{36})"\)|(?P<flag>true|false))\s*""",
    re.VERBOSE,
)
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


def where(fields: Fields) -> Callable[[Record], bool]:
    """A predicate for `where=`: conditions joined by AND. Raises RequestRefused with QueryParseException."""
    text = request.args.get("where", "")
    checks = (
        [_check(condition, fields) for condition in re.split(r"\s+AND\s+|&&", text)] if text.strip() else []
    )
    return lambda record: all(check(record) for check in checks)


def _check(condition: str, fields: Fields) -> Callable[[Record], bool]:
    found = _CONDITION.fullmatch(condition)
    if found is None or found["field"] not in fields:
        raise bad_request(
            16,
            "QueryParseException",
            f"No property or field in {condition.strip()[:60]!r} could be read.",
        )
    wanted: Any = found["text"]
    if found["y"]:
        try:
            wanted = date(int(found["y"]), int(found["m"]), int(found["d"])).isoformat()
        except ValueError:
            raise bad_request(16, "QueryParseException", "The date is not a day of the calendar.") from None
    elif found["guid"]:
        wanted = found["guid"].lower()
    elif found["flag"]:
        wanted = found["flag"] == "true"
    read, compare = fields[found["field"]], _SIGNS[found["sign"]]

    def check(record: Record) -> bool:
        value = read(record)
        return value is not None and compare(value, wanted)

    return check


def ordered(records: list[Record], fields: Fields) -> list[Record]:
    """The records sorted by `order=`, such as `Date DESC,InvoiceID ASC`. Raises RequestRefused.

    Records that are alike in every key come in another order on every page, as from a database.
    """
    text = request.args.get("order", "").strip()
    if not text:
        return records
    found = records[::-1] if request.args.get("page", "1") != "1" else list(records)
    for key in reversed(text.split(",")):
        name, _, direction = key.strip().partition(" ")
        if name not in fields or direction.upper() not in {"", "ASC", "DESC"}:
            raise bad_request(16, "QueryParseException", f"Cannot order by {text[:60]!r}.")
        found.sort(
            key=lambda record, read=fields[name]: str(read(record) or ""),  # type: ignore[misc]
            reverse=direction.upper() == "DESC",
        )
    return found


def paged(records: list[Record]) -> tuple[list[Record], dict[str, Any]]:
    """One page and its `pagination`; without `page` the whole list and no member. Raises RequestRefused."""
    page, size = _whole("page", None), _whole("pageSize", 100)
    if page is None:
        return records, {}
    if size is None or size > 1000:
        raise bad_request(16, "QueryParseException", "pageSize must be from 1 to 1000.")
    pages = -(-len(records) // size)
    pagination = {"page": page, "pageSize": size, "pageCount": pages, "itemCount": len(records)}
    return records[(page - 1) * size : page * size], {"pagination": pagination}


def listed(name: str) -> set[str]:
    """The values of a comma list parameter."""
    return {value for value in request.args.get(name, "").split(",") if value}


def _whole(name: str, default: int | None) -> int | None:
    text = request.args.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise bad_request(16, "QueryParseException", f"{name} must be a whole number from 1.")
    return int(text)
