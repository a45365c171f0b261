"""A write on a connection that asks first: in the chat where the client can, else by a link, and done
once.
"""

import json
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlmodel import select

from app import clock, database
from app.accounts.models import User
from app.approvals import models
from app.approvals.carrying_out import NotCarriedOut
from app.audit import AuditEntry
from app.errors import ObjectNotFound, ProviderUnavailable
from app.mcp_server.calls import approval_question
from app.oauth_server import grants
from app.oauth_server.callers import find_caller
from app.usage.models import CallRow
from app.vault import connection_settings
from app.vault.models import Connection, ConnectLink
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.mcp_server.test_compact import CompactClient
from tests.support import acme
from tests.support.approvals import request_in, stored, trail
from tests.support.mcp_client import Client, allowed_by_consent

pytestmark = pytest.mark.usefixtures("patient_database")

FORMS = {"elicitation": {"form": {}}}
NAME, ARGUMENTS = "acme_create_thing", {"text": "two chairs"}


@pytest.fixture
def client_of(oauth_client_of):
    """AI clients that people allowed on the consent page."""
    return oauth_client_of


def decide(visitor, approval_id: str, deed: str = "approve"):
    visitor.get("/approvals")
    answer = visitor.submit(f"/approvals/{approval_id}/{deed}")
    assert answer.status_code == 303, answer.text
    return visitor.follow(answer)


def put(client, **capabilities):
    """The first round of a modern call: the question, and the state that belongs to it."""
    client.capabilities = capabilities or FORMS
    required = client.ask("tools/call", name=NAME, arguments=ARGUMENTS).json["result"]
    assert required["resultType"] == "input_required", required
    return required["inputRequests"]["approve"]["params"], required["requestState"]


def answer(client, state: str, action: str):
    return client.call(
        NAME, ARGUMENTS, inputResponses={"approve": {"action": action, "content": {}}}, requestState=state
    )


def work_in(client, connection, business_id: str) -> None:
    with database.transaction() as db:
        grants.set_active_business(db, find_caller(client.token).grant_id, connection.id, business_id)


def calls() -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(CallRow.outcome).order_by(CallRow.id)))


# --- by a link ----------------------------------------------------------------------------------


@both_databases
def test_a_client_that_cannot_ask_gets_a_link_and_after_the_yes_the_result_once(
    alice, people, sign_in, asking, written
):
    assert NAME in alice.tools()
    first = request_in(alice.call(NAME, ARGUMENTS))
    assert request_in(alice.call(NAME, dict(reversed(ARGUMENTS.items())))) == first
    assert written == []
    decide(sign_in(people.alice), first)
    assert written == ["two chairs"]
    done = alice.call(NAME, ARGUMENTS)
    assert done["data"]["text"] == "two chairs"
    assert done["message"].startswith("Approved by Alice at ") and "Acme account: Main" in done["message"]
    second = request_in(alice.call(NAME, ARGUMENTS))
    assert second != first and written == ["two chairs"]
    assert calls() == ["APPROVAL_NEEDED", "APPROVAL_NEEDED", "ok", "ok", "APPROVAL_NEEDED"]
    assert trail() == [
        "approval.requested",
        "approval.approved",
        "approval.carried_out",
        "approval.requested",
    ]


def test_a_no_is_told_once(alice, people, sign_in, asking, written):
    first = request_in(alice.call(NAME, ARGUMENTS))
    decide(sign_in(people.alice), first, "reject")
    code, sentence = alice.refusal(NAME, ARGUMENTS)
    assert (code, sentence.startswith("Rejected by Alice at ")) == ("PERMISSION_DENIED", True)
    assert request_in(alice.call(NAME, ARGUMENTS)) != first
    assert written == []


def test_reading_needs_no_yes(alice, asking):
    assert alice.call("acme_get_thing", {"id": "a"})["success"]
    assert stored() == []


@pytest.mark.parametrize(
    "arguments", [{}, {"text": True}, {"text": "x", "more": 1}, {"text": "x", "account": "Nobody"}]
)
def test_what_is_wrong_with_a_call_is_said_before_anybody_is_asked(alice, asking, arguments):
    assert alice.refusal(NAME, arguments)[0] == "INVALID_ARGUMENTS"
    assert stored() == []


