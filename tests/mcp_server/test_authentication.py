"""Who may call: the challenge, the audience, the step up, and rights that end at once."""

import re

import pytest

from app import clock, database
from app.oauth_server import grants
from app.oauth_server.callers import find_caller
from app.oauth_server.models import Grant
from tests.support import acme
from tests.support.mcp_client import Client

METADATA = 'resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp"'


def test_without_a_token_the_challenge_names_metadata_and_scopes_and_no_error(app, people):
    refused = Client(app, None).ask("tools/list")
    challenge = refused.headers["WWW-Authenticate"]
    assert refused.status_code == 401
    assert challenge == f'Bearer {METADATA}, scope="tools:read tools:write"'


@pytest.mark.parametrize(
    "given",
    ["Bearer pba_" + "x" * 43, "Bearer x", "Bearer", "Basic YTpi", "Bearer a, Bearer b", "Bearer \u00e9"],
)
def test_a_token_that_does_not_work_is_invalid_token(app, people, given):
    refused = Client(app, None).post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, Authorization=given)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert METADATA in refused.headers["WWW-Authenticate"]


def test_a_token_in_the_address_is_no_token(app, alice):
    refused = app.test_client().post(
        f"/mcp?access_token={alice.token}", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}
    )
    assert refused.status_code == 401


def test_the_bearer_comes_before_method_and_body(app, people):
    client = app.test_client()
    assert {
        client.get("/mcp").status_code,
        client.delete("/mcp").status_code,
        client.post("/mcp", data=b"{").status_code,
    } == {401}


def test_a_token_made_for_another_resource_is_refused(alice):
    with database.transaction() as db:
        db.get(Grant, find_caller(alice.token).grant_id).resource = "https://elsewhere.example/mcp"
    assert alice.ask("tools/list").status_code == 401


def test_a_revoked_grant_ends_at_the_next_request(alice):
    assert alice.ask("tools/list").status_code == 200
    with database.transaction() as db:
        grants.revoke(db, find_caller(alice.token).grant_id, "test")
    assert alice.ask("tools/list").status_code == 401


def test_a_member_who_left_or_was_disabled_is_out(client_of, people):
    bob = client_of(people.bob)
    assert bob.ask("tools/list").status_code == 200
    with database.transaction() as db:
        db.merge(people.bob).disabled_at = clock.now()
    assert bob.ask("tools/list").status_code == 401


def test_a_write_with_a_reading_token_asks_for_all_scopes_it_needs(client_of, connect, people):
    connect(people.alice, permission="write")
    acme.written.clear()
    reader = client_of(people.alice, "tools:read")
    refused = reader.ask("tools/call", name="acme_create_thing", arguments={"text": "x"})
    challenge = refused.headers["WWW-Authenticate"]
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="tools:read tools:write"' in challenge
    assert METADATA in challenge
    assert refused.json["id"] == 1
    assert acme.written == []
    assert client_of(people.alice).call("acme_create_thing", {"text": "x"})["success"]


def test_write_implies_read(client_of, connect, people):
    connect(people.alice)
    assert client_of(people.alice, "tools:write").call("acme_get_thing", {"id": "a"})["success"]


def test_the_challenge_follows_the_address_that_was_typed(app, people):
    refused = app.test_client().post("/mcp/", json={})
    assert refused.status_code == 401
    assert re.search(r'oauth-protected-resource/mcp/"', refused.headers["WWW-Authenticate"])
