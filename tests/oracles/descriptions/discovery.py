"""Requests held against Google's discovery documents, which `google-api-python-client` ships.

A request must be a method of one of the documents: its path and verb, its query parameters with their types
and choices, the members of its body, and the members that a `fields` mask selects.
"""

import base64
import binascii
import json
import re
from collections.abc import Generator, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from googleapiclient import discovery_cache

DOCUMENTS = Path(discovery_cache.__file__).parent / "documents"
_NUMBER_FORMATS = {"int32": 2**31, "uint32": 2**32}


@cache
def document(name: str) -> dict[str, Any]:
    """The discovery document of that name, such as gmail.v1."""
    loaded: dict[str, Any] = json.loads((DOCUMENTS / f"{name}.json").read_text("utf-8"))
    return loaded


def description_of(*names: str) -> str:
    """Where the documents come from, with their revisions."""
    revisions = ", ".join(f"{name} revision {document(name)['revision']}" for name in names)
    return f"google-api-python-client {version('google-api-python-client')}: {revisions}"


def find_method(names: tuple[str, ...], verb: str, path: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The document and the method of a request, or None. `path` is the real service's, without the host."""
    found = []
    for name in names:
        for method in _methods(document(name)):
            template = "/" + document(name)["servicePath"] + method.get("flatPath", method["path"])
            parts = [
                "([^/]+)" if part.startswith("{") else re.escape(part)
                for part in re.split(r"(\{[^}]*\})", template)
            ]
            if method["httpMethod"] == verb and re.fullmatch("".join(parts), path):
                literal = re.sub(r"\{[^}]*\}", "", template)
                found.append((len(literal), name, method))
    if not found:
        return None
    _, name, method = max(found, key=lambda each: each[0])
    return document(name), method


def check(names: tuple[str, ...], request: Any, path: str) -> list[str]:
    """What the documents say against a request."""
    found = find_method(names, request.method, path)
    if found is None:
        return ["no such method"]
    whole, method = found
    return [
        *_check_query(whole, method, request.params),
        *_check_body(whole, method, request.json),
        *(["forms are not taken"] if request.form else []),
    ]


def _methods(node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node.get("methods", {}).values()
    for resource in node.get("resources", {}).values():
        yield from _methods(resource)


def _check_query(
    whole: Mapping[str, Any], method: Mapping[str, Any], params: list[tuple[str, str]]
) -> Iterator[str]:
    known = {name: p for name, p in method.get("parameters", {}).items() if p["location"] == "query"}
    for name, parameter in known.items():
        if parameter.get("required") and name not in dict(params):
            yield f"query parameter {name} is missing"
    for name, value in params:
        parameter = known.get(name) or whole["parameters"].get(name)
        if parameter is None:
            yield f"query parameter {name} does not exist"
            continue
        if not parameter.get("repeated") and [each for each, _ in params].count(name) > 1:
            yield f"query parameter {name} is given twice"
        if problem := _wrong_text(parameter, value):
            yield f"query parameter {name}: {problem}"
        if name == "fields":
            yield from _check_mask(whole, method["response"]["$ref"], value)


def _wrong_text(parameter: Mapping[str, Any], value: str) -> str | None:
    kind = parameter["type"]
    if kind == "boolean" and value not in {"true", "false"}:
        return f"{value!r} is no boolean"
    if kind == "integer":
        if not re.fullmatch(r"-?\d+", value) or abs(int(value)) >= _NUMBER_FORMATS[parameter["format"]]:
            return f"{value!r} is no integer"
        if not int(parameter.get("minimum", value)) <= int(value) <= int(parameter.get("maximum", value)):
            return f"{value} is out of bounds"
    if "enum" in parameter and value not in parameter["enum"]:
        return f"{value!r} is none of {parameter['enum']}"
    return None


# --- bodies -----------------------------------------------------------------------------------


def _check_body(whole: Mapping[str, Any], method: Mapping[str, Any], body: Any) -> Iterator[str]:
    if "request" not in method:
        if body is not None:
            yield "it takes no body"
    elif body is None:
        yield "its body is missing"
    else:
        yield from _wrong_value(whole, {"$ref": method["request"]["$ref"]}, body, "body")


def _wrong_value(
    whole: Mapping[str, Any], schema: Mapping[str, Any], value: Any, place: str
) -> Iterator[str]:
    if "$ref" in schema:
        schema = whole["schemas"][schema["$ref"]]
    kind = schema["type"]
    if kind == "any":
        return
    if kind == "object":
        yield from _wrong_object(whole, schema, value, place)
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for element in value:
            yield from _wrong_value(whole, schema["items"], element, f"{place}[]")
    elif problem := _wrong_scalar(schema, value):
        yield f"{place}: {problem}"


def _wrong_object(
    whole: Mapping[str, Any], schema: Mapping[str, Any], value: Any, place: str
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is no object"
        return
    for name, part in value.items():
        member = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        if member is None:
            yield f"{place}.{name} does not exist"
        elif member.get("readOnly"):
            yield f"{place}.{name} can only be read"
        else:
            yield from _wrong_value(whole, member, part, f"{place}.{name}")


def _wrong_scalar(schema: Mapping[str, Any], value: Any) -> str | None:
    kind = schema["type"]
    python = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}[kind]
    if not isinstance(value, python) or (isinstance(value, bool) and kind != "boolean"):
        return f"{value!r} is no {kind}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is none of {schema['enum']}"
    if schema.get("format") == "byte":
        try:
            base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            return "it is not base64url"
    return None


# --- masks ------------------------------------------------------------------------------------


def _check_mask(whole: Mapping[str, Any], schema_name: str, mask: str) -> Iterator[str]:
    """`a,b(c,d.e)`: every name must be a member of the answer."""
    rest = yield from _mask_members(whole, {"$ref": schema_name}, unquote(mask), "fields")
    if rest:
        yield f"fields: {rest!r} cannot be read"


def _mask_members(
    whole: Mapping[str, Any], schema: Mapping[str, Any], mask: str, place: str
) -> Generator[str, None, str]:
    """Reads members up to the end or a closing bracket; returns the rest of the mask."""
    while True:
        mask = yield from _mask_member(whole, schema, mask, place)
        if mask[:1] != ",":
            return mask
        mask = mask[1:]


def _mask_member(
    whole: Mapping[str, Any], schema: Mapping[str, Any], mask: str, place: str
) -> Generator[str, None, str]:
    """Reads one member with what is below it; returns the rest of the mask."""
    found = re.match(r"[A-Za-z0-9_*]+", mask.lstrip())
    if not found:
        yield f"{place}: {mask!r} cannot be read"
        return ""
    member, below, mask = (
        _member(whole, schema, found[0]),
        f"{place}.{found[0]}",
        mask.lstrip()[found.end() :],
    )
    if member is None and found[0] != "*":
        yield f"{below} does not exist"
    if mask[:1] in {".", "/"}:
        return (yield from _mask_member(whole, member or {}, mask[1:], below))
    if mask[:1] == "(":
        mask = yield from _mask_members(whole, member or {}, mask[1:], below)
        if mask[:1] != ")":
            yield f"{below}: a bracket is not closed"
        return mask[1:]
    return mask


def _member(whole: Mapping[str, Any], schema: Mapping[str, Any], name: str) -> Any:
    while "$ref" in schema or schema.get("type") == "array":
        schema = whole["schemas"][schema["$ref"]] if "$ref" in schema else schema["items"]
    return schema.get("properties", {}).get(name)
