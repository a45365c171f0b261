"""Not connected, or broken: a way back in the chat, by what the client can do."""

import json
import re

import pytest
from sqlmodel import select

from app import database
from app.vault import links
from app.vault.models import ConnectLink

LINK = re.compile(r"http://localhost:8000/integrations/connect/(lnk_[\w-]+)")


def link_in(text: str) -> str:
    found = LINK.search(text)
    assert found, text
    return found.group(1)


def stored(link_id: str, user_id: str) -> ConnectLink:
    with database.reading() as db:
        return links.find(db, link_id, user_id)


def test_a_client_that_can_show_no_url_gets_the_link_in_words(alice, people):
    envelope = alice.call("acme_get_thing", {"id": "a"})
    assert envelope["error"]["code"] == "NOT_CONNECTED"
    assert "alice@example.com" in envelope["error"]["message"]
    link = stored(link_in(envelope["error"]["message"]), people.alice.id)
    assert (link.slug, link.wants, link.workspace_id, link.connection_id) == (
        "acme",
        "read",
        people.northwind.id,
        None,
    )
    assert envelope["error"]["details"]["connect_url"].endswith(link_in(envelope["error"]["message"]))


def test_a_modern_client_is_asked_to_open_the_url_and_the_same_call_then_works(
    alice, connect, people, url_capable
):
    alice.capabilities = url_capable
    required = alice.ask("tools/call", name="acme_create_thing", arguments={"text": "x"}).json["result"]
    question = required["inputRequests"]["connect"]
    assert required["resultType"] == "input_required"
    assert (question["method"], question["params"]["mode"]) == ("elicitation/create", "url")
    assert stored(link_in(question["params"]["url"]), people.alice.id).wants == "write"
    connect(people.alice, permission="write")
    answers = {"connect": {"action": "accept"}}
    again = alice.call(
        "acme_create_thing", {"text": "x"}, inputResponses=answers, requestState=required["requestState"]
    )
    assert again["success"]


@pytest.mark.parametrize(("action", "has_link"), [("accept", True), ("decline", False), ("cancel", False)])
def test_the_question_is_put_once_and_the_link_stays_the_same(alice, url_capable, people, action, has_link):
    alice.capabilities = url_capable
    required = alice.ask("tools/call", name="acme_get_thing", arguments={"id": "a"}).json["result"]
    first = link_in(required["inputRequests"]["connect"]["params"]["url"])
    answers = {"connect": {"action": action}}
    envelope = alice.call(
        "acme_get_thing", {"id": "a"}, inputResponses=answers, requestState=required["requestState"]
    )
    assert envelope["error"]["code"] == "NOT_CONNECTED"
    assert (first in envelope["error"]["message"]) is has_link
    with database.reading() as db:
        assert len(list(db.execute(select(ConnectLink)).scalars())) == 1


def test_the_state_is_sealed_for_this_person_and_this_call(alice, client_of, url_capable, people):
    alice.capabilities = url_capable
    required = alice.ask("tools/call", name="acme_get_thing", arguments={"id": "a"}).json["result"]
    state = required["requestState"]
    assert link_in(required["inputRequests"]["connect"]["params"]["url"]) not in state
    other_person = client_of(people.bob, capabilities=url_capable)
    for client, arguments, sent in (
        (other_person, {"id": "a"}, state),
        (alice, {"id": "b"}, state),
        (alice, {"id": "a"}, state[:-9] + ("x" if state[-9] != "x" else "y") + state[-8:]),
    ):
        refused = client.ask(
            "tools/call", name="acme_get_thing", arguments=arguments, requestState=sent, inputResponses={}
        )
        assert (refused.status_code, refused.json["error"]["code"]) == (400, -32602)
    assert not alice.call("acme_get_thing", {"id": "a"}, requestState=state)["success"]


def test_a_2025_11_25_client_gets_the_error_that_carries_the_url(alice, connect, people, url_capable):
    alice.capabilities = url_capable
    alice.initialize()
    error = alice.ask("tools/call", name="acme_get_thing", arguments={"id": "a"}).json["error"]
    (elicitation,) = error["data"]["elicitations"]
    assert error["code"] == -32042
    assert (elicitation["mode"], bool(elicitation["elicitationId"])) == ("url", True)
    assert stored(link_in(elicitation["url"]), people.alice.id).slug == "acme"
    connect(people.alice)
    assert alice.call("acme_get_thing", {"id": "a"})["success"]


def test_an_older_client_gets_words(alice, url_capable):
    alice.capabilities = url_capable
    alice.initialize("2025-06-18")
    assert link_in(alice.call("acme_get_thing", {"id": "a"})["error"]["message"])


@pytest.mark.parametrize("how", ["known before the call", "found out during the call"])
def test_a_broken_connection_is_mended_itself(alice, connect, people, how):
    state = (
        {"state": "reconnect_needed", "last_error": "Acme ended the sign-in."}
        if how == "known before the call"
        else {}
    )
    connection = connect(people.alice, **state)
    envelope = alice.call("acme_get_thing", {"id": "dead"})
    assert envelope["error"]["code"] == "RECONNECT_NEEDED"
    assert "Acme ended the sign-in." in envelope["error"]["message"]
    assert stored(link_in(json.dumps(envelope)), people.alice.id).connection_id == connection.id
    assert "acme_get_thing" in alice.tools()


def test_the_hub_tool_gives_a_link_and_names_what_is_there(alice, connect, people):
    connect(people.alice, "Main")
    envelope = alice.call("hub_connect_service", {"service": "acme"})
    assert envelope["data"]["connected_accounts"] == ["Main"]
    assert stored(link_in(envelope["data"]["connect_url"]), people.alice.id).slug == "acme"
    for service in ("nope", ""):
        assert alice.refusal("hub_connect_service", {"service": service})[0] == "INVALID_ARGUMENTS"


def test_over_the_limit_no_link_is_made(alice, people):
    with database.transaction() as db:
        db.merge(people.northwind).per_minute = 0
    for tool, arguments in (("acme_get_thing", {"id": "a"}), ("hub_connect_service", {"service": "acme"})):
        assert alice.ask("tools/call", name=tool, arguments=arguments).status_code == 429
    with database.reading() as db:
        assert list(db.execute(select(ConnectLink)).scalars()) == []
