"""The tool list as the libraries of AI clients read it: all of it, with every service connected, converted by
the libraries themselves, as they do before they call a model.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.connectors import schemas
from app.mcp_server import toolbox
from app.mcp_server.toolbox import Toolbox
from app.mcp_server.tools import compact
from tests.support import client_programs

_KEYS = {"type", "description", "enum", "format", "items", "properties", "required", "additionalProperties"}
_FREE_OBJECTS_AS_TEXT = {"langchain-google-genai"}  # it asks the model for JSON text, which is taken
LIBRARIES = (
    "google-genai",
    "google-genai (platform)",
    "langchain-google-genai",
    "openai-agents",
    "openai-agents (strict)",
    "pydantic-ai (OpenAI)",
    "pydantic-ai (Google)",
    "jsonschema",
)


def listed() -> list[dict[str, Any]]:
    """Every entry of tools/list, also as it is with two accounts, and those of compact mode."""
    box = Toolbox(debug_tools=True)
    entries = [tool for tool in box.everything("wsp_any") if not tool["name"].startswith("acme_")]
    with_accounts = [
        toolbox._with_account(found, ["First", "Two"])
        for entry in entries
        if (found := box.find("wsp_any", entry["name"])) and found.connector
    ]
    brief = [compact.brief(box._compact[built_in.name].wire) for built_in in compact.TOOLS]
    return [*entries, *({**tool, "name": f"{tool['name'][:54]}_two"} for tool in with_accounts), *brief]


LISTED = {tool["name"]: tool for tool in listed()}


def nodes(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema inside a listed one."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from nodes(part, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if schema.get("additionalProperties"):
        yield from nodes(schema["additionalProperties"], f"{path}.*")


def test_arguments_have_the_one_form():
    for tool in LISTED.values():
        for path, node in nodes(tool["inputSchema"], tool["name"]):
            assert isinstance(node["type"], str), f"{path}: one type"
            assert node.keys() <= _KEYS, f"{path}: {node.keys() - _KEYS}"
            assert all(isinstance(choice, str) and choice for choice in node.get("enum", ["-"])), path
            assert node["type"] == "string" or "enum" not in node, path
            assert node.get("format", "date-time") == "date-time", path
            assert (node["type"] == "array") == ("items" in node), path
            assert isinstance(node.get("additionalProperties", {}), dict), path
            assert set(node.get("required", ())) <= set(node.get("properties", ())), path
        Draft202012Validator.check_schema(tool["inputSchema"])
        Draft202012Validator.check_schema(tool["outputSchema"])
        assert tool["outputSchema"]["type"] == "object"


def test_names_fit_every_client():
    """A letter or underscore first (https://ai.google.dev/api/caching#FunctionDeclaration), at most 64
    characters and descriptions of at most 1,024 (https://platform.openai.com/docs/api-reference, `tools`).
    """
    for name, tool in LISTED.items():
        assert re.fullmatch(r"[a-z_][a-z0-9_]{0,63}", name)
        assert len(tool["description"]) <= 1024, name
        for argument in tool["inputSchema"]["properties"]:
            assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", argument), f"{name}: {argument}"


@pytest.fixture(scope="module")
def read_by():
    """What each library makes of the list."""
    done = subprocess.run(
        [client_programs.python(), str(client_programs.FOLDER / "tool_list.py")],
        input=json.dumps(list(LISTED.values())),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(900)  # the first one installs the libraries
@pytest.mark.xdist_group("client-libraries")
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_reads_every_tool_and_loses_nothing(read_by, library):
    found = read_by[library]
    assert not found["errors"]
    assert found["made"].keys() == LISTED.keys()
    for name, made in found["made"].items():
        problems = list(lost(LISTED[name]["inputSchema"], made, as_text=library in _FREE_OBJECTS_AS_TEXT))
        assert not problems, f"{name}: {problems}"


def lost(
    schema: Mapping[str, Any], made: Mapping[str, Any], path: str = "", *, as_text: bool
) -> Iterator[str]:
    """What is not in the converted schema, or has another type there."""
    kind = str(made.get("type", "")).lower()
    is_free = schema["type"] == "object" and not schema.get("properties")
    if kind != schema["type"] and not (is_free and as_text and kind == "string"):
        yield f"{path}: {schema['type']} became {kind}"
    if set(schema.get("enum", ())) - set(made.get("enum") or ()):
        yield f"{path}: choices"
    if not set(schema.get("required", ())) <= set(made.get("required") or ()):
        yield f"{path}: required"
    for name, part in schema.get("properties", {}).items():
        if name not in (made.get("properties") or {}):
            yield f"{path}.{name}: gone"
        else:
            yield from lost(part, made["properties"][name], f"{path}.{name}", as_text=as_text)
    if "items" in schema:
        yield from lost(schema["items"], made.get("items") or {}, f"{path}[]", as_text=as_text)


# --- schemas of other hands, such as those of a service of one workspace ---


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ({"type": ["string", "null"], "enum": ["a", None]}, {"type": "string", "enum": ["a"]}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": "integer"}),
        ({"type": ["integer", "string"]}, {"type": "string"}),
        ({"type": ["integer", "number"]}, {"type": "number"}),
        ({"enum": ["a", "b", ""]}, {"type": "string", "enum": ["a", "b"]}),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"enum": [1, 2]}, {"type": "integer", "description": "One of 1, 2."}),
        ({}, {"type": "string"}),
        (True, {"type": "string"}),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        ({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]},
         {"type": "array", "items": {"type": "integer"}}),
        ({"type": "string", "format": "date"}, {"type": "string", "description": "YYYY-MM-DD."}),
        ({"type": "string", "format": "uri", "pattern": "^h"}, {"type": "string"}),
        ({"type": "integer", "minimum": 1, "default": 20, "description": "How many."},
         {"type": "integer", "description": "How many. Default 20."}),
        ({"type": "object", "additionalProperties": True}, {"type": "object", "additionalProperties": {}}),
        ({"type": "object", "additionalProperties": False}, {"type": "object"}),
        ({"allOf": [{"properties": {"a": {"type": "string"}}}, {"required": ["a"]}]},
         {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
        ({"anyOf": [{"properties": {"a": {}}}, {"properties": {"b": {"type": "number"}}, "required": ["b"]}]},
         {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}}),
    ],
    ids=str,
)  # fmt: skip
def test_a_schema_of_any_kind_is_listed_in_that_form(given, form):
    whole = {"type": "object", "properties": {"x": given}}
    assert schemas.of_arguments(whole)["properties"]["x"] == form


def test_a_schema_that_contains_itself_is_listed_down_to_a_depth():
    node = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
    }
    whole = {"type": "object", "properties": {"root": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    found = schemas.of_arguments(whole)
    assert "$ref" not in json.dumps(found)
    assert found["properties"]["root"]["properties"]["children"]["items"]["type"] == "object"


def test_listing_a_listed_schema_changes_nothing():
    for tool in LISTED.values():
        assert schemas.of_arguments(tool["inputSchema"])["properties"] == tool["inputSchema"]["properties"]
