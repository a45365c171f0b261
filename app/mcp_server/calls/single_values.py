"""Converts single values of arguments to the type of their schema, where that has one meaning."""

import re
from collections.abc import Mapping
from typing import Any

from app.connectors.schemas import kinds_of

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_NUMBERS = frozenset({"integer", "number"})


def convert(
    schema: Mapping[str, Any], value: Mapping[str, Any], *, drop_empty: bool = False
) -> dict[str, Any]:
    """An object whose single values have the type of their schema, at any depth.

    `drop_empty`: "" for an optional member leaves it out. Only right for a tool that changes nothing:
    elsewhere it may ask to empty a field.
    """
    declared, required = schema.get("properties") or {}, schema.get("required") or ()
    others = schema.get("additionalProperties")
    converted = {}
    for name, part in value.items():
        about = declared.get(name, others)
        if drop_empty and part == "" and name in declared and name not in required:
            continue
        converted[name] = _converted(about, part) if isinstance(about, Mapping) else part
    return converted


def _converted(schema: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [_converted(schema["items"], part) for part in value]
    if isinstance(value, dict):
        return convert(schema, value)
    kinds = kinds_of(schema)
    if kinds == {"string"} and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        whole = isinstance(value, float) and kinds == {"integer"} and value.is_integer()
        return int(value) if whole else value
    text = value.strip()
    if kinds == {"boolean"} and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kinds and kinds <= _NUMBERS and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    return float(text) if "number" in kinds and kinds <= _NUMBERS and _NUMBER.fullmatch(text) else value


def switches_as_numbers(schema: Mapping[str, Any], value: Any, path: str = "") -> list[str]:
    """The paths where a boolean stands for a number: 1 is not what true means."""
    if isinstance(value, bool):
        kinds = kinds_of(schema)
        return [path] if kinds and kinds <= _NUMBERS else []
    if isinstance(value, Mapping):
        declared = schema.get("properties") or {}
        return [
            found
            for name, part in value.items()
            if isinstance(declared.get(name), Mapping) and isinstance(part, bool | list | dict)
            for found in switches_as_numbers(declared[name], part, f"{path}.{name}".lstrip("."))
        ]
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [
            found
            for number, part in enumerate(value)
            if isinstance(part, bool | list | dict)
            for found in switches_as_numbers(schema["items"], part, f"{path}.{number}")
        ]
    return []
