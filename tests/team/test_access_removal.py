"""What ends when a member leaves or is removed, and what each member sees: shared connections
and their own.
"""

import re
from types import SimpleNamespace

import pytest
from sqlmodel import col, select

from app import clock, database
from app.accounts.models import User
from app.audit import AuditEntry
from app.connectors.spec import Account
from app.oauth_server import grants
from app.oauth_server.models import Grant
from app.team import members
from app.vault import revocation, store, token_endpoint
from app.vault.models import Connection, PendingRevocation
from app.vault.token_endpoint import TokenSet
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.support.ai_client import AiClient
from tests.support.mcp_client import Client
from tests.support.visitor import Visitor
from tests.team.conftest import roles

TOKENS = TokenSet(
    access_token="a", refresh_token="r", expires_in=3600, scopes=None, refresh_expires_in=None, raw={}
)


@pytest.fixture(autouse=True)
def revocations(monkeypatch):
    """The runs of revoking at the services; each happens after its commit."""
    runs = []

    def note(_settings):
        with database.reading() as db:
            runs.append(sorted(db.exec(select(PendingRevocation.slug))))

    monkeypatch.setattr(revocation, "run_soon", note)
    return runs


@pytest.fixture
def connect(people, settings):
    """`connect(people.bob, "stripe", "Bob's", "personal")`: a connection in Northwind."""

    def _connect(person, slug, name, visibility):
        with database.transaction() as db:
            connection = store.connect(
                db,
                workspace_id=people.northwind.id,
                owner_id=person.id,
                slug=slug,
                account=Account(key=name, name=name),
                tokens=TOKENS,
                scopes="",
                keys=settings.vault_keys,
            )
            connection.visibility = visibility
        return connection

    return _connect


@pytest.fixture
def client_of(app, people):
    """`client_of(people.bob)`: an AI client with a personal token of theirs in Northwind."""

    def _client(person):
        member = SimpleNamespace(user=person, workspace=people.northwind)
        with app.app_context(), database.transaction() as db:
            return Client(
                app, grants.issue_personal_token(db, member, "script", "tools:read tools:write", 3600)
            )

    return _client


def accounts_in_hub(visitor):
    """The accounts a person sees on the hub."""
    connectors = visitor.get("/integrations/status").json["connectors"]
    return {connection["account"] for connector in connectors for connection in connector["connections"]}


def owners():
    with database.reading() as db:
        return {c.account_name: c.owner_id for c in db.exec(select(Connection))}


@both_databases
def test_a_member_sees_shared_connections_and_their_own_never_anothers(
    people, dina, sign_in, connect, client_of
):
    connect(people.alice, "freshbooks", "Shared books", "shared")
    connect(people.bob, "stripe", "Bob's payments", "personal")
    connect(people.alice, "gmail", "Alice's mail", "personal")
    expected = {
        people.alice.id: ({"Shared books", "Alice's mail"}, {"freshbooks", "gmail"}),
        people.bob.id: ({"Shared books", "Bob's payments"}, {"freshbooks", "stripe"}),
        dina.id: ({"Shared books"}, {"freshbooks"}),
    }
    for person in (people.alice, people.bob, dina):
        accounts, slugs = expected[person.id]
        assert accounts_in_hub(sign_in(person)) == accounts
        client = client_of(person)
        assert {name.split("_")[0] for name in client.tools()} - {"hub", "memory"} >= slugs
        assert not {name.split("_")[0] for name in client.tools()} & (
            {"freshbooks", "gmail", "stripe"} - slugs
        )
        listed = repr(client.call("hub_list_connections"))
        assert {
            name for name in ("Shared books", "Bob's payments", "Alice's mail") if name in listed
        } == accounts


