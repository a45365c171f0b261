"""set_active_business: offered where there is a choice, kept on the grant, dropped when the service no
longer lists it.
"""

import dataclasses

import pytest
from sqlmodel import select

from app import database
from app.connectors.services import services_of
from app.errors import PermissionDenied, ProviderUnavailable
from app.oauth_server.models import Grant
from app.vault.models import Connection
from tests.conftest import both_databases
from tests.support import acme
from tests.support.catalogue import install

TOOL = "set_active_business"


@pytest.fixture
def service(monkeypatch):
    """What Acme says about itself: `service["businesses"] = 1` is how many it lists now."""
    says = {"businesses": 2, "error": None}

    def identify(api, raw):
        if says["error"]:
            raise says["error"]
        return acme.account("Main", says["businesses"])

    changed = dataclasses.replace(acme.CONNECTOR, identify=identify)
    install(changed, monkeypatch=monkeypatch)
    return says


def chosen():
    with database.reading() as db:
        return [grant.active_businesses for grant in db.exec(select(Grant)).all()]


def test_it_appears_only_where_there_is_a_choice(alice, client_of, connect, people, service):
    connect(people.alice, businesses=1)
    assert TOOL not in alice.tools()
    assert "nothing to choose" in alice.refusal(TOOL, {"business_id": "b1"})[1]
    connect(people.alice, "Several", businesses=2, visibility="personal")
    assert TOOL in alice.tools()
    assert TOOL not in client_of(people.bob).tools()
    assert "nothing to choose" in client_of(people.bob).refusal(TOOL, {"business_id": "b1"})[1]


def test_it_does_not_appear_for_a_connection_that_is_switched_off(alice, connect, people):
    connect(people.alice, businesses=2, permission="off")
    assert TOOL not in alice.tools()


@both_databases
def test_the_choice_holds_for_this_client_and_every_answer_names_it(
    alice, client_of, connect, people, service
):
    connection = connect(people.alice, businesses=2)
    assert "choose it with set_active_business" in alice.refusal("acme_get_thing", {"id": "a"})[1]
    envelope = alice.call(TOOL, {"business_id": "b2"})
    assert envelope["data"] == {
        "service": "acme",
        "account": "Main",
        "business_id": "b2",
        "name": "Business 2",
    }
    assert envelope["message"] == "Acme account: Main; business: Business 2, for this AI client from now on."
    answer = alice.call("acme_get_thing", {"id": "a"})
    assert (answer["data"]["business"], answer["message"]) == (
        "b2",
        "Thing 1. Acme account: Main; business: Business 2.",
    )
    assert "business: Business 1" in alice.call("acme_get_thing", {"id": "a", "unit_id": "b1"})["message"]
    assert {"business": "b2"}.items() <= alice.call("acme_get_thing", {"id": "a"})["data"].items()
    # another client, another choice
    assert client_of(people.alice).refusal("acme_get_thing", {"id": "a"})[0] == "INVALID_ARGUMENTS"
    assert {connection.id: "b2"} in chosen()


def test_it_takes_the_exact_name_too(alice, connect, people, service):
    connect(people.alice, businesses=2)
    assert alice.call(TOOL, {"business_id": "business 2"})["data"]["business_id"] == "b2"


def test_its_argument_goes_by_the_name_flowpos_gave_it_and_by_ours(alice, connect, people, service):
    connect(people.alice, businesses=2)
    schema = alice.tools()[TOOL]["inputSchema"]
    assert "businessId" in schema["properties"] and schema["required"] == ["businessId"]
    for name, wanted in (("businessId", "b2"), ("business_id", "b1")):
        assert alice.call(TOOL, {name: wanted})["data"]["business_id"] == wanted
    assert alice.refusal(TOOL, {"businessId": "b1", "business": "b2"})[0] == "INVALID_ARGUMENTS"


def test_a_business_that_is_nobody_of_yours_changes_nothing(alice, connect, people, service):
    connect(people.alice, businesses=2)
    alice.call(TOOL, {"business_id": "b1"})
    envelope = alice.call(TOOL, {"business_id": "b99"})
    assert envelope["error"]["code"] == "INVALID_ARGUMENTS"
    assert [row["business_id"] for row in envelope["error"]["details"]["businesses"]] == ["b1", "b2"]
    assert "business: Business 1" in alice.call("acme_get_thing", {"id": "a"})["message"]


def test_where_two_accounts_reach_it_the_account_is_asked_for(alice, connect, people, service):
    connect(people.alice, "Main", businesses=2)
    second = connect(people.alice, "Second", businesses=2)
    code, sentence = alice.refusal(TOOL, {"business_id": "b2"})
    assert (code, "`account`" in sentence) == ("AMBIGUOUS_ACCOUNT", True)
    assert (
        alice.call(TOOL, {"business_id": "b2", "service": "acme", "account": "Second"})["data"]["account"]
        == "Second"
    )
    assert alice.call("acme_get_thing", {"id": "a"})["message"].endswith(
        "Acme account: Second (one of 2; name another in `account`); business: Business 2."
    )
    assert {second.id: "b2"} in chosen()


def test_what_the_service_lists_no_longer_is_neither_chosen_nor_kept(alice, connect, people, service):
    connection = connect(people.alice, businesses=3)
    service["businesses"] = 2
    assert (
        "does not list Business 3 for this connection anymore"
        in alice.refusal(TOOL, {"business_id": "b3"})[1]
    )
    alice.call(TOOL, {"business_id": "b2"})
    service["businesses"] = 1
    assert alice.refusal(TOOL, {"business_id": "b2"})[0] == "PERMISSION_DENIED"
    assert chosen() == [{}]
    with database.reading() as db:
        assert [b["id"] for b in db.get(Connection, connection.id).businesses] == ["b1"]
    assert TOOL not in alice.tools()
    assert "business: Business 1" in alice.call("acme_get_thing", {"id": "a"})["message"]


def test_a_refusal_in_a_business_that_is_gone_says_so(alice, connect, people, service, monkeypatch):
    connect(people.alice, businesses=2)
    alice.call(TOOL, {"business_id": "b2"})
    refusing = dataclasses.replace(acme.get_thing, function=refuse)
    acme_now = services_of(None).get("acme")
    install(dataclasses.replace(acme_now, tools=(refusing,)), monkeypatch=monkeypatch)
    assert alice.refusal("acme_get_thing", {"id": "a"})[1] == "Not with this role."
    assert {"b2"} == {business for active in chosen() for business in active.values()}
    service["businesses"] = 1
    assert "does not list Business 2" in alice.refusal("acme_get_thing", {"id": "a"})[1]
    assert chosen() == [{}]


def refuse(api, id) -> acme.Thing:
    raise PermissionDenied("Not with this role.")


def test_a_service_that_is_away_does_not_hinder_the_choice(alice, connect, people, service):
    connect(people.alice, businesses=2)
    service["error"] = ProviderUnavailable("Acme is away.")
    assert alice.call(TOOL, {"business_id": "b2"})["success"]


def test_a_broken_connection_is_mended_first(alice, connect, people, service):
    connect(people.alice, businesses=2, state="reconnect_needed", last_error="Acme ended the sign-in.")
    assert alice.refusal(TOOL, {"business_id": "b2"}) == ("RECONNECT_NEEDED", "Acme ended the sign-in.")
