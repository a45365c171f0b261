"""Which definitions of tools can be used: their JSON Schemas are checked before anything reads them.

A schema comes from a server that nobody here knows. So it is bounded first (bytes, depth, nodes), then
resolved: what remains has no reference, which validators would follow without end or over the network. One
definition that cannot be used takes nothing away from the others.

Schemas are those of JSON Schema 2020-12 (https://modelcontextprotocol.io/specification/2025-11-25/basic#json-
schema-usage); what older drafts write otherwise is read as the same.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, SchemaError
from mcp.shared.inbound import find_invalid_x_mcp_header
from pydantic_core import to_json

from app.connectors import schemas
from app.federation import naming

_MOST_CHARACTERS = 128_000  # of a definition as JSON
_MOST_LISTED = 32_000  # of its arguments as AI clients see them
_MOST_LISTED_CHOICES = 1_000  # values of one enumeration
_DEEPEST = 32  # levels of a schema, references included
_MOST_NODES = 4_000  # objects and values of a schema, references included
_NOT_JSON = "It is not valid JSON."
# Sentences by digest: one costs up to a quarter of a second, and is needed again within a transaction.
_MOST_CHECKED = 4_000
_checked: dict[bytes, str] = {}
_NO_FORMATS = FormatChecker(formats=())  # else patterns of another language's kind would be refused

# Keywords whose values are names with a schema each, one schema, or a list of schemas.
_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas"})
_NESTED = frozenset(
    {
        *("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"),
        *("unevaluatedItems", "unevaluatedProperties", "contentSchema"),
    }
)
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
# References by another means, and places for definitions: gone once references are resolved.
_LEFT_OUT = frozenset(
    {
        *("$defs", "definitions", "$schema", "$id", "$anchor", "$vocabulary", "$comment", "id"),
        *("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "dependencies"),
    }
)
_ABOUT_ALONE = frozenset({"title", "description", "default", "examples", "deprecated"})


class UnusableSchema(Exception):
    """A definition that cannot be used, with the reason as a sentence."""


def check(definition: Mapping[str, Any]) -> str:
    """Why this definition cannot be used, as a sentence; "" if it can."""
    name = definition.get("name")
    if not isinstance(name, str) or not name:
        return "It has no name."
    if len(name) > naming.LONGEST_ORIGINAL:
        return f"Its name has more than {naming.LONGEST_ORIGINAL} characters."
    try:
        if _too_deep(definition):
            return f"It is nested more than {_DEEPEST * 2} levels deep."
        text = to_json(definition)
        if len(text) > _MOST_CHARACTERS:
            return f"It is larger than {_MOST_CHARACTERS // 1000} kB."
    except (ValueError, RecursionError):
        return _NOT_JSON
    key = hashlib.sha256(text).digest()
    if (known := _checked.get(key)) is None:
        known = _problem_with(definition)
        if len(_checked) >= _MOST_CHECKED:
            _checked.clear()
        _checked[key] = known
    return known


def _problem_with(definition: Mapping[str, Any]) -> str:
    """As `check`, of one that is neither too deep nor too large."""
    try:
        json.dumps(definition, allow_nan=False)
        arguments = arguments_of(definition)
        if find_invalid_x_mcp_header(arguments) is not None:
            return "It declares a header for an argument in a way that MCP doesn't allow (x-mcp-header)."
        listed = schemas.of_arguments(arguments)
    except UnusableSchema as problem:
        return str(problem)
    except (ValueError, RecursionError):
        return _NOT_JSON
    if len(json.dumps(listed, ensure_ascii=False)) > _MOST_LISTED:
        return f"The schema of its arguments is larger than {_MOST_LISTED // 1000} kB."
    return ""


def arguments_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a definition's arguments, resolved. Raises UnusableSchema."""
    given = definition.get("inputSchema")
    if given is None:
        return {"type": "object", "properties": {}}
    if not isinstance(given, Mapping):
        raise UnusableSchema("The schema of its arguments is not an object.")
    resolved = resolve(given)
    if resolved.get("type", "object") != "object":
        raise UnusableSchema("Its arguments are not an object.")
    return {"properties": {}, **resolved, "type": "object"}


def answer_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a definition's structured results, resolved. Any object if it has none that can be used:
    the tool still works.
    """
    given = definition.get("outputSchema")
    try:
        resolved = resolve(given) if isinstance(given, Mapping) else {}
    except UnusableSchema:
        resolved = {}
    return {**resolved, "type": "object"} if resolved.get("type") == "object" else {"type": "object"}


def resolve(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without references, as JSON Schema 2020-12. Raises UnusableSchema.

    A reference to something around it becomes any value. Patterns stay: whoever evaluates them must not need
    more time than their text is long (`safe_validator`).
    """
    resolved = _Resolver(schema).schema(schema, (), 0)
    if not isinstance(resolved, dict):
        raise UnusableSchema("The schema of its arguments is not an object.")
    try:
        Draft202012Validator.check_schema(resolved, format_checker=_NO_FORMATS)
    except SchemaError as error:
        place = ".".join(str(part) for part in error.absolute_path if not isinstance(part, int))
        raise UnusableSchema(
            "Its schema is not valid JSON Schema 2020-12"
            + (f" at `{place}`." if re.fullmatch(r"[\w.$-]{1,80}", place) else ".")
        ) from None
    return resolved


