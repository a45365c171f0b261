"""The download of one's data: complete, valid, without secrets, and small in memory whatever its size."""

import json
import tracemalloc
from types import SimpleNamespace

import pytest
from sqlalchemy import event
from sqlmodel import insert

from app import audit, clock, database
from app.account_settings import export
from app.federation.models import McpServer, McpServerTool
from app.oauth_server import grants
from app.usage.models import CallRow
from tests.conftest import both_databases
from tests.support.approvals import make_waiting


def download(visitor):
    answer = visitor.get("/account/export")
    assert answer.status_code == 200 and answer.mimetype == "application/json"
    return json.loads(answer.get_data(as_text=True))


def calls(user_id, count, start=0, tool="xero_list_invoices"):
    rows = [
        {
            "at": clock.now(),
            "workspace_id": "wsp_northwind",
            "user_id": user_id,
            "grant_id": "grt_1",
            "client_name": "Claude",
            "tool": tool,
        }
        | {
            "slug": "xero",
            "upstream_endpoint": f"GET /Invoices {n}",
            "outcome": "ok",
            "total_ms": 12.5,
            "upstream_ms": 9.0,
            "bytes": 100,
        }
        for n in range(start, start + count)
    ]
    with database.transaction() as db:
        db.execute(insert(CallRow), rows)


def add_mcp_server(people, tools):
    """A server that alice added to Northwind, and its tools, which she allowed. Gives its id."""
    by = {"workspace_id": people.northwind.id}
    with database.transaction() as db:
        server = McpServer(
            id="mcs_1",
            slug="notebook",
            name="Notebook",
            url="https://notebook.example/mcp",
            added_by=people.alice.id,
            added_at=clock.now(),
            **by,
        )
        db.add(server)
        db.flush()
        facts = {"state": "approved", "first_seen_at": clock.now(), "decided_by": people.alice.id}
        db.add_all(McpServerTool(server_id=server.id, name=name, verb=name, **by, **facts) for name in tools)
    return "mcs_1"


@both_databases
def test_it_holds_everything_kept_about_a_person(app, settings, people, alice, connect, monkeypatch):
    connection = connect(people.northwind, people.alice, "xero", name="Main")
    alice.submit("/memory", {"text": "Umlauts: äöü", "title": "Note"})
    member = SimpleNamespace(user=people.alice, workspace=people.northwind)
    with app.app_context(), database.transaction() as db:
        token = grants.issue_personal_token(db, member, "my token", "tools:read", 3600)
    calls("usr_alice", 3)
    make_waiting(settings, connection, "grt_1", text="Tea & Co")
    monkeypatch.setattr(export, "_PAGE_ROWS", 2)
    server = add_mcp_server(people, tools=["list_notes", "add_note", "drop_note"])
    alice.submit("/account/name", {"name": "Alice"})
    data = download(alice)
    assert data["profile"]["email"] == "alice@example.com" and data["profile"]["has_password"] is False
    assert data["workspaces"] == [
        {
            "workspace_id": "wsp_northwind",
            "workspace": "Northwind",
            "role": "owner",
            "joined_at": data["workspaces"][0]["joined_at"],
        }
    ]
    assert [(each["id"], each["service"], each["account_name"]) for each in data["connections"]] == [
        (connection.id, "xero", "Main")
    ]
    assert [each["client_name"] for each in data["ai_clients_and_tokens"]] == ["my token"]
    assert [(each["title"], each["text"]) for each in data["notes"]] == [("Note", "Umlauts: äöü")]
    assert "person.renamed" in {each["action"] for each in data["activity"]}
    assert [each["upstream_endpoint"] for each in data["tool_calls"]] == [
        "GET /Invoices 0",
        "GET /Invoices 1",
        "GET /Invoices 2",
    ]
    (request,) = data["approvals"]
    assert (request["headline"], request["arguments"]) == ("Create a client", {"organization": "Tea & Co"})
    assert [(each["id"], each["name"]) for each in data["mcp_servers_added"]] == [(server, "Notebook")]
    assert sorted((each["name"], each["state"]) for each in data["mcp_tools_reviewed"]) == [
        ("add_note", "approved"),
        ("drop_note", "approved"),
        ("list_notes", "approved"),
    ]
    assert len(data["browsers"]) == 1 and data["google_accounts"] == []
    text = json.dumps(data)
    for secret in (
        token,
        "refresh of Main",
        "access of Main",
        "v1:t1:",
        alice.client.get_cookie("session").value,
        "digest",
        "_sealed",
    ):
        assert secret not in text