def test_which_account_is_asked_before_anybody_is(alice, people, connect, asking, sign_in, written):
    connect(people.alice, "Other", permission="write")
    assert alice.refusal(NAME, ARGUMENTS)[0] == "AMBIGUOUS_ACCOUNT"
    first = request_in(alice.call(NAME, {**ARGUMENTS, "account": "Main"}))
    assert request_in(alice.call(NAME, {**ARGUMENTS, "account": asking.id})) == first
    assert alice.call(NAME, {"text": "at once", "account": "Other"})["success"]
    with database.transaction() as db:
        db.get(Connection, asking.id).label = "Renamed"
    decide(sign_in(people.alice), first)
    assert written == ["at once", "two chairs"]
    assert "Acme account: Renamed" in alice.call(NAME, {**ARGUMENTS, "account": "Renamed"})["message"]


def test_the_business_shown_is_the_one_worked_in(alice, people, connect, sign_in, written):
    connection = connect(people.alice, "Main", businesses=2, permission="ask")
    work_in(alice, connection, "b2")
    first = request_in(alice.call(NAME, ARGUMENTS))
    work_in(alice, connection, "b1")
    assert request_in(alice.call(NAME, ARGUMENTS)) != first
    visitor = sign_in(people.alice)
    visitor.get(f"/approvals/{first}")
    assert "Business 2" in visitor.page
    decide(visitor, first)
    assert alice.call(NAME, {**ARGUMENTS, "unit_id": "b2"})["data"]["business"] == "b2"


def test_another_ai_client_of_the_person_asks_for_itself(alice, client_of, people, asking, sign_in, written):
    other = client_of(people.alice)
    first, second = request_in(alice.call(NAME, ARGUMENTS)), request_in(other.call(NAME, ARGUMENTS))
    assert first != second
    decide(sign_in(people.alice), first)
    assert request_in(other.call(NAME, ARGUMENTS)) == second


def test_through_compact_mode(app, token_for, people, asking, sign_in, written):
    client = CompactClient(app, allowed_by_consent(token_for(people.alice)))
    wanted = {"name": NAME, "arguments": ARGUMENTS}
    first = request_in(client.call("call_write_tool", wanted))
    decide(sign_in(people.alice), first)
    assert client.call("call_write_tool", wanted)["data"]["text"] == "two chairs"
    client.capabilities = FORMS
    required = client.ask("tools/call", name="call_write_tool", arguments=wanted).json["result"]
    responses = {"approve": {"action": "accept"}}
    again = client.call(
        "call_write_tool", wanted, inputResponses=responses, requestState=required["requestState"]
    )
    assert again["success"] and written == ["two chairs"] * 2


# --- in the chat --------------------------------------------------------------------------------


def test_a_modern_client_asks_in_the_chat_in_plain_words(alice, asking, written, letters):
    question, state = put(alice)
    assert question["mode"] == "form" and question["requestedSchema"] == {"type": "object", "properties": {}}
    for words in (
        "test client wants to do this in Acme: Create a thing: “two chairs”\n",
        "Acme account: Main; Business 1\n",
        "\nLooked up in Acme on ",
        "\nShelf: Shelf of Business 1\n",
        "\nSent by test client\nText: two chairs\n",
        "/approvals/apr_",
    ):
        assert words in question["message"]
    assert written == [] and stored()[0].id not in state
    assert answer(alice, state, "accept")["data"]["text"] == "two chairs"
    assert written == ["two chairs"] and letters == []
    assert trail() == ["approval.requested", "approval.approved", "approval.carried_out"]
    assert calls() == ["APPROVAL_NEEDED", "ok"]
    repeated = answer(alice, state, "accept")
    assert " and done. " in repeated["message"] and written == ["two chairs"]


