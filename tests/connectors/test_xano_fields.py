"""Fields of a Xano table: their order, what each type needs, and whether Xano stores it."""

import json

import pytest

from app import outbound
from app.errors import InvalidArguments, OutcomeUnknown, ProviderError
from app.outbound import Response
from tests.support.xano import PRODUCT


def names(xano, table):
    return [field["name"] for field in xano.call("get_table_schema", table)["fields"]]


def test_fields_keep_their_order(xano):
    table = xano.new_table("b", "a", "c")
    assert names(xano, table) == ["id", "created_at", "b", "a", "c"]
    xano.call("rename_schema_field", table, old_name="a", new_name="z")
    assert names(xano, table) == ["id", "created_at", "b", "z", "c"]
    xano.call("delete_field", table, field_name="b")
    assert names(xano, table) == ["id", "created_at", "z", "c"]
    xano.call("add_field_to_schema", table, field_name="b", field_type="int")
    assert names(xano, table) == ["id", "created_at", "z", "c", "b"]


def test_adding_a_field_touches_no_other(xano):
    xano.call("add_field_to_schema", PRODUCT, field_name="weight", field_type="decimal", default_value=0.5)
    assert {
        line["path"].rpartition("/schema")[2] for line in xano.requests() if line["method"] == "POST"
    } == {"/type/decimal"}
    assert xano.call("get_table_record", PRODUCT, record_id=1)["record"]["name"] == "Claw hammer 1"


@pytest.mark.parametrize(
    "field_type, stored",
    [("boolean", "bool"), ("integer", "int"), ("string", "text"), ("timestamp", "timestamp")],
)
def test_types_go_by_their_common_names_too(xano, field_type, stored):
    table = xano.new_table()
    assert (
        xano.call("add_field_to_schema", table, field_name="f", field_type=field_type)["field_type"] == stored
    )
    assert xano.call("get_table_schema", table)["fields"][-1]["type"] == stored


def test_a_field_is_added_with_every_option(xano):
    table = xano.new_table()
    options = {
        "nullable": True,
        "default_value": True,
        "required": True,
        "access": "private",
        "sensitive": True,
        "description": "Is it?",
    }
    xano.call(
        "add_field_to_schema",
        table,
        field_name="flag",
        field_type="bool",
        validators={"trim": True},
        **options,
    )
    field = xano.call("get_table_schema", table)["fields"][-1]
    assert (field["default"], field["access"], field["validators"]) == ("true", "private", {"trim": True})
    assert field["nullable"] and field["required"] and field["sensitive"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"field_type": "enum", "values": ["To Do", "Done"], "default_value": "Done"},
            {"values": ["To Do", "Done"], "default": "Done"},
        ),
        ({"field_type": "vector", "vector_size": 1536}, {"vector_size": 1536}),
        (
            {
                "field_type": "object",
                "children": [
                    {"name": "score", "type": "integer"},
                    {"name": "home", "type": "object", "children": [{"name": "city", "type": "string"}]},
                ],
            },
            {
                "children": [
                    {"name": "score", "type": "int"},
                    {"name": "home", "type": "object", "children": [{"name": "city", "type": "text"}]},
                ]
            },
        ),
        ({"field_type": "int", "tableref_id": 7}, {"type": "int", "tableref_id": "7"}),
        ({"field_type": "uuid", "tableref_id": "11"}, {"type": "uuid", "tableref_id": "11"}),
    ],
)
def test_a_field_has_what_its_type_needs(xano, arguments, expected):
    table = xano.new_table("first")
    added = xano.call("add_field_to_schema", table, field_name="extra", **arguments)
    field = xano.call("get_table_schema", table)["fields"][-1]
    assert {name: field[name] for name in expected} == expected
    assert added["stored"] == field
    assert names(xano, table) == ["id", "created_at", "first", "extra"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"field_type": "enum"}, "values: a field of type enum needs it"),
        ({"field_type": "vector"}, "vector_size: a field of type vector needs it"),
        ({"field_type": "text", "values": ["a"]}, "values: only a field of type enum takes it"),
        ({"field_type": "int", "vector_size": 3}, "vector_size: only a field of type vector"),
        ({"field_type": "json", "children": [{"name": "a", "type": "int"}]}, "children: only .* object"),
        ({"field_type": "text", "tableref_id": 7}, "tableref_id: only a field of type int or uuid"),
        ({"field_type": "json", "default_value": "{}"}, "default_value: a field of type json takes none"),
        (
            {"field_type": "enum", "values": ["a"], "validators": {"trim": True}},
            "validators: a field of type enum takes none",
        ),
        ({"field_type": "enum", "values": ["a"], "default_value": "b"}, "default_value: it must be one of"),
        ({"field_type": "enum", "values": ["a", "a"]}, "values: name each value once"),
        ({"field_type": "object", "children": [{"name": "a"}]}, r"children\.0\.type"),
        ({"field_type": "object", "children": [{"type": "int"}]}, r"children\.0: give it a name"),
        (
            {"field_type": "object", "children": [{"name": "a", "type": "enum"}]},
            r"children\.0\.values: a field of type enum needs it",
        ),
    ],
)
def test_what_a_type_would_lack_or_ignore_is_refused_before_anything_is_sent(xano, arguments, says):
    before = len(xano.requests())
    with pytest.raises(InvalidArguments, match=says):
        xano.call("add_field_to_schema", PRODUCT, field_name="extra", **arguments)
    assert len(xano.requests()) == before


def answering(monkeypatch, change):
    """Xano's answers to reading a schema, changed."""
    send = outbound.send

    def changed(method, url, **options):
        answer = send(method, url, **options)
        if method == "GET" and url.endswith("/schema"):
            return Response(answer.status, answer.headers, json.dumps(change(answer.json())).encode())
        return answer

    monkeypatch.setattr(outbound, "send", changed)


def test_a_field_that_xano_stored_without_its_values_is_no_success(xano, monkeypatch):
    answering(monkeypatch, lambda fields: [{**field, "values": []} for field in fields])
    with pytest.raises(ProviderError, match=r"did not store its values: .*xano_delete_field"):
        xano.call("add_field_to_schema", PRODUCT, field_name="e", field_type="enum", values=["a"])


def test_values_that_xano_writes_as_objects_are_the_same_values(xano, monkeypatch):
    as_objects = [{"label": "A", "value": "a"}]
    answering(
        monkeypatch,
        lambda fields: [
            {**field, "values": as_objects} if field["name"] == "e" else field for field in fields
        ],
    )
    added = xano.call("add_field_to_schema", PRODUCT, field_name="e", field_type="enum", values=["a"])
    assert added["stored"]["values"] == as_objects


def test_an_answer_without_the_field_is_no_success_until_the_field_is_seen(xano, monkeypatch):
    send = outbound.send

    def nameless(method, url, **options):
        answer = send(method, url, **options)
        return Response(200, {}, b"null") if "/schema/type/" in url else answer

    monkeypatch.setattr(outbound, "send", nameless)
    added = xano.call("add_field_to_schema", PRODUCT, field_name="seen", field_type="text")
    assert added["stored"]["name"] == "seen"
    answering(monkeypatch, lambda fields: fields[:-1])
    with pytest.raises(OutcomeUnknown, match="check there before repeating"):
        xano.call("add_field_to_schema", PRODUCT, field_name="unseen", field_type="text")
