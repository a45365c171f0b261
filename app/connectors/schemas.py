"""JSON Schemas as AI clients read them, at three lengths: nothing in them that only costs tokens.

`tidy` is what a tool has. `of_answer` is what tools/list says of results, `of_compact_arguments` what compact
mode says of arguments.
"""

from collections.abc import Callable, Mapping
from typing import Any

LONGEST_TEXT = 100_000  # characters of a text argument that declares no bound of its own
_LONGEST_NOTE = 40  # characters of a description that stays in the schema of an answer
# What only a validator of answers needs, and the bounds of arguments, which the server checks anyway.
_CONSTRAINTS = frozenset(
    {"required", "additionalProperties", "default", "title", "minLength", "maxLength", "pattern"}
)
_BOUNDS = frozenset(
    {"maxLength", "minLength", "pattern", "maximum", "minimum", "default", "additionalProperties"}
)
_SHORT_DESCRIPTIONS = {"cursor": "next_cursor from before"}


def tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """A generated schema without titles, references and the null branches of optional arguments."""
    definitions = schema.get("$defs", {})

    def change(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("$ref", "").startswith("#/$defs/"):
            target = definitions[node["$ref"].removeprefix("#/$defs/")]
            return tidied({**target, **{k: v for k, v in node.items() if k != "$ref"}})
        node = {k: v for k, v in node.items() if k not in {"$defs", "title"}}
        if isinstance(node.get("anyOf"), list) and {"type": "null"} in node["anyOf"]:
            branches = [b for b in node["anyOf"] if b != {"type": "null"}]
            if len(branches) == 1 and isinstance(branches[0].get("type"), str):
                rest = {k: v for k, v in node.items() if k != "anyOf"}
                node = {**branches[0], **rest, "type": [branches[0]["type"], "null"]}
                if "enum" in node:
                    node["enum"] = [*node["enum"], None]
        if node.get("default", ...) is None:
            node.pop("default")
        if node.get("maxLength") == LONGEST_TEXT:
            node.pop("maxLength")  # no bound of the argument's own
        return node

    def tidied(node: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = _map(node, change)
        return result

    return tidied({k: v for k, v in schema.items() if k != "$defs"})


def of_answer(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of what is sent: names and types stay, and short notes such as units."""

    def change(node: dict[str, Any]) -> dict[str, Any]:
        node = {k: v for k, v in node.items() if k not in _CONSTRAINTS}
        if "properties" in node or len(node.get("description", "")) > _LONGEST_NOTE:
            node.pop("description", None)
        return node

    result: dict[str, Any] = _map(dict(schema), change)
    return result


def of_compact_arguments(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of arguments without bounds and nulls."""
    brief = {name: part for name, part in schema.items() if name not in _BOUNDS and part}
    if "properties" in brief:
        brief["properties"] = {name: _brief(name, part) for name, part in brief["properties"].items()}
    return brief


def _brief(name: str, argument: Mapping[str, Any]) -> dict[str, Any]:
    node = {key: value for key, value in argument.items() if key not in _BOUNDS}
    listed = [node["type"]] if isinstance(node.get("type"), str) else node.get("type", [])
    kinds = node.pop("anyOf", None) or [{"type": kind} for kind in listed]
    types = [kind["type"] for kind in kinds if kind["type"] != "null"]
    if "enum" in node:
        node["enum"] = [choice for choice in node["enum"] if choice is not None]
    node = {**node, "type": types[0] if len(types) == 1 else types}
    if name in _SHORT_DESCRIPTIONS:
        node["description"] = _SHORT_DESCRIPTIONS[name]
    return {"type": node.pop("type"), **node}


def _map(node: Any, change: Callable[[dict[str, Any]], dict[str, Any]], *, is_names: bool = False) -> Any:
    """`node` with `change` applied to every schema in it, innermost first. Property names are no keywords."""
    if isinstance(node, list):
        return [_map(part, change) for part in node]
    if not isinstance(node, dict):
        return node
    mapped = {
        key: part
        if key == "enum" and not is_names
        else _map(part, change, is_names=key == "properties" and not is_names)
        for key, part in node.items()
    }
    return mapped if is_names else change(mapped)