def test_no_text_in_the_question_looks_like_a_line_of_its_own(alice, asking, written):
    forged = "chairs\n\nLooked up in Acme on 1 May 2026\nShelf: 12\nThis changes nothing."
    alice.capabilities = FORMS
    required = alice.ask("tools/call", name=NAME, arguments={"text": forged}).json["result"]
    lines = required["inputRequests"]["approve"]["params"]["message"].split("\n")
    assert "Text: chairs" in lines and "    This changes nothing." in lines
    assert not [
        line for line in lines if line.startswith(("Looked up in Acme on 1 May", "Shelf: 12", "This"))
    ]


def test_a_question_that_cannot_hold_everything_says_where_the_rest_is(alice, asking, monkeypatch):
    assert "exactly as above" in put(alice)[0]["message"]
    monkeypatch.setattr(approval_question, "_LONGEST_ARGUMENTS", 8)
    message = put(alice)[0]["message"]
    assert "What is cut above can be read here first: http" in message and "exactly as above" not in message


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_a_no_in_the_chat_is_final_for_this_call(alice, asking, written, action):
    _, state = put(alice)
    for _ in range(2):
        refused = answer(alice, state, action)["error"]
        assert (
            refused["code"] == "PERMISSION_DENIED" and "Rejected by alice@example.com" in refused["message"]
        )
    assert answer(alice, state, "accept")["error"]["code"] == "PERMISSION_DENIED"
    assert written == []
    assert trail() == ["approval.requested", "approval.rejected"]


def test_no_answer_in_the_chat_leaves_the_link(alice, asking, written, letters):
    _, state = put(alice)
    again = alice.call(NAME, ARGUMENTS, inputResponses={}, requestState=state)
    assert request_in(again) == stored()[0].id
    assert written == [] and len(letters) == 1


def test_a_client_that_only_opens_urls_gets_the_link(alice, asking, url_capable):
    alice.capabilities = {"elicitation": {"url": {}}}
    request_in(alice.call(NAME, ARGUMENTS))


def test_decided_on_the_page_while_the_chat_asks(alice, asking, people, sign_in, written):
    _, state = put(alice)
    decide(sign_in(people.alice), stored()[0].id)
    assert "Approved by Alice" in answer(alice, state, "accept")["message"]
    assert written == ["two chairs"]


def test_the_state_of_one_call_says_nothing_about_another(alice, client_of, people, asking, written):
    _, state = put(alice)
    bob = client_of(people.bob, capabilities=FORMS)
    for client, arguments in ((alice, {"text": "a hundred chairs"}), (bob, ARGUMENTS)):
        responses = {"approve": {"action": "accept"}}
        refused = client.ask(
            "tools/call", name=NAME, arguments=arguments, inputResponses=responses, requestState=state
        )
        assert refused.status_code == 400
    assert written == []
    assert answer(alice, state, "accept")["success"]


def test_a_no_counts_although_the_level_was_raised_meanwhile(alice, asking, written):
    _, state = put(alice)
    set_level(asking, "write")
    assert answer(alice, state, "decline")["error"]["code"] == "PERMISSION_DENIED"
    assert written == []


def test_mending_a_connection_from_the_chat_keeps_its_level(alice, asking, people):
    with database.transaction() as db:
        db.get(Connection, asking.id).state = "reconnect_needed"
    assert alice.refusal(NAME, ARGUMENTS)[0] == "RECONNECT_NEEDED"
    with database.reading() as db:
        assert db.scalars(select(ConnectLink.wants)).one() == "ask"


def test_first_the_connection_is_mended_then_the_write_is_asked_for(alice, asking, url_capable, written):
    with database.transaction() as db:
        db.get(Connection, asking.id).state = "reconnect_needed"
    alice.capabilities = url_capable
    required = alice.ask("tools/call", name=NAME, arguments=ARGUMENTS).json["result"]
    with database.transaction() as db:
        db.get(Connection, asking.id).state = "connected"
    responses = {"connect": {"action": "accept"}}
    required = alice.ask(
        "tools/call",
        name=NAME,
        arguments=ARGUMENTS,
        inputResponses=responses,
        requestState=required["requestState"],
    )
    state = required.json["result"]["requestState"]
    assert answer(alice, state, "accept")["success"] and written == ["two chairs"]


