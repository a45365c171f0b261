"""JSON Schemas at three lengths: nothing in them that only costs tokens, or that a client cannot read.

`tidy` is what a tool accepts and returns, with every bound: it decides. The others are for AI clients, which
read less of JSON Schema than there is: `of_arguments` and `of_answer` for tools/list, `of_compact_arguments`
for compact mode.
"""

from collections.abc import Callable, Mapping
from typing import Any

LONGEST_TEXT = 100_000  # characters of a text argument that declares no bound of its own
_DEEPEST = 8  # levels of a listed schema; what is below is an object or a text
_SHORT_DESCRIPTIONS = {"cursor": "next_cursor from before"}
_UNIONS = ("anyOf", "oneOf")


def tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """A generated schema without titles, references and the null branches of optional arguments."""
    definitions = schema.get("$defs", {})

    def resolve(node: Any, within: tuple[str, ...] = (), *, is_names: bool = False) -> Any:
        """`node` with references replaced. One inside of itself becomes any object."""
        if isinstance(node, list):
            return [resolve(part, within) for part in node]
        if not isinstance(node, dict):
            return node
        name = "" if is_names else str(node.get("$ref", ""))
        if name.startswith("#/$defs/"):
            rest = {k: v for k, v in node.items() if k != "$ref"}
            if name in within:
                return {"type": "object", **rest}
            target = definitions[name.removeprefix("#/$defs/")]
            return resolve({**target, **rest}, (*within, name))
        return {
            key: part
            if key == "enum" and not is_names
            else resolve(part, within, is_names=key == "properties" and not is_names)
            for key, part in node.items()
        }

    result: dict[str, Any] = _map(resolve({k: v for k, v in schema.items() if k != "$defs"}), _tidied)
    return result


def _tidied(node: dict[str, Any]) -> dict[str, Any]:
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


