"""Removing a server: its tools say what happened, its tokens are revoked, nothing of it waits any more."""

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest
from sqlmodel import select

from app import clock, database
from app.approvals.models import Approval
from app.audit import AuditEntry
from app.connectors.services import services_of
from app.federation import changes, removal
from app.federation.models import McpServer, McpServerTool
from app.federation.oauth_facts import OAuthFacts
from app.hub.models import Handshake
from app.vault import revocation, seal
from app.vault.models import Connection, Credential, PendingRevocation
from tests.conftest import both_databases
from tests.support.approvals import request_in

PAGE = "/integrations/servers/notebook"


def rows(model):
    with database.reading() as db:
        return list(db.exec(select(model)).all())


@pytest.fixture
def server(add, sdk_server):
    return add(sdk_server.url)


def remove(visitor):
    visitor.get(PAGE)
    return visitor.follow(visitor.submit(f"{PAGE}/remove"))


@both_databases
def test_it_is_gone_for_people_and_ai_clients_at_once(server, alice, connect, client_of, people):
    connect(permission="write")
    client = client_of(people.alice)
    assert "notebook_list_notes" in client.tools()
    remove(alice)
    assert "Notebook removed." in alice.page and 'id="card-notebook"' not in alice.page
    assert alice.get(PAGE).status_code == 404
    assert not [name for name in client.tools() if name.startswith("notebook_")]
    assert rows(Connection) == rows(Credential) == []


@both_databases
def test_a_call_of_its_tools_is_answered_with_what_to_do(server, alice, connect, client_of, people):
    connect(permission="write")
    client = client_of(people.alice)
    remove(alice)
    answer = client.ask("tools/call", name="notebook_list_notes", arguments={}).json
    assert answer["error"]["message"] == (
        "Notebook was removed from this workspace, and its tools with it. An owner or admin can add it again "
        "at http://localhost:8000/integrations/add. List the tools to see what can be called."
    )


@both_databases
def test_what_waits_for_approval_is_rejected_by_who_removed_it(
    server, alice, connect, client_of, people, sdk_server
):
    connect(permission="ask")
    client = client_of(people.alice)
    approval_id = request_in(client.call("notebook_add_note", {"text": "x"}))
    remove(alice)
    [approval] = rows(Approval)
    assert (approval.id, approval.state, approval.decided_by) == (approval_id, "rejected", people.alice.id)
    alice.get("/approvals")
    alice.follow(alice.submit(f"/approvals/{approval_id}/approve"))
    assert not sdk_server.calls("tools/call") or len(sdk_server.book.notes) == 2
    actions = [entry.action for entry in rows(AuditEntry)]
    assert "approval.rejected" in actions and "mcp_server.removed" in actions


@pytest.fixture
def revoker(monkeypatch):
    """The revocation endpoint of an authorization server on this machine: `url`, `revoked`, `is_down`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if not server.is_down:
                server.revoked.append(dict(parse_qsl(body))["token"])
            self.send_response(503 if server.is_down else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.revoked, server.is_down = [], False
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(revocation, "run_soon", lambda settings: revocation.run_due(settings))
    yield server
    server.shutdown()
    server.server_close()


@both_databases
def test_its_row_stays_until_its_tokens_are_revoked_where_they_came_from(
    server, alice, connect, settings, revoker
):
    facts = OAuthFacts(
        issuer=revoker.url,
        authorization_endpoint=f"{revoker.url}/authorize",
        token_endpoint=f"{revoker.url}/token",
        resource=revoker.url,
        revocation_endpoint=f"{revoker.url}/revoke",
    )
    with database.transaction() as db:
        row = db.get(McpServer, server)
        row.access, row.oauth, row.client_id, row.client_issuer = "oauth", facts.to_json(), "us", revoker.url
        changes.touch(db, row.workspace_id)
    alice.get(PAGE)
    connect(token="at-1", auth_method="oauth")
    revoker.is_down = True
    remove(alice)
    assert len(rows(PendingRevocation)) == 1 and revoker.revoked == []
    clock.shift(timedelta(days=8))
    assert removal.sweep(settings) == 0 and len(rows(McpServer)) == 1
    with database.transaction() as db:
        assert removal.reclaimable(db, rows(McpServer)[0].workspace_id) == set(), "its slug is still needed"
    revoker.is_down = False
    clock.shift(timedelta(days=1))
    revocation.run_due(settings)
    assert revoker.revoked == ["at-1"] and rows(PendingRevocation) == []
    assert removal.sweep(settings) == 1 and rows(McpServer) == rows(McpServerTool) == []


def test_an_attempt_to_connect_it_that_is_under_way_ends(server, alice):
    alice.get("/integrations")
    alice.submit("/integrations/notebook", {})
    assert len(rows(Handshake)) == 1
    remove(alice)
    assert rows(Handshake) == []
    assert alice.submit("/integrations/notebook", {}).status_code == 404


@both_databases
def test_what_was_connected_in_that_moment_ends_with_the_job(server, alice, connect, settings, people):
    remove(alice)
    connect(permission="write")
    assert "notebook" in services_of(people.northwind.id)._by_slug
    removal.sweep(settings)
    assert rows(Connection) == rows(Credential) == []


@both_databases
def test_its_slug_is_free_again_once_nothing_of_it_is_left(server, alice, sdk_server, add):
    remove(alice)
    clock.shift(timedelta(minutes=1))
    with database.transaction() as db:
        workspace_id = rows(McpServer)[0].workspace_id
        assert removal.reclaimable(db, workspace_id) == {"notebook"}
        removal.reclaim(db, workspace_id, "notebook")
    assert rows(McpServer) == []


def test_the_job_deletes_it_a_week_later(server, alice, settings, people):
    remove(alice)
    assert removal.sweep(settings) == 0 and len(rows(McpServer)) == 1
    clock.shift(timedelta(days=7, minutes=1))
    assert removal.sweep(settings) == 1 and rows(McpServer) == []
    alice.get("/integrations")
    assert services_of(people.northwind.id).find("notebook") is None


@both_databases
def test_what_it_said_is_deleted_at_once_and_our_clients_secret_once_nothing_is_left_to_revoke(
    server, alice, settings
):
    with database.transaction() as db:
        row = db.get(McpServer, server)
        row.info = {"instructions": "canary"}
        seal.seal(settings.vault_keys, row, "client_secret_sealed", "secret")
    remove(alice)
    [row] = rows(McpServer)
    assert rows(McpServerTool) == [] and row.info == {} and row.client_secret_sealed
    removal.sweep(settings)
    [row] = rows(McpServer)
    assert row.client_secret_sealed is None


def test_connections_of_other_services_stay(server, alice, connect, add, sdk_server):
    add(sdk_server.url, slug="second", name="Second")
    connect()
    connect(slug="second", name="Second")
    remove(alice)
    assert [connection.slug for connection in rows(Connection)] == ["second"]
