"""What happens in a workspace reaches its webhooks, with names and ids alone."""

import json
import re
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, update

from app import clock, database, events
from app.approvals import expiry
from app.errors import TooManyRequests
from app.usage import ledger
from app.usage.tiers import Limits
from app.vault.models import Connection
from app.workspaces.models import Workspace
from tests.conftest import both_databases
from tests.support.approvals import request_in


@pytest.fixture
def happened(add, send_due, receiver):
    """`happened()` returns the events that were sent since the last time, each checked for its form."""
    endpoint = add()

    def _happened():
        send_due()
        requests, receiver.requests = receiver.requests, []
        for request in requests:
            kind, data = events.CATALOGUE[request.type], request.data
            assert data.keys() == {"workspace_id", "sentence", "link", *kind.fields}, request.type
            assert data["workspace_id"] == "wsp_northwind" and data["sentence"].endswith(".")
            assert data["link"].startswith("http://localhost:8000/")
            at = datetime.fromisoformat(request.payload["timestamp"])
            assert abs(at - clock.now()) < timedelta(days=2)
        assert {delivery.state for delivery in endpoint.deliveries()} <= {"delivered"}
        return requests

    return _happened


# --- connections ----------------------------------------------------------------------------------


@both_databases
def test_a_connection_that_broke_and_was_reconnected(connect_service, end, reconnect, happened):
    connection = connect_service("xero")
    assert happened() == []
    end(connection)
    end(connection)
    [broken] = happened()
    assert broken.type == "connection.broken"
    assert broken.data == {
        "workspace_id": "wsp_northwind",
        "connection_id": connection.id,
        "service": "xero",
        "service_name": "Xero",
        "label": "Demo Company",
        "may_recover": False,
        "sentence": "Xero ended our access on 1 May. Reconnect Xero.",
        "link": f"http://localhost:8000/integrations#card-{connection.id}",
    }
    reconnect(connection)
    [recovered] = happened()
    assert recovered.type == "connection.recovered"
    assert recovered.data["sentence"] == "The connection to Xero works again."
    reconnect(connection)
    assert happened() == [], "it worked before"


def test_a_connection_that_recovers_by_itself(connect_service, suspend, heal, happened):
    connection = connect_service("xero")
    suspend(connection)
    suspend(connection)
    [broken] = happened()
    assert broken.data["may_recover"] is True
    heal(connection)
    heal(connection)
    assert [each.type for each in happened()] == ["connection.recovered"]


def test_the_name_of_a_personal_connection_stays_with_its_owner(connect_service, end, happened):
    end(connect_service("gmail", visibility="personal", name="alice.private@example.com"), "Reconnect Gmail.")
    [broken] = happened()
    assert broken.data["label"] == "" and b"private" not in broken.body


# --- approvals ------------------------------------------------------------------------------------


@pytest.fixture
def ask(client_of, people, asking):
    """`ask("two chairs")`: alice's AI client requests that write. Returns the id of the request."""
    client = client_of(people.alice)
    return lambda text="two chairs": request_in(client.call("acme_create_thing", {"text": text}))


@both_databases
def test_a_write_that_waits_and_is_rejected(ask, alice, people, happened, asking):
    approval_id = ask("two chairs")
    ask("two chairs")
    [waiting] = happened()
    assert waiting.type == "approval.waiting"
    data = waiting.data
    assert data["approval_id"] == approval_id and data["link"].endswith(f"/approvals/{approval_id}")
    assert (data["connection_id"], data["service"], data["tool"]) == (
        asking.id,
        "acme",
        "acme_create_thing",
    )
    assert (data["client"], data["user_id"]) == ("test client", people.alice.id)
    assert data["sentence"] == (
        f"test client requested “{data['title']}” in {data['service_name']}. It waits for approval."
    )
    assert b"chairs" not in waiting.body, "no argument of a call"
    alice.get("/approvals")
    alice.submit(f"/approvals/{approval_id}/reject")
    alice.submit(f"/approvals/{approval_id}/reject")
    [decided] = happened()
    assert decided.type == "approval.decided"
    assert (decided.data["decision"], decided.data["decided_by"]) == ("rejected", people.alice.id)
    assert decided.data["sentence"].endswith("was rejected.") and b"chairs" not in decided.body


