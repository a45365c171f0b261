"""Who is calling, and what /status says about it."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from app import clock, database
from app.accounts.models import User
from app.errors import InvalidInput
from app.oauth_server import grants
from app.oauth_server.callers import find_caller
from app.oauth_server.models import Grant
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases


@pytest.fixture
def personal(app, people):
    """`personal(name, scopes, seconds)` makes a token for alice."""
    alice = SimpleNamespace(user=people.alice, workspace=people.northwind, role="owner")

    def make(name="laptop", scopes="tools:read", seconds=3600):
        with app.app_context(), database.transaction() as db:
            return grants.issue_personal_token(db, alice, name, scopes, seconds)

    return make


@both_databases
def test_a_token_tells_everything_about_its_bearer_in_one_query(personal, people, queries):
    token = personal(scopes="tools:write")
    queries.clear()
    caller = find_caller(token)
    assert len(queries) == 1
    assert (caller.user_id, caller.email, caller.role) == (people.alice.id, "alice@example.com", "owner")
    assert (caller.workspace_id, caller.workspace_name, caller.workspace_active) == (
        people.northwind.id,
        "Northwind",
        True,
    )
    assert (caller.kind, caller.client_id, caller.client_name) == ("personal", None, "laptop")
    assert caller.scopes == {"tools:write"}
    assert caller.audience == "http://localhost:8000/mcp"
    assert caller.expires_at > clock.now()


def test_what_cannot_be_a_token_costs_no_query(queries):
    for text in (
        "",
        "x",
        "pba_short",
        "pbr_" + "a" * 43,
        "a" * 47,
        "pba_" + "a" * 44,
        "Bearer pba_" + "a" * 36,
    ):
        assert find_caller(text) is None
    assert queries == []


def test_rights_that_end_count_from_the_next_request(personal, people):
    token = personal()
    with database.transaction() as db:
        db.get(User, people.alice.id).disabled_at = clock.now()
    assert find_caller(token) is None
    with database.transaction() as db:
        db.get(User, people.alice.id).disabled_at = None
        db.get(Membership, (people.northwind.id, people.alice.id)).role = "member"
    assert find_caller(token).role == "member"
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).deactivated_at = clock.now()
    assert find_caller(token).workspace_active is False
    with database.transaction() as db:
        db.delete(db.get(Membership, (people.northwind.id, people.alice.id)))
    assert find_caller(token) is None


def test_a_token_dies_on_time_and_when_revoked(personal):
    short, other = personal(seconds=60), personal()
    clock.shift(timedelta(seconds=61))
    assert find_caller(short) is None
    caller = find_caller(other)
    with database.transaction() as db:
        assert grants.revoke(db, caller.grant_id, "Test.") is True
        assert grants.revoke(db, caller.grant_id, "Test.") is False
    assert find_caller(other) is None


@pytest.mark.parametrize(
    ("name", "scopes", "seconds"),
    [
        ("", "tools:read", 60),
        ("x" * 81, "tools:read", 60),
        ("a", "", 60),
        ("a", "x", 60),
        ("a", "tools:read", 1),
        ("a", "tools:read", 10**9),
    ],
)
def test_a_personal_token_needs_a_name_a_scope_and_an_end(personal, name, scopes, seconds):
    with pytest.raises(InvalidInput):
        personal(name, scopes, seconds)


def test_use_is_noted_once_a_minute(personal):
    caller = find_caller(personal())

    def last_used():
        with database.reading() as db:
            return db.get(Grant, caller.grant_id).last_used_at

    grants.last_use.note(caller.grant_id)
    first = last_used()
    assert first is not None
    grants.last_use.note(caller.grant_id)
    assert last_used() == first


def test_the_active_business_is_kept_on_the_grant(personal):
    token = personal()
    with database.transaction() as db:
        grants.set_active_business(db, find_caller(token).grant_id, "con_1", "biz_2")
    assert find_caller(token).active_businesses == {"con_1": "biz_2"}


def test_status_says_who_am_i(app, personal, visitor):
    response = visitor.get("/status", headers={"Authorization": f"Bearer {personal()}"})
    assert response.status_code == 200
    assert response.json["user"] == {"id": "usr_alice", "email": "alice@example.com", "role": "owner"}
    assert response.json["workspace"]["name"] == "Northwind"
    assert response.json["scopes"] == ["tools:read"]
    assert response.json["connections"] == []
    assert response.headers["Cache-Control"] == "no-store"


def test_status_takes_the_token_from_the_header_only(personal, visitor):
    token = personal()
    for response in (
        visitor.get("/status"),
        visitor.get(f"/status?access_token={token}"),
        visitor.get("/status", headers={"Cookie": f"token={token}"}),
    ):
        assert response.status_code == 401
        assert (
            response.headers["WWW-Authenticate"]
            == 'Bearer resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp"'
        )
    wrong = visitor.get("/status", headers={"Authorization": "Bearer wrong"})
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