class Conversation:
    """A handshake-era call whose client is asked over its own stream."""

    def __init__(self, client, version: str) -> None:
        client.capabilities = {"elicitation": {}}
        client.initialize(version)
        self._client = client
        streamed = client.ask("tools/call", name=NAME, arguments=ARGUMENTS)
        assert streamed.mimetype == "text/event-stream", streamed.text
        self._frames = (
            json.loads(frame.partition(b"data: ")[2])
            for frame in streamed.iter_encoded()
            if b"data: " in frame
        )
        self.question = next(self._frames)

    def reply(self, **body):
        """The envelope of the call, after the client replied."""
        sent = {"jsonrpc": "2.0", "id": self.question["id"], **body}
        assert self._client.post(sent, Mcp_Session_Id=self._client.session).status_code == 202
        return next(self._frames)["result"]["structuredContent"]


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18"])
@pytest.mark.parametrize(
    ("action", "code"), [("accept", None), ("decline", "PERMISSION_DENIED"), ("cancel", "PERMISSION_DENIED")]
)
def test_a_handshake_client_is_asked_over_the_stream(alice, asking, written, version, action, code):
    talk = Conversation(alice, version)
    assert (
        talk.question["method"] == "elicitation/create"
        and "Text: two chairs" in talk.question["params"]["message"]
    )
    envelope = talk.reply(result={"action": action, **({"content": {}} if action == "accept" else {})})
    assert envelope.get("error", {}).get("code") == code
    assert written == (["two chairs"] if action == "accept" else [])


def test_a_handshake_client_that_fails_to_ask_gets_the_link(alice, asking, written):
    envelope = Conversation(alice, "2025-11-25").reply(error={"code": -32603, "message": "no window"})
    assert request_in(envelope) == stored()[0].id and written == []


def test_a_client_older_than_forms_gets_the_link(alice, asking):
    alice.capabilities = {"elicitation": {}}
    alice.initialize("2025-03-26")
    request_in(alice.call(NAME, ARGUMENTS))


# --- looked up first -----------------------------------------------------------------------------


@pytest.fixture
def previews():
    """The texts that were looked up before anybody was asked."""
    acme.previews.clear()
    return acme.previews


@both_databases
def test_the_service_is_read_once_per_request(alice, people, sign_in, asking, written, previews):
    first = request_in(alice.call(NAME, ARGUMENTS))
    for _ in range(3):
        request_in(alice.call(NAME, ARGUMENTS))
    decide(sign_in(people.alice), first)
    assert alice.call(NAME, ARGUMENTS)["success"]
    assert previews == written == ["two chairs"]
    request_in(alice.call(NAME, ARGUMENTS))  # a new request
    assert previews == ["two chairs"] * 2


def test_the_look_up_is_on_the_usage_row(alice, asking):
    alice.call(NAME, ARGUMENTS)
    alice.call(NAME, ARGUMENTS)
    with database.reading() as db:
        rows = db.execute(select(CallRow.outcome, CallRow.upstream_endpoint).order_by(CallRow.id)).all()
    assert rows == [("APPROVAL_NEEDED", "GET /things"), ("APPROVAL_NEEDED", "")]


def test_nobody_is_asked_for_what_cannot_work(alice, asking, written, letters):
    for client in (alice, _with_forms(alice)):
        refused = client.refusal(NAME, {"text": "a thing that exists"})
        assert refused == ("NOT_FOUND", "Acme has no room for that thing.")
    assert (stored(), letters, written, trail()) == ([], [], [], [])
    assert calls() == ["NOT_FOUND"] * 2


def test_a_look_up_that_finds_the_access_ended_leads_to_reconnecting(alice, asking, url_capable):
    envelope = alice.call(NAME, {"text": "after the access ended"})
    assert envelope["error"]["code"] == "RECONNECT_NEEDED" and "/connect/" in envelope["error"]["message"]
    alice.capabilities = url_capable
    required = alice.ask("tools/call", name=NAME, arguments={"text": "after the access ended"}).json["result"]
    assert required["inputRequests"]["connect"]["params"]["mode"] == "url" and stored() == []