@both_databases
@pytest.mark.parametrize("how", ["removed", "left"])
def test_whoever_goes_is_out_everywhere_at_the_next_request(
    app, people, sign_in, connect, client_of, revocations, how
):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(people.bob, "freshbooks", "Bob's shared books", "shared")
    connect(people.bob, "xero", "Bob's ledger", "personal")
    connect(people.alice, "stripe", "Alice's books", "shared")
    client, ai = client_of(people.bob), AiClient(app)
    ai.register()
    tokens = ai.connect(bob)
    assert client.ask("tools/list").status_code == 200 and ai.status(tokens["access_token"]).status == 200
    if how == "removed":
        assert alice.submit(f"/team/members/{people.bob.id}/remove").status_code == 303
    else:
        assert bob.submit("/team/leave", {"workspace": people.northwind.id}).headers["Location"] == "/account"
    assert roles() == {"alice": "owner"}
    # Out of the pages, of /mcp, and of refreshing.
    assert bob.get("/integrations").headers["Location"] == "/account"
    assert bob.get("/team").headers["Location"] == "/account"
    assert client.ask("tools/list").status_code == 401
    assert ai.status(tokens["access_token"]).status == 401
    assert ai.refresh(tokens["refresh_token"]).error == "invalid_grant"
    # The personal connection is gone and is revoked at the service; the shared ones stay, with somebody who
    # answers for them.
    assert owners() == {"Bob's shared books": people.alice.id, "Alice's books": people.alice.id}
    assert revocations == [["xero"]]
    assert accounts_in_hub(alice) == {"Bob's shared books", "Alice's books"}
    with database.reading() as db:
        assert all(
            grant.revoked_at for grant in db.exec(select(Grant).where(col(Grant.user_id) == people.bob.id))
        )
        actions = {
            entry.action
            for entry in db.exec(
                select(AuditEntry).where(col(AuditEntry.workspace_id) == people.northwind.id)
            )
        }
    assert {
        f"member.{how}",
        "member.access_ended",
        "grant.revoked",
        "connection.disconnected",
        "connection.handed_over",
    } <= actions


def test_the_token_is_revoked_at_the_service_with_no_transaction_open(
    people, settings, sign_in, connect, monkeypatch
):
    revoked = []

    def revoke(connector, _where, token):
        with database.transaction():  # on SQLite this would wait for ever inside another one
            revoked.append((connector.slug, token))
        return True

    connect(people.bob, "xero", "Bob's ledger", "personal")
    sign_in(people.alice).submit(f"/team/members/{people.bob.id}/remove")
    monkeypatch.setattr(token_endpoint, "revoke", revoke)
    revocation.run_due(settings)
    assert [slug for slug, _ in revoked] == ["xero"]
    with database.reading() as db:
        assert not db.exec(select(PendingRevocation)).all()


def test_a_member_removed_elsewhere_keeps_what_is_theirs_there(people, sign_in, connect, client_of):
    with database.transaction() as db:
        db.add(
            Membership(
                workspace_id=people.contoso.id, user_id=people.bob.id, role="member", created_at=clock.now()
            )
        )
    client = client_of(people.bob)
    charlie, bob = sign_in(people.charlie), sign_in(people.bob)
    connect(people.bob, "stripe", "Bob's payments", "personal")
    bob.get("/integrations")
    assert charlie.submit(f"/team/members/{people.bob.id}/remove").status_code == 303
    assert client.ask("tools/list").status_code == 200
    assert accounts_in_hub(bob) == {"Bob's payments"}


def test_removing_asks_first(people, sign_in):
    alice = sign_in(people.alice)
    for htmx in ({}, {"HX-Request": "true"}):
        answer = alice.get(f"/team/members/{people.bob.id}/remove", headers=htmx)
        assert "Remove bob@example.com from Northwind?" in alice.page and answer.status_code == 200
        assert answer.text.startswith('<div id="team">') is bool(htmx)
    assert "bob" in roles()
    answer = alice.submit(f"/team/members/{people.bob.id}/remove", htmx=True)
    assert "bob@example.com" not in answer.text and "Removed." in answer.text
    assert alice.submit(f"/team/members/{people.bob.id}/remove").status_code == 404
    assert alice.submit(f"/team/members/{people.alice.id}/remove").status_code == 400


