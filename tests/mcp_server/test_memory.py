"""The notebook through an AI client: useful with nothing connected."""

import json

import jsonschema
import pytest
from sqlmodel import select

from app import database
from app.memory import tools
from app.usage.models import CallRow
from tests.conftest import both_databases

TOOLS = {"memory_save", "memory_search", "memory_list", "memory_delete"}


def test_they_are_listed_with_nothing_connected(alice):
    assert set(alice.tools()) >= TOOLS


@both_databases
def test_what_is_saved_is_found_listed_and_deleted(alice):
    saved = alice.call("memory_save", {"text": "Acme pays on the 5th of the month", "title": "Acme"})
    assert (
        saved["data"]["mine"]
        and saved["data"]["saved_by"] == "test client"
        and saved["message"] == "Saved, for you alone."
    )
    (hit,) = alice.call("memory_search", {"query": "when does acme pay?"})["data"]["items"]
    assert hit["id"] == saved["data"]["id"] and hit["snippet"] == "Acme pays on the 5th of the month"
    assert [row["id"] for row in alice.call("memory_list")["data"]["items"]] == [hit["id"]]
    assert alice.call("memory_delete", {"note_id": hit["id"]})["message"] == "Deleted."
    assert alice.call("memory_list")["data"]["items"] == []
    assert alice.refusal("memory_delete", {"note_id": hit["id"]})[0] == "NOT_FOUND"


def test_answers_fit_their_schema(alice):
    listed = alice.tools()
    saved = alice.call("memory_save", {"text": "x"})
    for name, envelope in (
        ("memory_save", saved),
        ("memory_search", alice.call("memory_search", {"query": "x"})),
        ("memory_list", alice.call("memory_list")),
        ("memory_delete", alice.call("memory_delete", {"note_id": saved["data"]["id"]})),
    ):
        jsonschema.validate(envelope, listed[name]["outputSchema"])


def test_a_token_for_reading_may_look_but_not_save(client_of, people, alice):
    saved = alice.call("memory_save", {"text": "Tea"})["data"]
    reader = client_of(people.alice, "tools:read")
    assert set(reader.tools()) & TOOLS == {"memory_search", "memory_list"}
    assert reader.call("memory_search", {"query": "tea"})["data"]["items"]
    for tool, arguments in (("memory_save", {"text": "Coffee"}), ("memory_delete", {"note_id": saved["id"]})):
        refused = reader.ask("tools/call", name=tool, arguments=arguments)
        assert (
            refused.status_code == 403
            and 'scope="tools:read tools:write"' in refused.headers["WWW-Authenticate"]
        )
    assert len(alice.call("memory_list")["data"]["items"]) == 1


def test_a_colleague_sees_what_is_shared_and_no_other_workspace_does(alice, client_of, people):
    private = alice.call("memory_save", {"text": "My raise is due in May"})["data"]
    shared = alice.call("memory_save", {"text": "The office closes in May", "shared": True})["data"]
    bob, charlie = client_of(people.bob), client_of(people.charlie)
    (seen,) = bob.call("memory_search", {"query": "may"})["data"]["items"]
    assert (seen["id"], seen["mine"], seen["author"]) == (shared["id"], False, "Alice")
    assert bob.refusal("memory_delete", {"note_id": shared["id"]})[0] == "PERMISSION_DENIED"
    assert bob.refusal("memory_delete", {"note_id": private["id"]})[0] == "NOT_FOUND"
    assert (
        charlie.call("memory_list")["data"]["items"]
        == charlie.call("memory_search", {"query": "may"})["data"]["items"]
        == []
    )
    assert charlie.refusal("memory_delete", {"note_id": shared["id"]})[0] == "NOT_FOUND"


@pytest.mark.parametrize(("tool", "arguments"), [("memory_list", {}), ("memory_search", {"query": "note"})])
def test_a_long_list_goes_on_with_its_cursor_for_the_same_person_alone(
    alice, client_of, people, tool, arguments, monkeypatch
):
    monkeypatch.setattr(tools, "PAGE_SIZE", 3)
    for n in range(7):
        alice.call("memory_save", {"text": f"note {n}"})
    seen, cursor = [], None
    for _ in range(3):
        page = alice.call(tool, {**arguments, **({"cursor": cursor} if cursor else {})})["data"]
        seen += [row["text"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor:
            assert (
                client_of(people.bob).refusal(tool, {**arguments, "cursor": cursor})[0] == "INVALID_ARGUMENTS"
            )
    assert cursor is None
    assert seen == [f"note {n}" for n in range(6, -1, -1)]


def test_an_answer_stays_under_its_size_and_loses_no_note(alice):
    for n in range(12):
        alice.call("memory_save", {"text": f"{n} " + 'many "words" ' * 600})
    first = alice.call("memory_list")
    assert len(json.dumps(first)) < 80_000
    rest = alice.call("memory_list", {"cursor": first["data"]["next_cursor"]})
    assert len(first["data"]["items"]) + len(rest["data"]["items"]) == 12


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("memory_save", {}),
        ("memory_save", {"text": "x" * 8_001}),
        ("memory_save", {"text": "  "}),
        ("memory_search", {}),
        ("memory_list", {"limit": 5}),
    ],
)
def test_arguments_that_do_not_fit_are_refused(alice, tool, arguments):
    assert alice.refusal(tool, arguments)[0] == "INVALID_ARGUMENTS"


def test_each_call_is_one_usage_row(alice):
    alice.call("memory_save", {"text": "x"})
    alice.refusal("memory_save", {})
    with database.reading() as db:
        rows = db.exec(select(CallRow)).all()
    assert [(row.tool, row.slug, row.outcome) for row in rows] == [
        ("memory_save", "", "ok"),
        ("memory_save", "", "INVALID_ARGUMENTS"),
    ]


def test_over_the_limit_nothing_is_saved(early, alice, people):
    with database.transaction() as db:
        db.add(people.northwind)
        people.northwind.per_minute = 1
    alice.call("memory_list")
    assert alice.ask("tools/call", name="memory_save", arguments={"text": "late"}).status_code == 429
    with database.transaction() as db:
        db.add(people.northwind)
        people.northwind.per_minute = 100
    assert alice.call("memory_list")["data"]["items"] == []
