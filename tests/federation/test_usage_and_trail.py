"""Calls of an MCP server are counted, limited, recorded and shown like those of built-in services."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from sqlmodel import select

from app import clock, database
from app.audit import AuditEntry
from app.usage.models import CallRow
from app.workspaces.models import Workspace
from tests.conftest import both_databases
from tests.federation.revisions import both_upstream_revisions
from tests.federation.walking import Walk, _values
from tests.support.added_servers import list_is_good
from tests.support.ai_client import AiClient
from tests.support.approvals import request_in
from tests.support.waiting import until

LIST, ADD, DELETE = "notebook_list_notes", "notebook_add_note", "notebook_delete_note"


@pytest.fixture
def connection(notebook, add, connect):
    """A connection to the Notebook, called Office, which may write."""
    add(notebook.url)
    connection = connect(permission="write", label="Office")
    list_is_good(connection)
    return connection


@pytest.fixture
def stateless(sdk_server, add, connect):
    """The same, without regard to the revision."""
    add(sdk_server.url)
    connection = connect(permission="write", label="Office")
    list_is_good(connection)
    return connection


def calls():
    with database.reading() as db:
        return list(db.exec(select(CallRow).order_by(CallRow.id)))


def entries(action):
    with database.reading() as db:
        return list(db.exec(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


def table(answer):
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


@both_databases
@both_upstream_revisions
def test_a_call_is_a_usage_row_with_service_account_and_request(connection, notebook, client_of, people):
    client = client_of(people.alice)
    client.call(LIST)
    client.call(ADD, {"text": "Buy bread"})
    client.refusal(DELETE, {"id": 77})
    notebook.failures = [503]
    client.refusal(ADD, {"text": "Again"})
    notebook.failures = []
    rows = calls()
    assert [(row.tool, row.slug, row.connection_id) for row in rows] == [
        (tool, "notebook", connection.id) for tool in (LIST, ADD, DELETE, ADD)
    ]
    assert [(row.upstream_endpoint, row.upstream_status) for row in rows] == [
        *[("POST tools/call", 200)] * 3,
        ("POST tools/call", 503),
    ]
    assert [row.outcome == "ok" for row in rows] == [True, True, False, False]
    assert all(0 < row.upstream_ms < row.total_ms and row.bytes > 0 for row in rows)
    assert {(row.user_id, row.client_name) for row in rows} == {(people.alice.id, "test client")}


@both_databases
def test_a_write_is_an_entry_of_the_trail_and_a_read_is_none(stateless, client_of, people):
    client = client_of(people.alice)
    client.call(LIST)
    client.call(ADD, {"text": "Buy bread, the secret kind"})
    [entry] = entries("tool.called")
    assert (entry.workspace_id, entry.user_id, entry.subject) == (
        people.northwind.id,
        people.alice.id,
        stateless.id,
    )
    assert entry.details == {
        "tool": ADD,
        "title": "Add a note",
        "slug": "notebook",
        "client": "test client",
        "outcome": "ok",
        "arguments": {"text": "[hidden, 26 characters]"},
    }


def test_the_limit_of_the_workspace_counts_them(stateless, sdk_server, client_of, people):
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).per_minute = 2
    client = client_of(people.alice)
    client.call(LIST), client.call(ADD, {"text": "Two"})
    refused = client.ask("tools/call", name=LIST, arguments={})
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
    assert len(sdk_server.calls()) == 2, "it was not sent"
    assert calls()[-1].outcome == "RATE_LIMITED"


@both_databases
def test_the_usage_page_and_its_files_name_service_and_account(stateless, client_of, people, sign_in):
    client, alice = client_of(people.alice), sign_in(people.alice)
    client.call(LIST)
    client.call(ADD, {"text": "Buy bread"})
    for view, words in {
        "": ("List notes", LIST, "Add a note"),
        "connector": ("Notebook",),
        "latest": ("List notes", "Add a note"),
    }.items():
        alice.get(f"/usage?view={view}")
        listed = alice.page.split('id="breakdown"')[1]
        assert [word for word in words if word not in listed] == [], view
    alice.get("/usage?connector=notebook")
    assert LIST in alice.page
    rows = table(alice.get("/usage/calls.csv"))
    assert [(row["connector"], row["connection_id"]) for row in rows] == [("notebook", stateless.id)] * 2
    assert [row["upstream_endpoint"] for row in rows] == ["POST tools/call"] * 2
    [line] = table(alice.get("/usage/table.csv?by=connector"))
    assert "Notebook" in line.values()


def test_what_was_counted_stays_when_the_server_is_removed(stateless, client_of, people, sign_in):
    client_of(people.alice).call(LIST)
    alice = sign_in(people.alice)
    alice.get("/integrations/servers/notebook")
    alice.follow(alice.submit("/integrations/servers/notebook/remove"))
    alice.get("/usage?view=connector")
    assert "Notebook" in alice.page.split('id="breakdown"')[1]
    assert len(table(alice.get("/usage/calls.csv"))) == 1


@both_databases
def test_the_trail_verifies_with_all_that_happens_to_a_server(app, sdk_server, alice, client_of, people):
    walk, client = Walk(alice), client_of(people.alice)
    walk.look(sdk_server.url)
    walk.add(sdk_server.url, name="Notebook", reads_only=_values(alice.page, "reads_only"))
    connection = walk.connection_of("notebook")
    for level in ("write", "ask"):
        walk.post("/integrations/notebook/permission", {"connection": connection, "level": level})
        client.call(LIST)
        answer = client.call(ADD, {"text": level})
    approval = request_in(answer)
    alice.get("/approvals")
    alice.follow(alice.submit(f"/approvals/{approval}/approve"))
    until(lambda: sdk_server.book.notes[-1] == "ask")
    request_in(client.call(ADD, {"text": "waits until the end"}))
    sdk_server.remove_tool("delete_note")
    clock.shift(timedelta(minutes=10))
    client.call(LIST)
    walk.get("/integrations/servers/notebook")
    walk.post("/integrations/servers/notebook/off", {"tool": "count"})
    walk.post("/integrations/servers/notebook/remove", {})
    wanted = {
        "mcp_server.added",
        "mcp_server.tools_gone",
        "mcp_server.tools_turned_off",
        "mcp_server.removed",
        "connection.connected",
        "tool.called",
        "approval.approved",
        "approval.rejected",
    }
    with database.reading() as db:
        assert wanted <= set(db.exec(select(AuditEntry.action)).all())
    verified = app.test_cli_runner().invoke(args=["audit", "verify", "--workspace", people.northwind.id])
    assert verified.exit_code == 0 and "wsp_northwind: unchanged" in verified.output
    alice.get("/activity")
    assert "Alice added the MCP server Notebook" in " ".join(unescape(alice.page).split())


def test_the_doctor_of_ai_clients_reads_the_same(app, stateless, alice):
    program = AiClient(app)
    program.register(client_name="Cursor")
    program.connect(alice)
    alice.get("/ai-clients/attempts")
    read = re.sub(r"<[^>]+>", " ", alice.page)
    assert "Got its token" in read and "Notebook" not in read
