"""A question of an MCP server as AI clients get it: it names the server, and nothing in it can mislead."""

import pytest

from app.mcp_server.calls import question_form
from app.mcp_server.calls.question_form import QuestionUnanswered

ASK = "elicitation/create"


def form(**fields):
    schema = {"type": "object", "properties": fields, "required": [*fields, "other"], "x-odd": 1}
    return {"message": "Which one?", "requestedSchema": schema}


def put(params, method=ASK):
    return question_form.of_server("Notebook", method, params).params


def test_a_form_has_the_fields_that_clients_show_and_nothing_else():
    question = put(
        form(
            size={"type": "integer", "minimum": 1, "default": 3, "$ref": "https://elsewhere.example"},
            colour={"type": "string", "enum": ["red", "blue"], "enumNames": ["Red", "Blue"], "x": 1},
            kinds={"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}, "minItems": 1},
        )
    )
    assert question.message == "Notebook asks: Which one?"
    assert question.requested_schema == {
        "type": "object",
        "properties": {
            "size": {"type": "integer", "minimum": 1, "default": 3},
            "colour": {"type": "string", "enum": ["red", "blue"], "enumNames": ["Red", "Blue"]},
            "kinds": {"type": "array", "minItems": 1, "items": {"anyOf": [{"const": "a", "title": "A"}]}},
        },
        "required": ["size", "colour", "kinds"],
    }


@pytest.mark.parametrize(
    "params",
    [
        form(nested={"type": "object", "properties": {}}),
        form(many={"type": "array", "items": {"type": "object"}}),
        form(**{"not a name": {"type": "string"}}),
        form(**{f"field_{n}": {"type": "string"} for n in range(21)}),
        {"message": "", "requestedSchema": {"type": "object", "properties": {}}},
        {"message": "Which one?"},
    ],
)
def test_what_clients_cannot_show_is_not_put(params):
    with pytest.raises(QuestionUnanswered, match="in a form that AI clients can't show"):
        put(params)


@pytest.mark.parametrize(
    "field",
    [
        {"password": {"type": "string"}},
        {"value": {"type": "string", "title": "Your API key"}},
        {"number": {"type": "string", "description": "Credit card number"}},
    ],
)
def test_no_secret_is_asked_for_in_the_chat(field):
    with pytest.raises(QuestionUnanswered, match="never passed on"):
        put(form(**field))


@pytest.mark.parametrize(
    "url",
    [
        "http://pay.example/checkout",
        "javascript:alert(1)",
        "https://bank.example@evil.example/",
        "https://b\u0430nk.example/",
        "https:///nowhere",
        "",
        7,
    ],
)
def test_a_page_is_opened_at_an_https_address_alone(url):
    with pytest.raises(QuestionUnanswered):
        put({"mode": "url", "message": "Pay here.", "url": url})


def test_a_page_to_open_is_named_by_its_host_and_hidden_text_is_taken_out():
    question = put({"mode": "url", "message": "Pay\u202e here.", "url": "https://pay.example:8443/x"})
    assert question.message == "Notebook asks you to open a page at pay.example:8443: Pay here."


def test_an_answer_has_the_forms_fields_of_their_types_and_only_after_a_yes():
    question = question_form.of_server("Notebook", ASK, form(size={"type": "integer"}))
    given = {"action": "accept", "content": {"size": 3, "more": "x"}}
    assert question_form.answer_of(question, given) == {"action": "accept", "content": {"size": 3}}
    wrong = {"action": "accept", "content": {"size": "3"}}
    assert question_form.answer_of(question, wrong) == {"action": "accept", "content": {}}
    refused = {"action": "decline", "content": {"size": 3}}
    assert question_form.answer_of(question, refused) == {"action": "decline"}
    assert question_form.answer_of(question, {"action": "other"}) == {"action": "cancel"}
    assert question_form.answer_of(question, {}) == {"action": "cancel"}
