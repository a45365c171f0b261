"""A tool's data as a page displays it: records as a table, one record as labels, anything as JSON."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.approvals.argument_text import label_of, visible

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DECIMAL = re.compile(r"-?\d+\.\d{2,4}")
_IS_NAME = re.compile(r"(^|_)(id|ids|number|code|phone|zip|postal_code|sku|year|etag|key|version)$")
_SHORT = 44  # characters of a cell up to which it is never wrapped
_IS_ID = re.compile(r"(^|_)ids?$")
_LONG = 160  # characters of a cell from which it is folded
_DEEPEST = 3
_MOST_JOINED = 12  # entries of a list within a cell


@dataclass(frozen=True)
class Use:
    """A link to another tool's form, with an id of this answer filled in."""

    title: str
    url: str


@dataclass(frozen=True)
class ResultValue:
    """One value as text. `beginning` is set for a long one, which is folded."""

    text: str
    is_number: bool = False
    beginning: str = ""

    @property
    def is_short(self) -> bool:
        """Whether it stays in one line."""
        return len(self.text) <= _SHORT and "\n" not in self.text


@dataclass(frozen=True)
class ResultRow:
    """One record of a table."""

    cells: tuple[ResultValue, ...]
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class ResultTable:
    """Records. `numeric` says which columns are aligned to the right."""

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[ResultRow, ...]

    @property
    def has_uses(self) -> bool:
        """Whether any row has an id that another tool takes."""
        return any(row.uses for row in self.rows)


@dataclass(frozen=True)
class ResultEntry:
    """A label with its value, its table, or its own entries."""

    label: str
    value: ResultValue | None = None
    table: ResultTable | None = None
    entries: tuple["ResultEntry", ...] = ()


@dataclass(frozen=True)
class ResultView:
    """The data of one answer."""

    table: ResultTable | None
    entries: tuple[ResultEntry, ...]
    uses: tuple[Use, ...]
    as_json: str
    count: int = 0  # of records in the table
    total: str = ""


def view_of(data: Any, uses_of: Callable[[Mapping[str, Any]], Sequence[Use]]) -> ResultView:
    """The data of a successful envelope. `uses_of` returns the links of one record."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    if not isinstance(data, Mapping):
        return ResultView(None, (ResultEntry("Result", _value("", data)),), (), text)
    items = data.get("items")
    if not isinstance(items, list) or not _is_records(items):
        return ResultView(None, _entries(data, uses_of, 0), tuple(uses_of(data)), text)
    rest = {name: value for name, value in data.items() if name not in {"items", "next_cursor", "total"}}
    total = data.get("total")
    return ResultView(
        _table(items, uses_of),
        _entries(rest, uses_of, 0),
        (),
        text,
        len(items),
        f"{total:,}" if isinstance(total, int) and total != len(items) else "",
    )


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


def _table(
    records: Sequence[Mapping[str, Any]], uses_of: Callable[[Mapping[str, Any]], Sequence[Use]]
) -> ResultTable:
    names = list(dict.fromkeys(name for record in records for name in record))
    names = [name for name in names if any(record.get(name) not in (None, "", []) for record in records)]
    names.sort(key=lambda name: bool(_IS_ID.search(name)))  # what people read comes before ids
    numeric = [_is_numeric(name, [record.get(name) for record in records]) for name in names]
    rows = [
        ResultRow(tuple(_value(name, record.get(name)) for name in names), tuple(uses_of(record)))
        for record in records
    ]
    return ResultTable(tuple(label_of(name) for name in names), tuple(numeric), tuple(rows))


def _entries(
    record: Mapping[str, Any], uses_of: Callable[[Mapping[str, Any]], Sequence[Use]], depth: int
) -> tuple[ResultEntry, ...]:
    found = []
    for name, value in record.items():
        label = label_of(str(name))
        if value and _is_records(value):
            found.append(ResultEntry(label, table=_table(value, uses_of)))
        elif isinstance(value, Mapping) and value and depth < _DEEPEST:
            found.append(ResultEntry(label, entries=_entries(value, uses_of, depth + 1)))
        elif value not in (None, "", [], {}):
            found.append(ResultEntry(label, _value(str(name), value)))
    return tuple(found)


def _is_numeric(name: str, values: Sequence[Any]) -> bool:
    stated = [value for value in values if value not in (None, "")]
    return bool(stated) and not _IS_NAME.search(name) and all(_is_number(value) for value in stated)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _value(name: str, value: Any) -> ResultValue:
    is_number = _is_numeric(name, [value])
    text = _text(name, value)
    is_long = len(text) > _LONG or text.count("\n") > 2
    beginning = " ".join(text[:_LONG].split())[: _LONG - 40].rstrip() + "…" if is_long else ""
    return ResultValue(text, is_number, beginning)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str):
        is_amount = _DECIMAL.fullmatch(value) and not _IS_NAME.search(name)
        return _grouped(value) if is_amount else visible(value)
    if isinstance(value, Mapping):
        pairs = (f"{label_of(str(key))}: {_text(str(key), part)}" for key, part in value.items() if part)
        return "; ".join(pairs)
    if isinstance(value, (list, tuple)):
        return _joined(name, value)
    return str(value)


def _joined(name: str, values: Sequence[Any]) -> str:
    separator = "\n" if any(isinstance(each, (Mapping, list)) for each in values) else ", "
    text = separator.join(_text(name, each) for each in values[:_MOST_JOINED])
    left = len(values) - _MOST_JOINED
    return f"{text}{separator}and {left:,} more" if left > 0 else text


def _grouped(amount: str) -> str:
    """Decimal text with its thousands apart, and every digit it has."""
    whole, _, cents = amount.partition(".")
    return f"{int(whole):,}.{cents}" if whole not in {"-0"} else amount
