"""A tool's arguments as the values of a form, and back, by the tool's JSON Schema.

`read` makes arguments of what a browser sends, `fill` makes of arguments what a browser would send: one
undoes the other. A field's name is the path to its value, such as `line_items.0.qty`. A list of objects has
its number of rows beside it, as `line_items.#`.

What a person writes is taken as the kind of the schema if it is one; else it stays text, and the tool says
what is wrong with it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app import strict_json
from app.connectors.schemas import branches_of, choices_of, kinds_of

Raw = Mapping[str, Sequence[str]]  # path → what was sent under it
Kind = Literal[
    "switch",  # on or off
    "maybe",  # yes, no, or not set
    "choice",
    "choices",
    "whole",
    "number",
    "date",
    "text",
    "literal",  # a number, true, false or a text
    "lines",  # a list, one element per line
    "table",  # a list of lists
    "rows",  # a list of objects
    "group",
    "json",
]
COUNT = "#"
CONFIRM = "confirm"  # pressing the button that names the write confirms it
_MOST_ROWS = 200
_DEEPEST = 4  # levels of rows and groups; below, an object is written as JSON
_COUNT = re.compile(r"\d{1,9}")
_WHOLE = re.compile(r"[+-]?\d{1,19}")
_NOTHING = object()


@dataclass
class FormReading:
    """The arguments of a form, and what could not be read, by path."""

    arguments: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def node_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without the alternative that it is null."""
    branches = [branch for branch in branches_of(schema) if branch.get("type") != "null"]
    if not branches:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
    return {**branches[0], **rest} if len(branches) == 1 else rest


def takes_null(schema: Mapping[str, Any]) -> bool:
    """Whether null stands for "not set"."""
    stated = schema.get("type")
    return (isinstance(stated, list) and "null" in stated) or {"type": "null"} in branches_of(schema)


def kind_of(schema: Mapping[str, Any], depth: int = 0) -> Kind:
    """How a value of that schema is written in a form."""
    node = node_of(schema)
    kinds = kinds_of(node) or set[str]().union(*(kinds_of(branch) for branch in branches_of(schema)))
    if choices_of(node) and not kinds & {"array", "object"}:
        return "choice"
    if kinds == {"array"}:
        return _kind_of_list(node, depth)
    if kinds == {"object"}:
        return "group" if node.get("properties") and depth < _DEEPEST else "json"
    if kinds & {"array", "object"}:
        return "json"
    if kinds == {"boolean"}:
        return "maybe" if takes_null(schema) else "switch"
    if "string" in kinds and kinds & {"boolean", "number"}:
        return "literal"
    if kinds == {"integer"}:
        return "whole"
    if kinds and kinds <= {"integer", "number"}:
        return "number"
    return "date" if node.get("format") == "date" else "text"


def _kind_of_list(node: Mapping[str, Any], depth: int) -> Kind:
    elements = node_of(node.get("items") or {})
    kinds = kinds_of(elements)
    if choices_of(elements):
        return "choices"
    if kinds == {"object"}:
        return "rows" if elements.get("properties") and depth < _DEEPEST else "json"
    if kinds == {"array"}:
        return "table"
    return "json" if kinds & {"array", "object", "boolean"} else "lines"