class _Resolver:
    """Copies one schema with its references filled in, within bounds."""

    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = whole
        self._nodes = 0

    def schema(self, node: Any, within: tuple[str, ...], depth: int) -> Any:
        """One schema. `within` are the references it was reached by."""
        self._count(depth)
        if not isinstance(node, Mapping):
            return node if isinstance(node, bool) else {}
        if isinstance(reference := node.get("$ref"), str):
            return self._reference(node, reference, within, depth)
        copied: dict[str, Any] = {}
        for key, value in _as_2020_12(node):
            if key in _BY_NAME and isinstance(value, Mapping):
                copied[key] = {
                    str(name): self.schema(part, within, depth + 1) for name, part in value.items()
                }
            elif key in _NESTED:
                copied[key] = self.schema(value, within, depth + 1)
            elif key in _LISTS and isinstance(value, list):
                copied[key] = [self.schema(part, within, depth + 1) for part in value]
            elif key not in _LEFT_OUT:
                self._count_values(key, value)
                copied[key] = value
        return copied

    def _reference(self, node: Mapping[str, Any], reference: str, within: tuple[str, ...], depth: int) -> Any:
        rest = {key: value for key, value in node.items() if key != "$ref"}
        if reference in within:
            return self.schema({k: v for k, v in rest.items() if k in _ABOUT_ALONE}, within, depth)
        target = self.schema(self._target(reference), (*within, reference), depth + 1)
        own = self.schema(rest, within, depth)
        if not own or not isinstance(target, dict):
            return target
        if own.keys() - _ABOUT_ALONE and own.keys() & target.keys() - _ABOUT_ALONE:
            return {"allOf": [target], **own}
        return {**target, **own}

    def _target(self, reference: str) -> Any:
        """What a JSON Pointer (RFC 6901) or an anchor within the schema points to. Raises UnusableSchema."""
        if not reference.startswith("#"):
            raise UnusableSchema("Its schema refers to another document, and those are never loaded.")
        found: Any = self._whole
        pointer = reference.removeprefix("#")
        if pointer and not pointer.startswith("/"):
            return self._anchored(pointer)
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise UnusableSchema("Its schema refers to a definition that doesn't exist.")
        return found

    def _anchored(self, anchor: str) -> Any:
        """The schema with that anchor. Raises UnusableSchema if there is none."""
        if anchor not in self._anchors:
            raise UnusableSchema("Its schema refers to a definition that doesn't exist.")
        return self._anchors[anchor]

    @cached_property
    def _anchors(self) -> Mapping[str, Any]:
        return _anchors(self._whole)

    def _count(self, depth: int, nodes: int = 1) -> None:
        self._nodes += nodes
        if depth > _DEEPEST:
            raise UnusableSchema(f"Its schema is nested more than {_DEEPEST} levels deep.")
        if self._nodes > _MOST_NODES:
            raise UnusableSchema("Its schema is too large once its references are filled in.")

    def _count_values(self, key: str, value: Any) -> None:
        if key == "enum" and isinstance(value, list) and len(value) > _MOST_LISTED_CHOICES:
            raise UnusableSchema(f"An argument has more than {_MOST_LISTED_CHOICES:,} choices.")
        self._count(0, len(value) if isinstance(value, list | dict) else 1)


def _as_2020_12(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keywords of a schema, with those of older drafts as 2020-12 writes them."""
    for key, value in node.items():
        if key == "items" and isinstance(value, list):
            yield "prefixItems", value
            if isinstance(rest := node.get("additionalItems"), bool | dict):
                yield "items", rest
        elif key == "additionalItems":
            continue
        elif key in {"exclusiveMinimum", "exclusiveMaximum", "required"} and isinstance(value, bool):
            continue  # drafts 3 and 4: the server checks it
        elif key == "required" and isinstance(value, list):
            yield key, list(dict.fromkeys(name for name in value if isinstance(name, str)))
        elif (key in {"description", "title"} and not isinstance(value, str)) or (key, value) == ("enum", []):
            continue
        else:
            yield key, value


def _anchors(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas with an `$anchor`, by it."""
    found: dict[str, Any] = {}
    pending: list[Any] = [whole]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            if isinstance(anchor := node.get("$anchor"), str):
                found[anchor] = node
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return found


def _too_deep(value: Any) -> bool:
    """Whether JSON is nested deeper than any schema may be. Without recursion, which it could exhaust."""
    level = [value]
    for _ in range(_DEEPEST * 2):
        level = [
            part
            for node in level
            if isinstance(node, Mapping | list)
            for part in (node.values() if isinstance(node, Mapping) else node)
        ]
        if not level:
            return False
    return True
