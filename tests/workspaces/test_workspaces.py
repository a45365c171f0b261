"""Several workspaces for one person: switching, and only among their own."""

import re

import pytest
from sqlmodel import select

from app import clock, database
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.support.ai_client import AiClient, came_back


@pytest.fixture
def bob_in_both(people, sign_in):
    with database.transaction() as db:
        db.add(
            Membership(
                workspace_id=people.contoso.id, user_id=people.bob.id, role="admin", created_at=clock.now()
            )
        )
    return sign_in(people.bob)


@both_databases
def test_a_person_switches_between_their_workspaces(people, bob_in_both):
    bob_in_both.get("/account")
    assert "<dd>Northwind</dd>" in bob_in_both.page
    assert (
        bob_in_both.submit("/workspace", {"workspace": people.contoso.id}).headers["Location"]
        == "/integrations"
    )
    bob_in_both.get("/account")
    assert "<dd>Contoso</dd>" in bob_in_both.page and "<dd>Admin</dd>" in bob_in_both.page


def test_switching_while_an_ai_client_waits_comes_back_to_it(app, people, bob_in_both):
    client = AiClient(app)
    client.register()
    flow = client.allow(bob_in_both)
    bob_in_both.get(f"/integrations?flow={flow}")
    here = re.search(r'name="next" value="([^"]+)"', bob_in_both.page)[1]
    back = bob_in_both.submit("/workspace", {"workspace": people.contoso.id, "next": here})
    assert back.headers["Location"] == f"/integrations?flow={flow}"
    tokens = client.exchange(came_back(client.finish(bob_in_both, flow))["code"])
    assert client.status(tokens["access_token"]).body["workspace"]["name"] == "Contoso"


@pytest.mark.parametrize("workspace", ["wsp_contoso", "wsp_unknown", "", "\x00", "x" * 5000])
def test_another_companys_workspace_looks_like_one_that_does_not_exist(people, sign_in, workspace):
    bob = sign_in(people.bob)
    assert bob.submit("/workspace", {"workspace": workspace}).status_code == 404
    bob.get("/account")
    assert "<dd>Northwind</dd>" in bob.page and "Contoso" not in bob.page


def test_the_choice_belongs_to_one_browser(people, bob_in_both, sign_in):
    other = sign_in(people.bob)
    bob_in_both.submit("/workspace", {"workspace": people.contoso.id})
    other.get("/account")
    assert "<dd>Northwind</dd>" in other.page


def test_somebody_removed_falls_back_to_a_workspace_of_theirs(people, bob_in_both):
    bob_in_both.submit("/workspace", {"workspace": people.contoso.id})
    with database.transaction() as db:
        db.delete(db.get_one(Membership, (people.contoso.id, people.bob.id)))
    bob_in_both.get("/account")
    assert "<dd>Northwind</dd>" in bob_in_both.page


def test_somebody_without_a_workspace_creates_one(people, sign_in):
    dana = sign_in(people.dana)
    assert dana.submit("/workspaces", {"company": "  "}).status_code == 422
    for _ in range(2):
        assert dana.submit("/workspaces", {"company": "Fabrikam"}).headers["Location"] == "/integrations"
    with database.reading() as db:
        assert [
            w.name for w in db.exec(select(Workspace)) if w.id not in {"wsp_northwind", "wsp_contoso"}
        ] == ["Fabrikam"]
    dana.get("/account")
    assert "<dd>Fabrikam</dd>" in dana.page


def test_the_account_page_names_the_browsers_and_nothing_secret(people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/account")
    assert "alice@example.com" in alice.page and "This browser" in alice.page
    assert alice.client.get_cookie("session").value not in alice.page
