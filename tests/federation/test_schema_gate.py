"""Definitions that no schema validator or AI client could take, and those that only look so."""

import json
import time

import pytest
from jsonschema import Draft202012Validator

from app.connectors import schemas
from app.errors import InvalidArguments
from app.federation import schema_gate
from app.federation.remote_arguments import RemoteArguments
from app.federation.remote_tool import RemoteTool


def definition(schema, **more):
    return {"name": "search", "description": "Search.", "inputSchema": schema, **more}


def argument(schema):
    return definition({"type": "object", "properties": {"x": schema}})


def nested(levels):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def doubling(levels):
    """References that double at each level: a few lines that stand for 2^levels schemas."""
    return {
        "type": "object",
        "properties": {"x": {"$ref": "#/$defs/l0"}},
        "$defs": {
            f"l{n}": {"type": "object", "properties": {key: {"$ref": f"#/$defs/l{n + 1}"} for key in "ab"}}
            for n in range(levels)
        }
        | {f"l{levels}": {"type": "string"}},
    }


POISONED = {
    "no object at all": definition([]),
    "not an object": definition({"type": "array", "items": {}}),
    "list of types at the root": definition({"type": ["object", "null"]}),
    "over the network": argument({"$ref": "https://evil.example/schema.json"}),
    "a file": argument({"$ref": "file:///etc/passwd"}),
    "dangling": argument({"$ref": "#/$defs/missing"}),
    "dangling anchor": argument({"$ref": "#missing"}),
    "unknown type": argument({"type": "money"}),
    "properties as a list": definition({"type": "object", "properties": ["x"]}),
    "a negative length": argument({"type": "string", "minLength": -1}),
    "40 levels": definition(nested(40)),
    "500 levels": definition(nested(500)),
    "doubling references": definition(doubling(24)),
    "a header that is none": argument({"type": "string", "x-mcp-header": "a b"}),
    "a bomb of choices": argument({"enum": [f"choice {n}" for n in range(2_000)]}),
    "a bomb of a default": argument({"type": "string", "default": "x" * 60_000}),
    "a bomb of a description": argument({"type": "string", "description": "x" * 200_000}),
    "no name": {"description": "x", "inputSchema": {"type": "object"}},
    "a name of 300 characters": {**argument({}), "name": "x" * 300},
}  # fmt: skip
HARMLESS = {
    "no schema": {"name": "ping"},
    "no properties": definition({"type": "object"}),
    "no type": definition({"properties": {"x": {"type": "string"}}}),
    "itself": definition({"properties": {"root": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": {
        "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}}}}),
    "the whole": definition({"properties": {"and": {"type": "array", "items": {"$ref": "#"}}}}),
    "draft 7": definition({"$schema": "http://json-schema.org/draft-07/schema#", "properties": {
        "pair": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
        "money": {"$ref": "#/definitions/Money"}}, "definitions": {"Money": {"type": "number"}}}),
    "draft 4": argument({"type": "number", "minimum": 0, "exclusiveMinimum": True}),
    "JavaScript's pattern": argument({"type": "string", "pattern": r"^(?<year>\d{4})-\p{L}+$"}),
    "a property called $ref": definition({"type": "object", "properties": {"$ref": {"type": "string"}}}),
    "properties named as keywords": definition({"type": "object", "properties": {
        "id": {"type": "string"}, "definitions": {"type": "string"}, "enum": {"type": "string"}}}),
    "an anchor": definition({"type": "object", "properties": {"x": {"$ref": "#money"}}, "$defs": {
        "m": {"$anchor": "money", "type": "number"}}}),
}  # fmt: skip


@pytest.mark.parametrize("given", POISONED.values(), ids=POISONED)
def test_a_definition_that_cannot_be_used_is_refused_with_a_sentence(given):
    started = time.process_time()
    sentence = schema_gate.check(given)
    assert sentence.endswith(".") and "evil" not in sentence
    assert time.process_time() - started < 5, "bounded before it is walked"


@pytest.mark.parametrize("given", HARMLESS.values(), ids=HARMLESS)
def test_a_usual_definition_passes_and_is_listed_in_the_one_form(given):
    assert schema_gate.check(given) == ""
    listed = schemas.of_arguments(RemoteTool("search", given, "", reads_only=True).input_schema)
    assert "$ref" not in json.dumps(listed).replace('"$ref": {"type"', "")
    Draft202012Validator.check_schema(listed)


def parse(schema, **given):
    return RemoteArguments(schema_gate.resolve(schema)).parse(given)


def test_a_pattern_that_would_take_python_forever_is_decided_at_once():
    schema = {
        "type": "object",
        "properties": {"x": {"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}},
    }
    with pytest.raises(InvalidArguments) as refused:
        parse(schema, x="a" * 50_000)
    assert refused.value.details["problems"] == ["x: this doesn't match the pattern that the tool requires"]
    back_reference = {"type": "object", "properties": {"x": {"type": "string", "pattern": r"(a+)+\1$"}}}
    assert parse(back_reference, x="a" * 5_000 + "!"), (
        "what that engine does not know is the server's to check"
    )


def test_arguments_that_take_too_many_steps_to_check_are_refused_with_a_sentence():
    numbers = {"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "boolean"}}]}
    with pytest.raises(InvalidArguments, match="would take too long"):
        parse({"type": "object", "properties": {"x": numbers}}, x=[1] * 200_000)


def test_patterns_of_names_are_left_to_the_server():
    schema = {
        "type": "object",
        "properties": {"known": {"type": "string"}},
        "patternProperties": {"^(a+)+$": {"type": "string"}},
        "additionalProperties": False,
    }
    assert parse(schema, **{"a" * 40 + "!": "x"})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "customer: this is missing"),
        ({"customer": "c", "amount": "12"}, "amount: this must be a number"),
        ({"customer": "c", "amount": 0}, "amount: this must be 1 or more"),
        ({"customer": "c", "currency": "XYZ"}, "currency: this is not one of its choices"),
        ({"customer": "c", "custmer": "x"}, "custmer: there is no such argument; did you mean customer?"),
        ({"customer": "c", "lines": [{"sku": 4}]}, "lines.0.sku: this must be a text"),
        ({"customer": "c", "lines": [{}]}, "lines.0.sku: this is missing"),
        ({"customer": "c", "server_account": 1}, "server_account: this must be a text"),
    ],
)
def test_each_problem_with_arguments_is_a_sentence(given, problem):
    line = {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}
    schema = {
        "type": "object",
        "properties": {
            "customer": {"type": "string"},
            "amount": {"type": "number", "minimum": 1},
            "currency": {"enum": ["EUR", "USD"]},
            "lines": {"type": "array", "items": line},
            "account": {"type": "string"},
        },
        "required": ["customer"],
    }
    with pytest.raises(InvalidArguments) as refused:
        parse(schema, **given)
    assert refused.value.details["problems"] == [problem]
