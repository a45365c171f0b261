"""Deleting a workspace: everybody loses access at once, everything ends at the services, only ids remain."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlmodel import select

from app import clock, database
from app.audit import AuditEntry
from app.connectors.spec import Account
from app.memory.models import Note
from app.oauth_server import grants
from app.oauth_server.models import Grant
from app.team.models import Invitation
from app.usage.models import CallRow
from app.vault import revocation
from app.vault.models import Connection, Credential, PendingRevocation
from app.vault.token_endpoint import TokenSet
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.support.mcp_client import Client

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


@pytest.fixture(autouse=True)
def _nobody_answers(no_services):
    return no_services


def rows(table):
    with database.reading() as db:
        return list(db.exec(select(table)))


@pytest.fixture
def northwind(app, people, alice, sign_in, connect):
    """The workspace with one record of each kind."""
    connect(people.northwind, people.alice, "xero", name="Xero of Northwind")
    connect(people.northwind, people.bob, "freshbooks", name="FreshBooks of Bob", visibility="personal")
    connect(people.contoso, people.charlie, "xero", name="Contoso")
    alice.submit("/memory", {"text": "The vault is in the cellar."})
    member = SimpleNamespace(user=people.bob, workspace=people.northwind)
    with app.app_context(), database.transaction() as db:
        token = grants.issue_personal_token(db, member, "bob's token", "tools:write", 3600)
    alice.get("/team")
    alice.submit("/team/invitations", {"email": "new@example.com", "role": "member"})
    return SimpleNamespace(client=Client(app, token), bob=sign_in(people.bob))


def delete(visitor, name="Northwind"):
    visitor.get("/account")
    return visitor.submit("/account/workspace/delete", {"typed_name": name})


@both_databases
def test_everything_of_the_workspace_ends_and_nothing_of_another(
    people, alice, northwind, mailbox, no_services, settings
):
    assert northwind.client.tools()
    assert delete(alice).headers["Location"] == "/account"
    assert (
        "2 connections were disconnected" in alice.get("/account").text and "in the background" in alice.page
    )
    assert northwind.bob.get("/integrations").headers["Location"] == "/account"
    assert "You're not in a workspace yet" in northwind.bob.get("/account").text
    assert northwind.client.ask("tools/list").status_code == 401
    assert [each.id for each in rows(Workspace)] == ["wsp_contoso"]
    assert (
        [each.workspace_id for each in rows(Connection)]
        == ["wsp_contoso"]
        == [each.workspace_id for each in rows(Credential)]
    )
    for table in (Grant, Invitation, Note):
        assert rows(table) == [], table
    assert [each.user_id for each in rows(Membership)] == ["usr_charlie"]
    assert "Northwind is deleted" in mailbox("bob@example.com")[0].subject
    assert {each.slug for each in rows(PendingRevocation)} == {"xero", "freshbooks"}


@both_databases
def test_revoking_goes_on_until_the_service_confirms_though_the_workspace_is_gone(
    people, alice, connect, settings, monkeypatch, no_services
):
    connect(people.northwind, people.alice, "xero", name="Main")
    # as if the process died right after the commit
    monkeypatch.setattr(revocation, "run_soon", lambda _settings: None)
    delete(alice)
    assert len(rows(PendingRevocation)) == 1 and no_services == []
    assert revocation.run_due(settings) == 0 and no_services == [("xero", "refresh of Main")]
    monkeypatch.setattr("app.vault.token_endpoint.revoke", lambda *_args: True)
    clock.shift(timedelta(hours=1))
    assert revocation.run_due(settings) == 1 and rows(PendingRevocation) == []


def test_the_trail_and_the_call_counts_stay_without_names(people, alice, northwind):
    northwind.client.call("hub_list_connections")
    calls = len(rows(CallRow))
    delete(alice)
    trail = [each for each in rows(AuditEntry) if each.workspace_id == "wsp_northwind"]
    last = next(each for each in trail if each.action == "workspace.deleted")
    assert (last.user_id, last.subject) == ("usr_alice", "wsp_northwind")
    assert (last.details["connections"], last.details["members"], last.details["grants"]) == (2, 2, 1)
    assert sum(each.action == "connection.disconnected" for each in trail) == 2
    assert len(rows(CallRow)) == calls > 0


@pytest.mark.parametrize("typed", ["", "Contoso", "northwin", "x" * 500])
def test_the_name_must_be_typed(alice, typed):
    refused = delete(alice, typed)
    assert refused.status_code == 422 and 'role="alert"' in refused.text
    assert len(rows(Workspace)) == 2
    assert delete(alice, " northwind ").status_code == 303
    assert len(rows(Workspace)) == 1


def test_an_admin_cannot_delete_it(people, sign_in):
    with database.transaction() as db:
        db.get_one(Membership, ("wsp_northwind", "usr_bob")).role = "admin"
    bob = sign_in(people.bob)
    assert "Delete workspace<" not in bob.get("/account").text
    assert delete(bob).status_code == 403
    assert len(rows(Workspace)) == 2


def test_somebody_with_another_workspace_goes_on_there(people, alice):
    with database.transaction() as db:
        db.add(
            Membership(workspace_id="wsp_contoso", user_id="usr_alice", role="member", created_at=clock.now())
        )
    delete(alice)
    assert "<dd>Contoso</dd>" in alice.get("/account").text


@both_databases
def test_of_two_clicks_one_deletes_and_the_other_finds_nothing(people, sign_in):
    visitors = [sign_in(people.alice), sign_in(people.alice)]
    answers, gate = [], threading.Barrier(2)

    def press(visitor):
        gate.wait()
        answers.append(visitor.submit("/account/workspace/delete", {"typed_name": "Northwind"}).status_code)

    threads = [threading.Thread(target=press, args=(visitor,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(303) >= 1 and all(status < 500 for status in answers)
    assert sum(each.action == "workspace.deleted" for each in rows(AuditEntry)) == 1


@both_databases
@pytest.mark.parametrize("goes", ["workspace", "member"])
def test_a_sign_in_that_comes_back_after_its_workspace_or_person_went_is_given_back(
    people, alice, sign_in, monkeypatch, goes
):
    """A service answers while somebody presses Delete or Remove: its tokens are revoked, not stored."""
    bob = sign_in(people.bob)
    bob.get("/integrations")
    state = bob.submit("/integrations/xero").headers["Location"].partition("state=")[2].partition("&")[0]

    def end():
        alice.get("/team")
        answers.append(
            (
                delete(alice) if goes == "workspace" else alice.submit("/team/members/usr_bob/remove")
            ).status_code
        )

    def exchange(*_args, **_options):
        elsewhere = threading.Thread(target=end)
        elsewhere.start()
        elsewhere.join()
        return TokenSet(
            access_token="a",
            refresh_token="late",
            expires_in=60,
            scopes=None,
            refresh_expires_in=None,
            raw={},
        )

    answers = []
    monkeypatch.setattr("app.hub.handshake.token_endpoint.exchange_code", exchange)
    monkeypatch.setattr("app.hub.handshake.access.probe", lambda *_args: Account(key="k", name="Late"))
    assert bob.get(f"/integrations/xero/callback?state={state}&code=c").status_code == 303
    assert answers == [303]
    assert rows(Connection) == [] and [each.slug for each in rows(PendingRevocation)] == ["xero"]
