"""Who may add MCP servers: the workspace's owners decide, within what the operator allows."""

import pytest
from sqlmodel import select

from app import database
from app.audit import AuditEntry
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases

ACCOUNT = {"workspace_name": "Northwind", "timezone": "UTC"}


@pytest.fixture
def admin(people, sign_in):
    """bob, whom alice made an admin."""
    with database.transaction() as db:
        db.get(Membership, (people.northwind.id, people.bob.id)).role = "admin"
    return sign_in(people.bob)


def policy():
    with database.reading() as db:
        return db.exec(select(Workspace.who_adds_servers).where(Workspace.name == "Northwind")).one()


def choose(visitor, choice):
    visitor.get("/account")
    return visitor.submit("/account/workspace", {**ACCOUNT, "who_adds_servers": choice})


@both_databases
def test_owners_and_admins_may_at_first_and_members_read_whom_to_ask(alice, admin, people, sign_in):
    for person in (alice, admin):
        assert "Add an MCP server" in person.get("/integrations").text
        assert person.get("/integrations/add").status_code == 200
    with database.transaction() as db:
        db.get(Membership, (people.northwind.id, people.bob.id)).role = "member"
    member = sign_in(people.bob)
    assert "Add an MCP server" not in member.get("/integrations").text
    answer = member.get("/integrations/add")
    assert answer.status_code == 403
    assert "Only owners and admins of this workspace can add MCP servers." in member.page
    member.get("/integrations")
    assert member.submit("/integrations/add", {"url": "https://crm.example/mcp"}).status_code == 403


@both_databases
def test_an_owner_may_keep_it_to_owners_or_forbid_it(alice, admin):
    alice.follow(choose(alice, "owners"))
    assert policy() == "owners" and 'value="owners" selected' in " ".join(alice.page.split()).replace(
        'selected value="owners"', 'value="owners" selected'
    )
    assert admin.get("/integrations/add").status_code == 403
    assert "Only owners of this workspace can add MCP servers." in admin.page
    assert alice.get("/integrations/add").status_code == 200
    choose(alice, "nobody")
    assert alice.get("/integrations/add").status_code == 403
    assert "An owner can change that on the account page." in alice.page
    assert "Add an MCP server" not in alice.get("/integrations").text
    choose(alice, "managers")
    assert admin.get("/integrations/add").status_code == 200


def test_an_admin_cannot_change_who_may(alice, admin):
    assert "Who can add MCP servers" not in admin.get("/account").text
    assert choose(admin, "nobody").status_code == 403
    assert policy() == "managers"
    admin.get("/account")
    assert admin.submit("/account/workspace", {**ACCOUNT, "timezone": "Europe/Berlin"}).status_code == 303
    assert policy() == "managers", "without the field it stays as it is"


def test_only_what_is_on_the_list_can_be_chosen(alice):
    assert choose(alice, "everybody").status_code == 422
    assert "Choose who can add MCP servers from the list." in alice.page and policy() == "managers"


def test_the_trail_says_who_changed_it(alice):
    choose(alice, "owners")
    with database.reading() as db:
        [entry] = db.exec(select(AuditEntry).where(AuditEntry.action == "workspace.changed")).all()
    assert entry.details == {"changed": ["who_adds_servers"], "policy": "Owners only"}
    assert "Owners only" in alice.get("/activity").text


class TestTheOperatorsList:
    @pytest.fixture
    def environ(self, environ, request):
        return {**environ, "MCP_SERVERS_ALLOWED_HOSTS": request.param}

    @pytest.mark.parametrize("environ", ["none"], indirect=True)
    def test_may_allow_none(self, alice):
        assert "Add an MCP server" not in alice.get("/integrations").text
        assert alice.get("/integrations/add").status_code == 403
        assert "Adding MCP servers is turned off on this installation." in alice.page

    @pytest.mark.parametrize("environ", ["crm.example.com"], indirect=True)
    def test_names_who_can_allow_another(self, alice):
        alice.get("/integrations/add")
        answer = alice.submit("/integrations/add", {"url": "https://mcp.elsewhere.example/mcp"})
        assert answer.status_code == 422
        assert "Ask its operator to add the host to MCP_SERVERS_ALLOWED_HOSTS." in alice.page
        assert 'value="https://mcp.elsewhere.example/mcp"' in alice.page, "what was typed stays"