def test_a_client_without_forms_gets_the_headline_beside_the_link(alice, asking):
    error = alice.call(NAME, ARGUMENTS)["error"]
    assert error["details"]["headline"] == "Create a thing: “two chairs”"
    assert "two chairs" not in error["message"]


# --- looked up again, when it is approved later --------------------------------------------------


def test_what_is_still_so_an_hour_later_is_looked_up_again_and_done(
    alice, people, sign_in, asking, written, previews
):
    first = request_in(alice.call(NAME, ARGUMENTS))
    clock.shift(timedelta(hours=1))
    decide(sign_in(people.alice), first)
    assert previews == ["two chairs"] * 2 and written == ["two chairs"]


@both_databases
def test_what_has_changed_meanwhile_is_not_done_but_judged_again(
    alice, people, sign_in, asking, written, previews, monkeypatch
):
    first = request_in(alice.call(NAME, ARGUMENTS))
    clock.shift(timedelta(hours=1))
    monkeypatch.setattr(acme, "shelf", "Basement")
    visitor = sign_in(people.alice)
    page = decide(visitor, first)
    sentence = "Shelf has changed at Acme since approval was requested. Nothing was done."
    assert written == [] and sentence in page.text
    assert "Basement of Business 1" in page.text and "(was Shelf of Business 1)" in page.text
    assert trail() == ["approval.requested", "approval.approved", "approval.not_carried_out"]
    decide(visitor, first)
    assert written == ["two chairs"] and len(previews) == 2, "the new details are fresh"


def test_what_can_no_longer_work_ends_with_the_tools_own_sentence(
    alice, people, sign_in, asking, written, monkeypatch
):
    first = request_in(alice.call(NAME, ARGUMENTS))
    clock.shift(timedelta(hours=1))
    monkeypatch.setattr(acme, "trouble", ObjectNotFound("Acme has no room left."))
    decide(sign_in(people.alice), first)
    error = alice.call(NAME, ARGUMENTS)["error"]
    assert (error["code"], written) == ("NOT_FOUND", [])
    assert error["message"].endswith("but it failed. Acme has no room left.")


def test_nothing_is_done_unseen_while_the_service_is_away(
    alice, people, sign_in, asking, written, monkeypatch
):
    first = request_in(alice.call(NAME, ARGUMENTS))
    clock.shift(timedelta(hours=1))
    visitor = sign_in(people.alice)
    monkeypatch.setattr(acme, "trouble", ProviderUnavailable("Acme is having trouble right now."))
    assert "Acme is having trouble right now." in decide(visitor, first).text
    assert (written, stored()[0].state) == ([], models.WAITING)
    monkeypatch.setattr(acme, "trouble", None)
    decide(visitor, first)
    assert written == ["two chairs"]


def test_a_late_answer_in_the_chat_leads_to_a_new_question(alice, asking, written, monkeypatch):
    _, state = put(alice)
    clock.shift(timedelta(minutes=30))
    monkeypatch.setattr(acme, "shelf", "Basement")
    error = answer(alice, state, "accept")["error"]
    assert error["code"] == "APPROVAL_NEEDED" and written == []
    assert "Make the same call again: it asks with the new details." in error["message"]
    assert "Basement" not in error["message"], "what others wrote stays out of it"
    question, state = put(alice)
    assert "\nShelf: Basement of Business 1\n" in question["message"]
    assert answer(alice, state, "accept")["success"] and written == ["two chairs"]


def _with_forms(client):
    client.capabilities = FORMS
    return client


# --- on the page only ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["personal", "api_key", "identity"])
def test_whoever_holds_a_token_cannot_answer_for_the_person(
    app, token_for, people, asking, sign_in, written, kind
):
    client = Client(app, token_for(people.alice), FORMS)
    with database.transaction() as db:
        db.get(grants.Grant, find_caller(client.token).grant_id).kind = kind
        db.get(User, people.alice.id).is_operator = kind == "api_key"
    first = request_in(client.call(NAME, ARGUMENTS))
    decide(sign_in(people.alice), first)
    assert client.call(NAME, ARGUMENTS)["success"] and written == ["two chairs"]


