"""Calls of tools that change something are in the trail: what was done, without secrets and messages."""

import json

import pytest
from sqlmodel import select

from app import database
from app.activity import sealing, verifying
from app.activity.tool_calls import redact
from app.audit import AuditEntry
from tests.conftest import both_databases
from tests.support import acme
from tests.support.mcp_client import *  # noqa: F403


def entries():
    with database.reading() as db:
        return list(
            db.exec(select(AuditEntry).where(AuditEntry.action == "tool.called").order_by(AuditEntry.id))
        )


@both_databases
def test_a_write_is_one_entry_and_a_read_is_none(alice, connect, people):
    connection = connect(people.alice, permission="write")
    alice.call("acme_get_thing", {"id": "a"})
    alice.call("acme_create_thing", {"text": "Dear Sir, the secret plan"})
    [entry] = entries()
    assert (entry.workspace_id, entry.user_id, entry.subject) == (
        people.northwind.id,
        people.alice.id,
        connection.id,
    )
    assert entry.details == {
        "tool": "acme_create_thing",
        "title": "Create a thing",
        "slug": "acme",
        "client": "test client",
        "outcome": "ok",
        "arguments": {"text": "[hidden, 25 characters]"},
    }
    sealing.seal()
    assert verifying.walk(people.northwind.id).problem == ""


def test_a_refused_write_is_an_entry_with_its_outcome(alice, connect, people):
    connect(people.alice, permission="read")
    acme.written.clear()
    alice.refusal("acme_create_thing", {"text": "x"})
    assert [entry.details["outcome"] for entry in entries()] == ["PERMISSION_DENIED"] and acme.written == []


def test_our_own_tools_that_write_are_entries_too(alice):
    saved = alice.call("memory_save", {"text": "Acme pays on the 5th", "title": "Acme"})
    alice.call("memory_search", {"query": "acme"})
    alice.call("memory_delete", {"note_id": saved["data"]["id"]})
    assert [entry.details["tool"] for entry in entries()] == ["memory_save", "memory_delete"]
    assert "5th" not in json.dumps([entry.details for entry in entries()])


@pytest.mark.usefixtures("early")
def test_a_flood_that_is_turned_away_does_not_flood_the_trail(alice, connect, people):
    connect(people.alice, permission="write")
    with database.transaction() as db:
        db.merge(people.northwind).per_minute = 2
    for _ in range(6):
        alice.ask("tools/call", name="memory_save", arguments={"text": "x"})
    assert len(entries()) == 2


def test_it_takes_no_commit_of_its_own(alice, connect, people, monkeypatch):
    from app.usage import ledger

    connect(people.alice, permission="write")
    alice.call("acme_create_thing", {"text": "x"})
    batches, commit = [], ledger.Ledger._commit
    monkeypatch.setattr(
        ledger.Ledger, "_commit", lambda self, batch: batches.append(batch) or commit(self, batch)
    )
    monkeypatch.setattr(database.Database, "transaction", None)
    alice.call("acme_create_thing", {"text": "y"})
    assert len(batches) == 2, "counted before, written down after: as any call of a service"
    assert len(entries()) == 2


@pytest.mark.parametrize(
    ("arguments", "redacted"),
    [
        ({"amount": 12.5, "paid": True, "due": None}, {"amount": 12.5, "paid": True, "due": None}),
        (
            {"contact_id": "5f0c9a52-2a5c-4d0c-9f0e-7b1f2c3d4e5f"},
            {"contact_id": "5f0c9a52-2a5c-4d0c-9f0e-7b1f2c3d4e5f"},
        ),
        ({"to": "bob@example.com", "subject": "Hi"}, {"to": "bob@example.com", "subject": "Hi"}),
        ({"body": "Dear Bob"}, {"body": "[hidden, 8 characters]"}),
        ({"html_body": "<p>"}, {"html_body": "[hidden, 3 characters]"}),
        (
            {"api_key": "abc", "nested": {"password": 7}},
            {"api_key": "[hidden]", "nested": {"password": "[hidden]"}},
        ),
        ({"reference": "sk_live_51Habcdefghijklmnop"}, {"reference": "[hidden]"}),
        ({"query": "Bearer abc.def"}, {"query": "[hidden]"}),
        ({"query": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.sig"}, {"query": "[hidden]"}),
        ({"name": "word " * 30}, {"name": "word " * 12 + "… [150 characters]"}),
        ({"rows": list(range(25))}, {"rows": [*range(20), "… 5 more"]}),
        ({"deep": {"a": {"b": {"c": {"d": 1}}}}}, {"deep": {"a": {"b": {"c": "{…}"}}}}),
        ({"odd": float("nan")}, {"odd": "nan"}),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else None,
)
def test_what_is_kept_of_arguments(arguments, redacted):
    assert redact(arguments) == redacted


def test_the_size_of_what_is_kept_is_bounded():
    huge = {f"row{n}": [{f"c{m}": "x" * 1000 for m in range(100)} for _ in range(100)] for n in range(100)}
    assert len(json.dumps(redact(huge))) < 16_000
