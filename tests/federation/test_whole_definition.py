"""Whoever allows a tool reads all of what is pinned: an order to the AI client may be in any part of it."""

import re
from html import unescape

import pytest

from app import database
from app.federation import pins
from app.federation.definition_texts import parts_of
from app.federation.models import McpServer

PAGE = "/integrations/servers/notebook"
PLAIN = {
    "name": "add_note",
    "title": "Add a note",
    "description": "Write a note.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "title": "Text", "description": "The text."},
            "mode": {"type": "string", "enum": ["plain", "rich"], "default": "plain"},
            **{f"field_{n}": {"type": "string"} for n in range(70)},
        },
        "required": ["text"],
    },
    "outputSchema": {"type": "object", "properties": {"id": {"type": "string", "description": "Its id."}}},
    "annotations": {"destructiveHint": False},
    "_meta": {"example.com/group": "notes"},
}


def with_orders():
    """The definition with an order in each place that a model reads, and the orders."""
    orders = []

    def order(place):
        orders.append(f"order in {place}")
        return orders[-1]

    properties = {
        **PLAIN["inputSchema"]["properties"],
        "text": {
            "type": "string",
            "title": order("an argument's title"),
            "description": order("an argument"),
        },
        "mode": {"type": "string", "enum": ["plain", order("a choice")], "default": order("a default")},
        "tags": {"type": "array", "items": {"type": "string", "examples": [order("an example")]}},
        "more": {"type": "object", "properties": {"deep": {"const": order("a nested argument")}}},
        order("the name of an argument"): {},
        "last": {"type": "string", "description": order("the last argument of many")},
    }
    return {
        "name": "add_note",
        "title": f"Add a note {'and ' * 60}{order('the end of a long title')}",
        "description": f"Write a note. {'It is kept. ' * 100}{order('the end of a long description')}",
        "inputSchema": {
            "type": "object",
            "description": order("all arguments"),
            "properties": properties,
            "required": ["text", order("what is required")],
            "$defs": {"Unused": {"description": order("a definition that nothing refers to")}},
            "x-note": order("an unknown keyword"),
        },
        "outputSchema": {
            "type": "object",
            "properties": {"id": {"type": "string", "description": order("the result")}},
        },
        "annotations": {"title": order("the older title"), "destructiveHint": False},
        "_meta": {order("the name of metadata"): {"deep": [order("metadata"), {}]}},
    }, orders


def unfolded(page):
    """What the page displays without a press on anything, as text."""
    page = re.sub(r"<details(?! class=\"menu).*?</details>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def missing(orders, text):
    return [each for each in orders if each not in text]


@pytest.fixture
def server(add, people, sdk_server):
    """A server that lists `add_note`, which is allowed."""
    server_id = add(sdk_server.url, definitions=[])
    take(server_id, PLAIN, approve_by=people.alice.id)
    return server_id


def take(server_id, definition, **options):
    with database.transaction() as db:
        pins.take_list(db, db.get(McpServer, server_id), [definition], **options)


def test_before_a_server_is_added(alice, sdk_server):
    poisoned, orders = with_orders()
    sdk_server.definitions = [poisoned, {**PLAIN, "name": "order in a name", "title": "A plain title"}]
    alice.get("/integrations/add")
    alice.submit("/integrations/add", {"url": sdk_server.url})
    assert not missing([*orders, "order in a name"], unfolded(alice.page))


def test_before_a_new_tool_is_allowed(server, alice):
    poisoned, orders = with_orders()
    take(server, {**poisoned, "name": "order in a name"})
    alice.get(PAGE)
    assert not missing([*orders, "order in a name"], unfolded(alice.page))


def test_before_a_tool_that_was_off_is_allowed(server, alice, people):
    poisoned, orders = with_orders()
    take(server, {**poisoned, "name": "second"})
    with database.transaction() as db:
        pins.turn_off(db, db.get(McpServer, server), ["second"], people.alice.id)
    alice.get(PAGE)
    assert not missing(orders, unfolded(alice.page))


def test_before_a_change_is_allowed(server, alice):
    poisoned, orders = with_orders()
    take(server, poisoned)
    alice.get(PAGE)
    added = " ".join(re.findall(r"<ins>.*?</ins>|<dt>.*?</dt>", alice.page, re.DOTALL))
    assert not missing(orders, unfolded(added)), "every order is among what was added"


def test_an_argument_that_is_renamed_is_a_difference(server, alice):
    properties = {**PLAIN["inputSchema"]["properties"]}
    properties["order in a name"] = properties.pop("field_7")
    take(server, {**PLAIN, "inputSchema": {**PLAIN["inputSchema"], "properties": properties}})
    alice.get(PAGE)
    assert re.search(r"<dt>Arguments › order in a name</dt>\s*<dd><ins>", alice.page)
    assert re.search(r"<dt>Arguments › field_7</dt>\s*<dd><del>", alice.page)


def test_what_says_nothing_is_left_out():
    parts = {part.heading: dict(part.texts) for part in parts_of(PLAIN, {"add_note", "Add a note"})}
    fields = {f"field_{n}": "" for n in range(70)}
    assert parts == {
        "Arguments": {
            "text": "The text.",
            "mode": "",
            "mode › choices": "plain, rich",
            "mode › default": "plain",
            **fields,
        },
        "Result": {"id": "Its id."},
        "Hints": {"may delete or overwrite (destructiveHint)": "no"},
        "Metadata": {"example.com/group": "notes"},
    }
