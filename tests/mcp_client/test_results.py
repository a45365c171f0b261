"""What a tool returned, as our tools return it: data, content blocks, a failure."""

import base64
import json
import time

import pytest

from app.connectors.mcp import call_tool
from app.connectors.mcp_results import RemoteToolFailed, output_of
from app.connectors.output_check import OutputCheck
from tests.mcp_client.conftest import both_revisions
from tests.support.notebook import PNG

DRAWING = base64.b64encode(PNG).decode()
NOTES = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


def output(check=None, **result):
    return output_of(result, name="Notebook", check=check)


def text(words):
    return {"type": "text", "text": words}


@both_revisions
def test_structured_content_of_a_real_tool_is_the_data_and_its_text_is_not_repeated(api):
    found = call_tool(api, "list_notes", {"contains": "bank"}, safe=True)
    assert found.data == {"notes": [{"id": 2, "text": "Call the bank"}]}
    assert found.blocks == () and found.note == ""


@both_revisions
def test_an_image_of_a_real_tool_is_the_same_bytes_and_the_link_stays(api):
    found = call_tool(api, "draw_note", {"id": 1}, safe=True)
    assert found.text == "Note 1 as an image."
    image, link = found.blocks
    assert base64.b64decode(image["data"]) == PNG and image["mimeType"] == "image/png"
    assert link == {"type": "resource_link", "uri": "notebook://notes/1", "name": "note 1"}


@both_revisions
def test_a_tool_that_failed_raises_with_its_own_words_as_data_alone(api):
    with pytest.raises(RemoteToolFailed) as failed:
        call_tool(api, "delete_note", {"id": 77}, safe=False)
    assert failed.value.message == "Notebook couldn't do this. Its message is in the details."
    assert failed.value.details["text"] == "Error executing tool delete_note: There is no note 77."


def test_texts_are_the_data_where_nothing_is_structured():
    assert output(content=[text("One"), text("Two")]).data == {"text": "One\n\nTwo"}
    assert output(content=[]).data == {"text": ""}


@pytest.mark.parametrize(
    ("structured", "words"),
    [
        ({"id": 1}, '{"id": 1}'),
        ({"id": 1}, '{\n  "id": 1\n}'),
        ({"result": "done"}, "done"),
        ({"result": [1, 2]}, "[1, 2]"),
        ([1, 2], "[1,2]"),
    ],
)
def test_a_text_that_repeats_the_structured_content_is_dropped(structured, words):
    found = output(content=[text(words)], structuredContent=structured)
    assert found.data == structured and found.blocks == ()


def test_a_text_that_adds_something_stays_beside_the_data():
    found = output(content=[text("Two are overdue.")], structuredContent={"id": 1})
    assert found.blocks == (text("Two are overdue."),)


def test_what_does_not_fit_the_output_schema_is_named_and_returned():
    found = output(OutputCheck(NOTES), structuredContent={"id": "seven"}, content=[])
    assert found.data == {"id": "seven"}
    assert found.note == (
        "The result doesn't match the output schema that Notebook declares for this tool: "
        "id does not fit `type`."
    )
    assert "sent none" in output(OutputCheck(NOTES), content=[text("x")]).note
    assert output(OutputCheck(NOTES), structuredContent={"id": 7}, content=[]).note == ""