def properties_of(schema: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The members of an object that a form asks for."""
    declared: Mapping[str, Mapping[str, Any]] = node_of(schema).get("properties") or {}
    return declared


def rows_in(raw: Raw, path: str) -> int:
    """How many rows of a list the form had, at least one."""
    stated = _first(raw, f"{path}.{COUNT}")
    return min(max(int(stated), 1), _MOST_ROWS) if _COUNT.fullmatch(stated) else 1


def read(schema: Mapping[str, Any], raw: Raw, without: Sequence[str] = ()) -> FormReading:
    """The arguments of a form. What was left empty is left out."""
    reading = FormReading()
    for name, part in properties_of(schema).items():
        if name not in without:
            value = _read(part, raw, name, 0, reading)
            if value is not _NOTHING:
                reading.arguments[name] = value
    return reading


def _read(schema: Mapping[str, Any], raw: Raw, path: str, depth: int, reading: FormReading) -> Any:
    kind = kind_of(schema, depth)
    if kind == "switch":
        return bool(_first(raw, path))
    if kind == "rows":
        return _read_rows(node_of(schema), raw, path, depth, reading)
    if kind == "group":
        members = _members(schema, raw, path, depth, reading)
        return members if members != _untouched(schema) else _NOTHING
    if kind == "choices":
        return [choice for choice in raw.get(path, ()) if choice] or _NOTHING
    text = _first(raw, path).replace("\r\n", "\n")
    if not text.strip():
        return _NOTHING
    if kind == "lines":
        of = kind_of(node_of(schema).get("items") or {})
        return [_scalar(of, line.strip()) for line in text.split("\n") if line.strip()]
    if kind == "table" and not text.lstrip().startswith("["):
        return [[literal(cell) for cell in line.split("\t")] for line in text.strip("\n").split("\n")]
    if kind in {"json", "table"}:
        try:
            return strict_json.parse(text.encode())
        except ValueError:
            reading.problems[path] = "This isn't valid JSON."
            return _NOTHING
    return _scalar(kind, text)


def _read_rows(node: Mapping[str, Any], raw: Raw, path: str, depth: int, reading: FormReading) -> Any:
    """The rows up to the last one that was filled in: positions stay, so that problems find their field."""
    elements = node.get("items") or {}
    rows = [
        _members(elements, raw, f"{path}.{number}", depth, reading) for number in range(rows_in(raw, path))
    ]
    while rows and rows[-1] == _untouched(elements):
        rows.pop()
    return rows or _NOTHING


def _members(
    schema: Mapping[str, Any], raw: Raw, path: str, depth: int, reading: FormReading
) -> dict[str, Any]:
    found = {
        name: _read(part, raw, f"{path}.{name}" if path else name, depth + 1, reading)
        for name, part in properties_of(schema).items()
    }
    return {name: value for name, value in found.items() if value is not _NOTHING}


def _untouched(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What an object reads as that nobody has filled in."""
    return _members(schema, fill(schema, {}), "", 0, FormReading())


def _scalar(kind: Kind, text: str) -> Any:
    text = text if kind in {"text", "literal"} else text.strip()
    if kind == "literal":
        return literal(text)
    if kind in {"whole", "number"} and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return text
    if kind == "maybe":
        return {"true": True, "false": False}.get(text, text)
    return text


def literal(text: str) -> Any:
    """A value as JSON writes it, if it is a number, true, false, null or a text in quotation marks; else the
    text itself.
    """
    try:
        found = strict_json.parse(text.encode())
    except ValueError:
        return text
    return text if isinstance(found, (list, dict)) else found


def fill(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a browser would send for these arguments; for those left out, the defaults a form displays."""
    raw: dict[str, list[str]] = {}
    for name, part in properties_of(schema).items():
        _fill(part, arguments.get(name, _NOTHING), name, 0, raw)
    return raw


def _fill(schema: Mapping[str, Any], value: Any, path: str, depth: int, raw: dict[str, list[str]]) -> None:
    kind = kind_of(schema, depth)
    if kind in {"rows", "group"}:
        elements = node_of(node_of(schema).get("items") or {}) if kind == "rows" else schema
        given = value if isinstance(value, (list, Mapping)) else None
        parts: list[Any] = list(given) if isinstance(given, list) else [given or {}]
        for number, part in enumerate(parts or [{}]):
            below = f"{path}.{number}" if kind == "rows" else path
            for name, member in properties_of(elements).items():
                known = part.get(name, _NOTHING) if isinstance(part, Mapping) else _NOTHING
                _fill(member, known, f"{below}.{name}", depth + 1, raw)
        if kind == "rows":
            raw[f"{path}.{COUNT}"] = [str(len(parts) or 1)]
        return
    if value is _NOTHING and kind in {"switch", "choice"}:
        value = node_of(schema).get("default", _NOTHING)
    if value is _NOTHING or value is None:
        return
    if kind == "switch":
        raw.update({path: ["on"]} if value is True else {})
    elif kind == "choices" and isinstance(value, list):
        raw[path] = [str(each) for each in value]
    else:
        raw[path] = [_text(kind, value)]


def _text(kind: Kind, value: Any) -> str:
    if isinstance(value, str):
        is_other = kind == "literal" and literal(value) != value
        return json.dumps(value, ensure_ascii=False) if is_other else value
    if kind == "lines" and isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return json.dumps(value, ensure_ascii=False, indent=2 if kind == "json" else None)


def _first(raw: Raw, path: str) -> str:
    return next(iter(raw.get(path, ())), "")
