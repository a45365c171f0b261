"""Deleting one's account."""

import threading
from types import SimpleNamespace

import pytest
from sqlmodel import select
from sqlmodel import text as sql

from app import clock, database
from app.accounts.models import LoginSession, MailedCode, User
from app.audit import AuditEntry
from app.memory.models import Note
from app.oauth_server import grants
from app.oauth_server.models import Grant
from app.team.models import Invitation
from app.vault.models import Connection, PendingRevocation
from app.workspaces.models import Membership, Workspace
from tests.accounts.steps import is_signed_in
from tests.conftest import both_databases
from tests.support.mcp_client import Client

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


@pytest.fixture(autouse=True)
def _nobody_answers(no_services):
    return no_services


def rows(table):
    with database.reading() as db:
        return list(db.exec(select(table)))


def delete(visitor, email):
    visitor.get("/account")
    return visitor.submit("/account/delete", {"typed_email": email})


@both_databases
def test_a_member_goes_with_everything_that_is_theirs_alone(app, people, sign_in, connect, mailbox):
    shared = connect(people.northwind, people.bob, "xero", name="Shared")
    connect(people.northwind, people.bob, "freshbooks", name="Own", visibility="personal")
    bob, elsewhere = sign_in(people.bob), sign_in(people.bob)
    bob.submit("/memory", {"text": "Mine"})
    bob.submit("/login/code", {"email": "bob@example.com"})
    member = SimpleNamespace(user=people.bob, workspace=people.northwind)
    with app.app_context(), database.transaction() as db:
        client = Client(app, grants.issue_personal_token(db, member, "bob's", "tools:write", 3600))
    assert client.tools()
    answer = delete(bob, "bob@example.com")
    assert answer.headers["Location"] == "/account/deleted"
    assert "Your account is deleted" in bob.follow(answer).text
    assert not is_signed_in(bob) and not is_signed_in(elsewhere)
    assert client.ask("tools/list").status_code == 401
    assert "usr_bob" not in {each.id for each in rows(User)} and {each.id for each in rows(Workspace)} == {
        "wsp_northwind",
        "wsp_contoso",
    }
    assert [(each.id, each.owner_id) for each in rows(Connection)] == [(shared.id, "usr_alice")]
    assert [each.slug for each in rows(PendingRevocation)] == ["freshbooks"]
    for table in (Note, Grant, MailedCode):
        assert rows(table) == [], table
    assert {each.user_id for each in rows(LoginSession)} == set()
    assert "is deleted" in mailbox("bob@example.com")[0].subject


@both_databases
def test_the_trail_keeps_ids_and_no_address(people, sign_in, connect):
    bob, at = sign_in(people.bob), clock.now()
    with database.transaction() as db:  # how he once joined
        moments = {"created_at": at, "sent_at": at, "expires_at": at, "accepted_at": at}
        invited = {
            "workspace_id": "wsp_northwind",
            "email": "bob@example.com",
            "role": "member",
            "accepted_by": "usr_bob",
        }
        db.add(Invitation(id="inv_1", token_digest="d", **invited, **moments))
    connect(people.northwind, people.bob, "freshbooks", visibility="personal")
    delete(bob, "bob@example.com")
    trail = rows(AuditEntry)
    assert [(each.user_id, each.subject) for each in trail if each.action == "person.deleted"] == [
        ("usr_bob", "usr_bob")
    ]
    assert any(each.user_id == "usr_bob" and each.action == "connection.disconnected" for each in trail)
    with database.reading() as db:
        tables = [name for (name,) in db.execute(sql(_TABLES[db.get_bind().dialect.name]))]
        left = {
            name
            for name in tables
            if any("bob@example.com" in str(row) for row in db.execute(sql(f'SELECT * FROM "{name}"')))
        }
    assert left == set(), "the address stays in these tables"


_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_fts%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


