"""What people and AI clients do through the product's endpoints is in the trail."""

import pytest
from sqlmodel import select

from app import database
from app.accounts import passwords
from app.accounts.models import User
from app.audit import AuditEntry
from app.oauth_server import grants
from app.vault import connection_settings, store
from tests.conftest import both_databases
from tests.support.mcp_client import *  # noqa: F403

PASSWORD = "violet-anchor-meadow-62"


def recorded(action):
    with database.reading() as db:
        found = db.exec(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()
    return [(entry.workspace_id, entry.user_id, entry.details) for entry in found]


@pytest.fixture
def with_password(people):
    with database.transaction() as db:
        db.get(User, people.alice.id).password_hash = passwords.hash_secret(PASSWORD)
    return people


def sign_in_as(visitor, email, password):
    visitor.get("/login")
    return visitor.submit("/login", {"email": email, "password": password})


@both_databases
def test_signing_in_and_failing_to_stand_in_the_trail_of_the_persons_workspace(with_password, visitor):
    assert sign_in_as(visitor, "alice@example.com", "wrong-password-here").status_code == 422
    assert sign_in_as(visitor, "nobody@example.com", "typed-by-mistake").status_code == 422
    assert sign_in_as(visitor, "alice@example.com", PASSWORD).status_code == 303
    how = {"how": "password", "address": "127.0.0.1"}
    assert recorded("person.sign_in_failed") == [("wsp_northwind", "usr_alice", how), (None, None, how)]
    assert recorded("person.signed_in") == [("wsp_northwind", "usr_alice", how)]
    visitor.get("/account")
    visitor.submit("/logout")
    assert recorded("person.signed_out") == [("wsp_northwind", "usr_alice", {})]


def test_a_wrong_code_stands_there_too(people, visitor):
    visitor.get("/login")
    visitor.follow(visitor.submit("/login/code", {"email": "alice@example.com"}))
    assert visitor.submit("/confirm", {"code": "000000"}).status_code == 422
    assert recorded("person.sign_in_failed") == [
        ("wsp_northwind", "usr_alice", {"how": "code", "address": "127.0.0.1"})
    ]


def test_the_life_of_a_connection(connect, people):
    connection = connect(people.alice, "Main", permission="read")
    with database.transaction() as db:
        connection_settings.set_permission(db, connection, "write", by=people.alice.id)
        connection_settings.set_label(db, connection, "Books", by=people.alice.id)
        connection_settings.set_visibility(db, connection, "personal", by=people.alice.id)
        connection_settings.set_label(db, connection, "My own", by=people.alice.id)
        store.disconnect(db, connection, by=people.alice.id)
    assert recorded("connection.connected")[0][2] == {"slug": "acme", "account": "Main"}
    assert recorded("connection.permission_changed")[-1][2] == {
        "slug": "acme",
        "account": "Main",
        "before": "read",
        "level": "write",
    }
    assert recorded("connection.renamed")[0][2] == {"slug": "acme", "account": "Main", "label": "Books"}
    assert recorded("connection.visibility_changed")[0][2] == {
        "slug": "acme",
        "account": "Books",
        "visibility": "personal",
    }
    assert recorded("connection.renamed")[1][2] == {"slug": "acme", "account": "", "label": ""}, (
        "a personal one's name is its owner's"
    )
    assert recorded("connection.disconnected")[0][2] == {"slug": "acme", "account": ""}


def test_a_token_made_and_revoked(app, people, sign_in, client_of):
    client = client_of(people.alice)
    assert client.call("hub_list_connections")["success"]
    with database.transaction() as db:
        [grant_id] = db.exec(select(AuditEntry.subject).where(AuditEntry.action == "token.created")).all()
        grants.revoke(db, grant_id, "You revoked it.")
    [(workspace_id, user_id, details)] = recorded("grant.revoked")
    assert (workspace_id, user_id, details["client"], details["reason"]) == (
        "wsp_northwind",
        "usr_alice",
        "test client",
        "You revoked it.",
    )