def test_it_holds_nothing_of_anybody_else(app, settings, people, alice, sign_in, connect):
    bobs = connect(people.northwind, people.bob, "freshbooks", name="Bobs own", visibility="personal")
    connect(people.contoso, people.charlie, "xero", name="Contoso")
    bob = sign_in(people.bob)
    bob.submit("/memory", {"text": "Bob's secret", "shared": "yes"})
    calls("usr_bob", 5, tool="freshbooks_list_clients")
    make_waiting(settings, bobs, "grt_2", text="Bob's tea")
    data = json.dumps(download(alice))
    for theirs in ("Bob", "bob@", "Contoso", "freshbooks", "usr_bob"):
        assert theirs not in data
    assert "Bob's secret" in json.dumps(download(bob), ensure_ascii=False)


def test_it_is_a_file_with_the_companys_name_on_it(frozen_clock, alice):
    sent = alice.get("/account/export").headers["Content-Disposition"]
    assert sent == f'attachment; filename="patchbay-data-{clock.now():%Y-%m-%d}.json"'


def test_strangers_sign_in_first(visitor):
    assert visitor.get("/account/export").headers["Location"] == "/login?next=/account/export"


@both_databases
def test_many_rows_come_in_order_whatever_lies_between(app, people, alice, monkeypatch):
    monkeypatch.setattr(export, "_PAGE_ROWS", 7)
    monkeypatch.setattr(export, "_WINDOW_ROWS", 25)
    for start in range(0, 60, 20):
        calls("usr_alice", 20, start)
        calls("usr_bob", 30)
    with database.transaction() as db:
        for n in range(40):
            audit.record(db, "a.b", user_id="usr_alice", subject=str(n))
    data = download(alice)
    assert [each["upstream_endpoint"] for each in data["tool_calls"]] == [
        f"GET /Invoices {n}" for n in range(60)
    ]
    assert [each["subject"] for each in data["activity"] if each["action"] == "a.b"] == [
        str(n) for n in range(40)
    ]


@pytest.mark.slow
def test_no_connection_is_held_while_a_slow_line_takes_it_and_memory_stays_small(app, people, settings):
    for start in range(0, 30_000, 3_000):
        calls("usr_alice", 3_000, start)
    pool = database.current().engine.pool
    size = held = 0
    tracemalloc.start()
    try:
        for piece in export.write(settings, people.alice):
            size += len(piece)
            held = max(held, pool.checkedout())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held == 0 and size > 5_000_000 and peak < 3_000_000, (held, size, peak)


def test_what_is_not_found_by_person_is_looked_through_a_window_at_a_time(app, monkeypatch):
    """Ten million rows of others cost many short statements, and no long one."""
    monkeypatch.setattr(export, "_WINDOW_ROWS", 10)
    calls("usr_bob", 35)
    table, statements = CallRow.__table__.c, []
    event.listen(
        database.current().engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_rest: statements.append(statement),
    )
    assert [
        page for page in export._by_window(table.id, (table.tool,), table.user_id == "usr_alice") if page
    ] == []
    looking = [statement for statement in statements if "FROM calls" in statement][1:]
    assert len(looking) == 4 and all(
        "calls.id >= " in statement and "calls.id < " in statement for statement in looking
    )