HOSTILE_SCHEMAS = {
    "slow pattern": {"type": "object", "properties": {"a": {"pattern": "^(a+)+$"}}},
    "slow names": {"type": "object", "patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
    "remote reference": {"$ref": "http://127.0.0.1:9/schema.json"},
    "circle": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "not a schema": {"type": 7, "properties": [], "required": "x"},
}


@pytest.mark.parametrize("schema", HOSTILE_SCHEMAS.values(), ids=HOSTILE_SCHEMAS.keys())
def test_a_hostile_output_schema_neither_hangs_nor_fetches_nor_fails(schema):
    started = time.monotonic()
    value = "a" * 40 + "!"
    assert (
        output(OutputCheck(schema), structuredContent={"a": value, value: 1}, content=[]).data["a"] == value
    )
    assert time.monotonic() - started < 10


def test_a_result_that_takes_too_many_steps_to_compare_is_returned_uncompared():
    every = {"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "boolean"}}]}
    numbers = [1] * 200_000
    found = output(OutputCheck({"properties": {"a": every}}), structuredContent={"a": numbers})
    assert found.data == {"a": numbers} and found.note == ""


@pytest.mark.parametrize("number", ["1e400", "NaN", "9" * 400], ids=["infinite", "none", "huge"])
def test_a_number_that_nothing_can_be_computed_with_fails_no_result(number):
    result = json.loads(f'{{"structuredContent": {{"price": {number}}}}}')
    cents = {"type": "object", "properties": {"price": {"type": "number", "multipleOf": 0.01}}}
    assert output(OutputCheck(cents), **result).note == ""


BROKEN_BLOCKS = {
    "unknown kind": {"type": "video", "data": DRAWING, "mimeType": "video/mp4"},
    "not Base64": {"type": "image", "data": "%%%", "mimeType": "image/png"},
    "another kind": {"type": "image", "data": DRAWING, "mimeType": "text/html"},
    "without a type": {"data": DRAWING},
    "link without an address": {"type": "resource_link", "name": "x"},
    "broken resource": {"type": "resource", "resource": {"uri": "x://y", "blob": "%"}},
    "link with a novel": {"type": "resource_link", "uri": "x://y", "name": "n", "description": "d" * 5_000},
    "resource with baggage": {
        "type": "resource",
        "resource": {"uri": "x://y", "text": "t", "_meta": {"x": "y" * 5_000}},
    },
}


@pytest.mark.parametrize("block", BROKEN_BLOCKS.values(), ids=BROKEN_BLOCKS.keys())
def test_content_that_an_ai_client_could_not_read_is_left_out_and_that_is_said(block):
    found = output(content=[block, text("Here it is.")])
    assert found.text == "Here it is." and found.blocks == ()
    assert found.note == "Notebook also sent content that could not be read, so it was left out."


def test_every_kind_of_content_stays_and_its_text_is_cleaned():
    blocks = [
        {"type": "image", "data": DRAWING, "mimeType": "image/png"},
        {"type": "audio", "data": DRAWING, "mimeType": "audio/wav"},
        {"type": "resource_link", "uri": "x://y", "name": "na\u202eme", "size": 7},
        {"type": "resource", "resource": {"uri": "x://y", "blob": DRAWING, "mimeType": "image/png"}},
        {"type": "resource", "resource": {"uri": "x://z", "text": "in\u200bside", "mimeType": "text/plain"}},
    ]
    found = output(content=blocks).blocks
    assert [each["type"] for each in found] == [each["type"] for each in blocks]
    assert found[0] == blocks[0] and found[1] == blocks[1] and found[3] == blocks[3]
    assert found[2]["name"] == "name" and found[4]["resource"]["text"] == "inside"


def test_texts_beside_the_data_are_bounded_together():
    found = output(content=[text("a" * 15_000), text("b" * 15_000)], structuredContent={"id": 1})
    assert [len(each["text"]) for each in found.blocks] == [15_000, 5_000 + len("… [cut]")]


def test_only_so_many_texts_stay_beside_the_data():
    found = output(content=[text(f"Line {n}") for n in range(1_000)], structuredContent={"id": 1})
    assert [each["text"] for each in found.blocks] == [f"Line {n}" for n in range(50)]
    assert found.note == "Notebook also sent more texts than fit, so 950 were left out."


def test_hidden_characters_are_taken_out_of_data():
    assert output(structuredContent={"a\u200b": "b\u202e\x00"}, content=[]).data == {"a": "b"}