def of_arguments(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one form of arguments that every client reads: each node has a single `type`, and beside it nothing
    but names, choices and descriptions. An optional argument is one that is not in `required`.

    Why so little: Cursor refuses right values for a list of types; Gemini refuses such lists, null among
    choices, `items` without a type, and formats other than date-time (https://ai.google.dev/api/caching#Schema);
    google-genai fails at a boolean `additionalProperties`; OpenAI's strict mode refuses `default`
    (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas). Bounds cost tokens, and
    the server names the one that was broken.
    """
    definitions = schema.get("$defs")
    whole = tidy(dict(schema)) if definitions else schema
    return {"properties": {}, **_argument({**whole, "type": "object"}, 0)}


def _argument(given: Any, depth: int, *, is_element: bool = False) -> dict[str, Any]:
    """One argument, or an element of one, in that form."""
    node = _merged(given) if isinstance(given, Mapping) else {}
    kind = kind_of(node)
    listed: dict[str, Any] = {"type": kind}
    is_record = kind == "object" and bool(node.get("properties"))
    # an element's description is the docstring of its class; the list itself is described
    about = "" if is_element and is_record else _about(node, kind)
    if about:
        listed["description"] = about
    if kind == "string":
        choices = [choice for choice in choices_of(node) if isinstance(choice, str) and choice]
        if choices:
            listed["enum"] = choices
        if node.get("format") == "date-time":
            listed["format"] = "date-time"
    if kind == "array":
        elements = node.get("items")
        listed["items"] = (
            _argument(elements, depth + 1, is_element=True) if depth < _DEEPEST else {"type": "string"}
        )
    if kind == "object" and not is_record and node.get("additionalProperties", True) is not False:
        # else OpenAI's strict form has no member in it
        others = node.get("additionalProperties")
        listed["additionalProperties"] = _argument(others, depth + 1) if others and others is not True else {}
    if is_record and depth < _DEEPEST:
        listed["properties"] = {name: _argument(part, depth + 1) for name, part in node["properties"].items()}
        if required := [name for name in node.get("required", ()) if name in listed["properties"]]:
            listed["required"] = required
    return listed


def kind_of(node: Mapping[str, Any]) -> str:
    """The one JSON type to list for a schema. Of several: the list, since a single value for it is taken too;
    else text, in which every value can be written.
    """
    kinds = kinds_of(node)
    if kinds == {"integer", "number"}:
        return "number"
    if len(kinds) == 1:
        return next(iter(kinds))
    return "array" if "array" in kinds else "string"


def kinds_of(node: Mapping[str, Any]) -> set[str]:
    """The JSON types that a schema takes, without null. Empty: it does not say."""
    stated = node.get("type")
    if stated is not None:
        return {str(kind) for kind in ([stated] if isinstance(stated, str) else stated)} - {"null"}
    kinds: set[str] = set()
    for branch in branches_of(node):
        kinds |= kinds_of(branch)
    if kinds:
        return kinds
    if choices := choices_of(node):
        return {_kind_of_value(choice) for choice in choices}
    if "properties" in node:
        return {"object"}
    return {"array"} if "items" in node else set()


def branches_of(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alternatives of a union; none for any other schema."""
    return [branch for union in _UNIONS for branch in node.get(union) or () if isinstance(branch, Mapping)]


def choices_of(node: Mapping[str, Any]) -> list[Any]:
    """The values of an enumeration, without null."""
    choices = [node["const"]] if "const" in node else node.get("enum") or ()
    return [choice for choice in choices if choice is not None]


def _kind_of_value(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "string" if isinstance(value, str) else "array"


def _merged(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema whose parts (`allOf`) and alternatives are one, as far as one form can tell."""
    for part in node.get("allOf") or ():
        if isinstance(part, Mapping):
            node = {**_merged(part), **{k: v for k, v in node.items() if k != "allOf"}}
    branches = [_merged(branch) for branch in branches_of(node) if branch.get("type") != "null"]
    if not branches:
        return node
    rest = {key: value for key, value in node.items() if key not in _UNIONS}
    if len(branches) == 1:
        return {**branches[0], **rest}
    kinds = [kinds_of(branch) for branch in branches]
    merged: dict[str, Any] = {"type": sorted(set[str]().union(*kinds))}
    if all(kind == {"object"} for kind in kinds):
        properties = [dict(branch.get("properties") or {}) for branch in branches]
        merged["properties"] = {name: part for each in properties for name, part in each.items()}
        merged["required"] = [
            name
            for name in branches[0].get("required", ())
            if all(name in branch.get("required", ()) for branch in branches)
        ]
    elif lists := [branch for branch in branches if "items" in branch]:
        merged["items"] = lists[0]["items"]
    elif all(choices_of(branch) for branch in branches):
        merged["enum"] = [choice for branch in branches for choice in choices_of(branch)]
    return {**merged, **rest}


def _about(node: Mapping[str, Any], kind: str) -> str:
    """The description, with what the listed form cannot say: the form of a date, choices that are no texts,
    the default."""
    about = str(node.get("description", ""))
    if node.get("format") == "date" and "YYYY" not in about:
        about = _and(about, "YYYY-MM-DD.")
    if kind != "string" and (choices := choices_of(node)):
        about = _and(about, f"One of {', '.join(str(choice) for choice in choices)}.")
    default = node.get("default")
    if _is_worth_saying(default, about):
        about = _and(about, f"Default {str(default).lower() if isinstance(default, bool) else default}.")
    return about


def _is_worth_saying(default: Any, about: str) -> bool:
    """Whether a caller may not expect the default; false is what leaving out a switch means."""
    if default is None or default is False or not isinstance(default, str | int | float) or default == "":
        return False
    return "default" not in about.lower() and (isinstance(default, str | bool) or str(default) not in about)


def _and(about: str, more: str) -> str:
    return f"{about.rstrip('.')}. {more}" if about else more


def of_answer(schema: Mapping[str, Any], levels: int) -> dict[str, Any]:
    """What tools/list says of results: their names, so many levels down. Whatever fits the tool's schema fits
    this one.

    Types would cost a model as much as the arguments of all tools: null may stand in most places.
    """
    return _names(tidy(dict(schema)) if "$defs" in schema else schema, levels)


def _names(node: Any, levels: int) -> dict[str, Any]:
    if not isinstance(node, Mapping) or branches_of(node):
        return {}
    if isinstance(node.get("properties"), Mapping):
        if not levels:
            return {}
        return {"properties": {name: _names(part, levels - 1) for name, part in node["properties"].items()}}
    elements = _names(node.get("items"), levels)
    return {"items": elements} if elements else {}


def of_compact_arguments(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Listed arguments, shorter: empty parts are left out, and what every list repeats is said in a word."""
    brief = {name: part for name, part in schema.items() if part}
    if "properties" in brief:
        brief["properties"] = {
            name: {**part, "description": _SHORT_DESCRIPTIONS[name]} if name in _SHORT_DESCRIPTIONS else part
            for name, part in brief["properties"].items()
        }
    return brief


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