def test_a_connection_can_be_approved_on_the_page_only(alice, asking, people, sign_in, written):
    _, state = put(alice)
    with database.transaction() as db:
        connection_settings.set_approve_on_page(db, asking, True, by=people.alice.id)
    # also what was put to the chat before
    first = request_in(answer(alice, state, "accept"))
    assert request_in(alice.call(NAME, ARGUMENTS)) == first and written == []
    decide(sign_in(people.alice), first)
    assert written == ["two chairs"]
    with database.transaction() as db:
        connection_settings.set_approve_on_page(db, asking, False, by=people.alice.id)
    assert alice.call(NAME, ARGUMENTS)["success"]
    put(alice)
    with database.reading() as db:
        entries = db.scalars(
            select(AuditEntry).where(AuditEntry.action == "connection.approval_place_changed")
        ).all()
    assert [entry.details["on_page"] for entry in entries] == [True, False]


# --- carried out with the rights of that moment ---------------------------------------------------


def set_level(connection, level: str) -> None:
    with database.transaction() as db:
        db.get(Connection, connection.id).permission = level


def _revoke_grant(client, people, connection):
    with database.transaction() as db:
        grants.revoke(db, find_caller(client.token).grant_id, "test")


def _remove_member(client, people, connection):
    with database.transaction() as db:
        db.delete(db.get(Membership, (people.northwind.id, people.bob.id)))


def _disable(client, people, connection):
    with database.transaction() as db:
        db.get(User, people.bob.id).disabled_at = clock.now()


def _narrow(client, people, connection):
    with database.transaction() as db:
        db.get(grants.Grant, find_caller(client.token).grant_id).scope = "tools:read"


@pytest.mark.parametrize("take_away", [_revoke_grant, _remove_member, _disable, _narrow])
def test_what_lost_its_right_meanwhile_is_not_carried_out(
    client_of, people, asking, sign_in, written, take_away
):
    bob = client_of(people.bob)
    first = request_in(bob.call(NAME, ARGUMENTS))
    take_away(bob, people, asking)
    page = decide(sign_in(people.alice), first)
    assert "Nothing was changed" in page.text and written == []
    assert stored()[0].state == models.FAILED
    assert trail()[-1] == "approval.did_not_work"


def _off(connection):
    set_level(connection, "off")


def _read(connection):
    set_level(connection, "read")


def _broken(connection):
    with database.transaction() as db:
        row = db.get(Connection, connection.id)
        row.state, row.last_error = "reconnect_needed", "Acme ended our access."


def _hidden(connection):
    with database.transaction() as db:
        db.get(Connection, connection.id).hidden_tools = ["create_thing"]


def _over_the_limit(connection):
    with database.transaction() as db:
        db.get(Workspace, connection.workspace_id).per_minute = 0


def _mended(connection):
    with database.transaction() as db:
        row = db.get(Connection, connection.id)
        row.permission, row.state, row.hidden_tools = "ask", "connected", []
        db.get(Workspace, connection.workspace_id).per_minute = None


@pytest.mark.parametrize("hinder", [_off, _read, _broken, _hidden, _over_the_limit])
def test_what_stands_in_the_way_leaves_it_waiting_and_a_later_yes_works(
    alice, people, asking, sign_in, written, hinder
):
    first = request_in(alice.call(NAME, ARGUMENTS))
    visitor = sign_in(people.alice)
    hinder(asking)
    page = decide(visitor, first)
    assert "Not done: Create a thing" in page.text and written == []
    [row] = stored()
    assert (row.state, row.claim, row.decided_at) == (models.WAITING, None, None) and row.problem
    _mended(asking)
    decide(visitor, first)
    assert written == ["two chairs"] and stored()[0].problem is None


def test_nothing_is_carried_out_in_a_deactivated_workspace(app, alice, people, asking, written):
    request_in(alice.call(NAME, ARGUMENTS))
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).deactivated_at = clock.now()
    with pytest.raises(NotCarriedOut):
        app.extensions["approvals.execute"](stored()[0], ARGUMENTS)
    assert written == []