def test_somebody_alone_in_a_workspace_takes_it_along(people, sign_in, connect):
    connect(people.contoso, people.charlie, "xero")
    charlie = sign_in(people.charlie)
    assert delete(charlie, "Charlie@Example.com").headers["Location"] == "/account/deleted"
    assert [each.id for each in rows(Workspace)] == ["wsp_northwind"]
    assert rows(Connection) == [] and [each.slug for each in rows(PendingRevocation)] == ["xero"]


def test_the_only_owner_of_a_team_hands_over_first(people, alice, sign_in):
    page = alice.get("/account").text
    assert "You're the only owner of <b>Northwind</b>" in page and "Delete account<" not in page
    refused = delete(alice, "alice@example.com")
    assert refused.status_code == 409 and rows(Workspace)
    assert {each.id for each in rows(User)} >= {"usr_alice"}
    alice.submit("/team/members/usr_bob/hand-over")
    assert delete(alice, "alice@example.com").headers["Location"] == "/account/deleted"
    assert [
        (each.user_id, each.role) for each in rows(Membership) if each.workspace_id == "wsp_northwind"
    ] == [("usr_bob", "owner")]


def test_the_last_operator_stays(people, sign_in):
    dana = sign_in(people.dana)
    refused = delete(dana, "dana@example.com")
    assert refused.status_code == 409 and "last operator" in refused.text and is_signed_in(dana)
    with database.transaction() as db:
        db.get_one(User, "usr_charlie").is_operator = True
    assert delete(dana, "dana@example.com").headers["Location"] == "/account/deleted"


@pytest.mark.parametrize("typed", ["", "alice@example.com", "bob", "bob@example.com " * 30])
def test_the_address_must_be_typed(people, sign_in, typed):
    bob = sign_in(people.bob)
    refused = delete(bob, typed)
    assert refused.status_code == 422 and 'id="typed_email-note"' in refused.text and is_signed_in(bob)
    assert delete(bob, "bob@example.com").status_code == 303


def test_the_same_address_can_register_again_as_somebody_new(app, people, sign_in, visitor, mailbox):
    delete(sign_in(people.bob), "bob@example.com")
    visitor.get("/register")
    visitor.follow(
        visitor.submit(
            "/register", {"company": "Bobs", "email": "bob@example.com", "password": "lantern orbit walrus"}
        )
    )
    digits = mailbox("bob@example.com")[0].text.split("code is ")[1][:6]
    assert visitor.submit("/confirm", {"code": digits}).headers["Location"] == "/integrations"
    assert "<dd>Bobs</dd>" in visitor.get("/account").text and "Northwind" not in visitor.page


@both_databases
def test_of_two_owners_who_go_at_once_one_stays(people, sign_in):
    with database.transaction() as db:
        db.get_one(Membership, ("wsp_northwind", "usr_bob")).role = "owner"
        db.add(User(id="usr_eve", email="eve@example.com", created_at=clock.now()))
        db.flush()
        db.add(
            Membership(workspace_id="wsp_northwind", user_id="usr_eve", role="member", created_at=clock.now())
        )
    visitors = {"alice@example.com": sign_in(people.alice), "bob@example.com": sign_in(people.bob)}
    answers, gate = [], threading.Barrier(2)

    def press(email, visitor):
        gate.wait()
        answers.append(visitor.submit("/account/delete", {"typed_email": email}).status_code)

    threads = [threading.Thread(target=press, args=each) for each in visitors.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409]
    roles = {each.user_id: each.role for each in rows(Membership) if each.workspace_id == "wsp_northwind"}
    assert sorted(roles.values()) == ["member", "owner"]


def test_every_table_says_what_happens_when_its_person_or_workspace_goes(app):
    from sqlmodel import SQLModel

    silent = [
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name in {"users", "workspaces"} and key.ondelete not in {"CASCADE", "SET NULL"}
    ]
    assert silent == [], (
        'Give the foreign key ondelete="CASCADE" (it is theirs) or "SET NULL" (it outlives them)'
    )