def test_leaving_asks_first(people, sign_in):
    bob = sign_in(people.bob)
    bob.get("/team/leave")
    assert "Leave Northwind?" in bob.page and "bob" in roles()
    for elsewhere in ({}, {"workspace": people.contoso.id}):  # another tab has switched
        assert bob.submit("/team/leave", elsewhere).status_code == 404 and "bob" in roles()
    bob.get("/team/leave")
    here = re.search(r'name="workspace" value="([^"]+)"', bob.page)[1]
    bob.follow(bob.submit("/team/leave", {"workspace": here}))
    assert "You left Northwind" in bob.page and "bob" not in roles()


def test_what_was_begun_before_the_removal_comes_to_nothing(people, settings, sign_in, connect):
    """Access to a service is being connected, or a grant is created in the last moment: neither exists when
    the person comes back.
    """
    from app.connectors.services import services_of
    from app.hub import handshake
    from app.hub.models import Handshake
    from app.workspaces.members import NotAMember

    pending = Handshake(workspace_id=people.northwind.id, user_id=people.bob.id, slug="stripe", scopes="")
    member = SimpleNamespace(user=people.bob, workspace=people.northwind, role="member")
    with database.transaction() as db:
        members.remove(db, people.northwind.id, people.bob.id, by=people.alice.id)
    with pytest.raises(NotAMember):
        handshake.store_tokens(
            settings, member, pending, services_of(None).get("stripe"), Account(key="1", name="Late"), TOKENS
        )
    assert owners() == {}


def test_a_grant_made_in_the_last_moment_does_not_come_back_to_life(app, people, sign_in, invite, client_of):
    with database.transaction() as db:
        members.remove(db, people.northwind.id, people.bob.id, by=people.alice.id)
    late = client_of(people.bob)  # its transaction was under way
    link = invite("bob@example.com")
    bob = sign_in(people.bob)
    bob.get(link)
    assert bob.submit(link).status_code == 303
    assert late.ask("tools/list").status_code == 401
    assert client_of(people.bob).ask("tools/list").status_code == 200


def test_somebody_new_is_in_with_exactly_their_rights(join, people, connect, client_of):
    connect(people.alice, "gmail", "Alice's mail", "personal")
    connect(people.alice, "freshbooks", "Shared books", "shared")
    zoe: Visitor = join("zoe@example.com")
    assert accounts_in_hub(zoe) == {"Shared books"}


@both_databases
def test_who_deletes_an_account_learns_which_workspaces_to_hand_over_first(people):
    with database.transaction() as db:
        db.add(
            Membership(
                workspace_id=people.contoso.id, user_id=people.alice.id, role="owner", created_at=clock.now()
            )
        )
    with database.reading() as db:
        assert [(s.workspace.name, s.others) for s in members.sole_ownerships(db, people.alice.id)] == [
            ("Northwind", 1)
        ]
        assert (
            members.sole_ownerships(db, people.charlie.id) == [] == members.sole_ownerships(db, people.bob.id)
        )
    with pytest.raises(members.LastOwner), database.transaction() as db:
        members.leave_all(db, people.alice.id)
    assert "alice" in roles() and "alice" in roles(people.contoso.id), "leaving is all or nothing"
    with database.transaction() as db:
        members.hand_over(db, people.northwind.id, people.bob.id, by=people.alice.id)
        members.leave_all(db, people.alice.id)
        assert members.sole_ownerships(db, people.alice.id) == []
    assert roles() == {"bob": "owner"} and roles(people.contoso.id) == {"charlie": "owner"}
    with database.reading() as db:
        assert [(s.workspace.name, s.others) for s in members.sole_ownerships(db, people.bob.id)] == [
            ("Northwind", 0)
        ]


def test_an_owner_who_is_disabled_leaves_the_other_one_the_sole_owner(people):
    with database.transaction() as db:
        db.get_one(Membership, (people.northwind.id, people.bob.id)).role = "owner"
        db.get_one(User, people.bob.id).disabled_at = clock.now()
    with database.reading() as db:
        assert [s.workspace.name for s in members.sole_ownerships(db, people.alice.id)] == ["Northwind"]