def test_a_raised_level_is_fine_and_the_page_warns(alice, people, asking, sign_in, written):
    first = request_in(alice.call(NAME, ARGUMENTS))
    set_level(asking, "write")
    visitor = sign_in(people.alice)
    visitor.get(f"/approvals/{first}")
    assert "may have done this already" in visitor.page
    decide(visitor, first)
    assert written == ["two chairs"]


def test_a_connection_in_the_place_of_a_gone_one_is_not_written_to(
    alice, people, asking, connect, sign_in, written
):
    first = request_in(alice.call(NAME, ARGUMENTS))
    with database.transaction() as db:
        db.delete(db.get(Connection, asking.id))
    connect(people.alice, "Other", permission="write", label=asking.id)
    page = decide(sign_in(people.alice), first)
    assert "no longer connected" in page.text and written == []


def test_a_database_that_goes_in_the_middle_leaves_the_outcome_unknown(
    alice, people, asking, sign_in, written
):
    first = request_in(alice.call(NAME, {"text": "then the database goes"}))
    decide(sign_in(people.alice), first)
    assert stored()[0].state == models.UNKNOWN
    code, sentence = alice.refusal(NAME, {"text": "then the database goes"})
    assert (code, "check there before" in sentence) == ("TIMEOUT", True)
    assert written == ["then the database goes"]


# --- once ---------------------------------------------------------------------------------------


def test_what_an_operator_s_key_asks_for_is_decided_by_the_owner(
    app, people, asking, sign_in, written, letters
):
    with app.app_context(), database.transaction() as db:
        db.get(User, people.dana.id).is_operator = True
        scopes = "tools:read tools:write"
        _, token = grants.issue_by_hand(
            db, "api_key", people.dana.id, people.northwind.id, "the key", scopes, 3600
        )
    key = Client(app, token)
    envelope = key.call(NAME, ARGUMENTS)
    assert "an owner or admin of the workspace" in envelope["error"]["message"] and letters == []
    decide(sign_in(people.alice), request_in(envelope))
    assert key.call(NAME, ARGUMENTS)["success"] and written == ["two chairs"]


@both_databases
def test_the_same_call_many_times_at_once_waits_once(alice, asking):
    assert len(set(together(8, lambda _: request_in(alice.call(NAME, ARGUMENTS))))) == 1
    assert len(stored()) == 1


@both_databases
def test_page_and_chat_at_once_do_it_once(alice, people, asking, sign_in, written):
    _, state = put(alice)
    approval_id = stored()[0].id
    visitors = [sign_in(people.alice) for _ in range(3)]
    for visitor in visitors:
        visitor.get("/approvals")

    def one(n: int) -> None:
        if n < 3:
            assert visitors[n].submit(f"/approvals/{approval_id}/approve").status_code == 303
        else:
            assert answer(alice, state, "accept")["success"]

    together(6, one)
    assert written == ["two chairs"]
    assert trail() == ["approval.requested", "approval.approved", "approval.carried_out"]


@both_databases
def test_yes_and_no_at_once_are_one_of_them(alice, people, asking, sign_in, written):
    approval_id = request_in(alice.call(NAME, ARGUMENTS))
    visitors = [sign_in(people.alice) for _ in range(4)]
    for visitor in visitors:
        visitor.get("/approvals")
    together(4, lambda n: visitors[n].submit(f"/approvals/{approval_id}/{('approve', 'reject')[n % 2]}"))
    [row] = stored()
    assert (row.state, len(written)) in {(models.DONE, 1), (models.REJECTED, 0)}
    assert len([action for action in trail() if action in {"approval.approved", "approval.rejected"}]) == 1


def together(count: int, work) -> list:
    """Run `work(0)`, `work(1)`… in threads that start at once; what went wrong in one goes wrong here."""
    start, results = threading.Barrier(count), SimpleNamespace(good=[], bad=[])

    def run(n: int) -> None:
        start.wait()
        try:
            results.good.append(work(n))
        except BaseException as error:
            results.bad.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if results.bad:
        raise results.bad[0]
    return results.good
