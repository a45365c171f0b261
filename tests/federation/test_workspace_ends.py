"""A workspace is deleted: its MCP servers hear that their tokens are revoked, however long that takes."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.audit import AuditEntry
from app.federation import removal, source
from app.federation.models import EndedServer, McpServer
from app.vault import revocation, rewrap
from app.vault.models import PendingRevocation
from tests.conftest import both_databases
from tests.support.scripted_http import Written


@pytest.fixture(autouse=True)
def no_thread_of_its_own(monkeypatch):
    """As if the process died right after the commit."""
    monkeypatch.setattr(revocation, "run_soon", lambda settings: None)


def rows(model):
    with database.reading() as db:
        return list(db.exec(select(model)).all())


def delete(visitor):
    visitor.get("/account", base_url="http://localhost:8000")
    return visitor.submit(
        "/account/workspace/delete", {"typed_name": "Northwind"}, base_url="http://localhost:8000"
    )


def another_process_tries(settings):
    source.SOURCE.forget()  # it has never heard of that workspace
    return revocation.run_due(settings)


@both_databases
def test_another_process_revokes_the_tokens_after_the_workspace_is_gone(walk, oauth_site, settings):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    oauth_site.server.script["POST", "/revoke"] = Written(503)
    delete(walk.person)
    assert rows(McpServer) == [] and len(rows(PendingRevocation)) == 1
    assert another_process_tries(settings) == 0 and len(rows(PendingRevocation)) == 1

    oauth_site.server.script["POST", "/revoke"] = Written(200, {})
    clock.shift(timedelta(hours=1))
    assert another_process_tries(settings) == 1 and rows(PendingRevocation) == []
    last = oauth_site.server.at("/revoke")[-1].form
    assert last["token"] == "canary-refresh-token"
    assert (last["client_id"], last["client_secret"]) == ("client-1", "canary-client-secret")
    assert rows(AuditEntry)[-1].action == "connection.revoked"


@both_databases
def test_what_is_kept_for_that_is_deleted_once_it_is_done(walk, oauth_site, settings):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    oauth_site.server.script["POST", "/revoke"] = Written(503)
    delete(walk.person)
    another_process_tries(settings)
    clock.shift(timedelta(days=1))
    removal.sweep(settings)
    assert [each.slug for each in rows(EndedServer)] == ["site"], "its token is not revoked yet"

    oauth_site.server.script["POST", "/revoke"] = Written(200, {})
    another_process_tries(settings)
    removal.sweep(settings)
    assert rows(EndedServer) == []


def test_its_client_secret_is_sealed_anew_with_the_vault_keys(walk, oauth_site, settings):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    delete(walk.person)
    [stored] = rows(EndedServer)
    assert "canary" not in str(stored.model_dump())
    tally = next(t for t in rewrap.check(settings.vault_keys) if t.name.startswith("ended_mcp_servers."))
    assert tally.by_key.total() == 1 and not tally.shut


def test_nothing_is_kept_of_a_server_that_nobody_signs_in_at(add, sdk_server, alice):
    add(sdk_server.url)
    delete(alice)
    assert rows(McpServer) == rows(EndedServer) == []