def test_a_write_that_is_approved(ask, alice, people, happened):
    approval_id = ask()
    happened()
    alice.get("/approvals")
    alice.submit(f"/approvals/{approval_id}/approve")
    [decided] = happened()
    assert (decided.data["decision"], decided.data["decided_by"]) == ("approved", people.alice.id)


def test_an_approved_write_that_could_not_start_waits_again(ask, alice, asking, happened):
    approval_id = ask()
    happened()
    with database.transaction() as db:
        db.execute(update(Connection).where(col(Connection.id) == asking.id).values(permission="off"))
    alice.get("/approvals")
    alice.submit(f"/approvals/{approval_id}/approve")
    decided, waiting = happened()
    assert (decided.data["decision"], waiting.type) == ("approved", "approval.waiting")
    assert waiting.data["approval_id"] == approval_id


def test_a_write_that_nobody_decided(ask, happened):
    approval_id = ask()
    happened()
    clock.shift(timedelta(hours=25))
    with database.transaction() as db:
        expiry.sweep(db)
    [decided] = happened()
    assert decided.data["approval_id"] == approval_id
    assert (decided.data["decision"], decided.data["decided_by"]) == ("expired", None)


# --- limits ---------------------------------------------------------------------------------------


def test_a_limit_is_reported_once_per_window(client_of, people, happened, early):
    with database.transaction() as db:
        db.get_one(Workspace, people.northwind.id).per_minute = 2
    client = client_of(people.alice)
    statuses = [
        client.ask("tools/call", name="hub_list_connections", arguments={}).status_code for _ in range(6)
    ]
    assert statuses == [200, 200, 429, 429, 429, 429]
    [reached] = happened()
    assert reached.type == "limit.reached"
    assert (reached.data["window"], reached.data["limit"]) == ("minute", 2)
    resets_at = datetime.fromisoformat(reached.data["resets_at"])
    assert timedelta() < resets_at - clock.now() <= timedelta(minutes=1)
    clock.shift(timedelta(minutes=1))
    for _ in range(4):
        client.ask("tools/call", name="hub_list_connections", arguments={})
    assert [each.data["window"] for each in happened()] == ["minute"]


@both_databases
def test_of_several_processes_one_reports_it(people, happened, early):
    limits = Limits(per_minute=1, per_day=None)
    for _ in range(3):
        process = ledger.Ledger()
        for _ in range(3):
            try:
                process.admit(people.northwind.id, limits)
            except TooManyRequests:
                pass
    assert [each.data["limit"] for each in happened()] == [1]


def test_the_limit_of_a_day_is_another_event(people, happened, early):
    limits = Limits(per_minute=100, per_day=2)
    for _ in range(4):
        try:
            ledger.admit(people.northwind.id, limits)
        except TooManyRequests:
            pass
    [reached] = happened()
    assert (reached.data["window"], reached.data["limit"]) == ("day", 2)


# --- members --------------------------------------------------------------------------------------


def test_a_member_who_joins(join, happened):
    join("zoe@example.com", role="admin")
    [joined] = happened()
    assert joined.type == "member.joined"
    assert (joined.data["email"], joined.data["role"]) == ("zoe@example.com", "admin")
    assert joined.data["sentence"] == "zoe@example.com joined the workspace."


# --- the catalogue --------------------------------------------------------------------------------


def test_what_the_catalogue_does_not_list_cannot_be_announced(people):
    with database.transaction() as db, pytest.raises(ValueError, match="token"):
        events.announce(
            db, "member.joined", workspace_id="wsp_northwind", sentence="It happened.", token="secret"
        )


def test_no_event_holds_a_secret_of_the_connection(connect_service, end, happened, settings):
    end(connect_service("xero"))
    body = happened()[0].body.decode()
    assert not re.search(r"refresh|access_token|v1:t1:", json.dumps(json.loads(body)["data"]))
