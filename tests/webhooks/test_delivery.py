"""Deliveries: at least once under one id, on schedule, one at a time per endpoint, whoever else is slow."""

import base64
import contextlib
import hashlib
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from email.utils import format_datetime

import pytest
from sqlmodel import select

from app import clock, config, database, events
from app.audit import AuditEntry
from app.errors import Unavailable
from app.vault import rewrap
from app.webhooks import log, outbox, queue, sending
from app.webhooks.addresses import NOT_PUBLIC
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from app.webhooks.queue import LEASE, SCHEDULE
from app.webhooks.sender import Sender
from app.workspaces.models import Workspace
from tests.conftest import both_databases
from tests.support.databases import ROOT
from tests.support.waiting import AT_MOST_SECONDS, until


@pytest.fixture
def sender(app, settings):
    """The sender of a web process, without its loop."""
    return Sender(settings, app.extensions["mailer"])


def change(endpoint, **values):
    with database.transaction() as db:
        row = db.get_one(WebhookEndpoint, endpoint.id)
        for name, value in values.items():
            setattr(row, name, value)


def states(endpoint):
    return [delivery.state for delivery in endpoint.deliveries()]


# --- what is delivered ------------------------------------------------------------------------


@both_databases
def test_every_endpoint_that_wants_an_event_gets_it_signed(add, announce, send_due, receiver, start_receiver):
    other, bystander = start_receiver(), start_receiver()
    endpoints = [add(), add(other.url)]
    add(bystander.url, wanted=["limit.reached"])
    announce(email="zoe@example.com")
    assert send_due() == 2 and send_due() == 0
    [here], [there] = receiver.requests, other.requests
    for request, endpoint in zip((here, there), endpoints, strict=True):
        payload = request.verify(endpoint.secret)
        assert set(payload) == {"type", "timestamp", "data"} and payload["type"] == "member.joined"
        assert payload["data"]["email"] == "zoe@example.com"
        assert payload["data"]["link"] == "http://localhost:8000/team"
        with pytest.raises(Exception, match="No matching signature"):
            request.verify("whsec_" + "A" * 43 + "=")
    assert bystander.requests == []


def test_an_event_is_sent_only_if_what_happened_is_stored(add, people, send_due, receiver, announce):
    add()

    def announce_and_fail():
        with database.transaction() as db:
            data = {**dict.fromkeys(events.CATALOGUE["member.joined"].fields, "x"), "user_id": people.bob.id}
            events.announce(db, "member.joined", workspace_id=people.northwind.id, sentence="", **data)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        announce_and_fail()
    assert send_due() == 0 and receiver.requests == []
    announce()
    assert send_due() == 1


@both_databases
def test_what_may_be_reported_once_is_reported_once(add, announce, send_due, receiver):
    add()
    for _ in range(3):
        announce("limit.reached", once="limit:minute:1")
    announce("limit.reached", once="limit:minute:2")
    send_due()
    assert len(receiver.requests) == 2


def test_the_previous_secret_stops_signing_after_a_day(add, alice, announce, send_due, receiver):
    endpoint = add()
    alice.submit(f"{endpoint.path}/rotate")
    clock.shift(timedelta(hours=24, minutes=1))
    announce()
    send_due()
    assert len(receiver.requests[0].headers["webhook-signature"].split()) == 1
    log.prune()
    assert endpoint.row().previous_secret_sealed is None


def test_secrets_are_counted_and_rewrapped_with_the_vault_keys(add, alice, environ, announce, send_due):
    endpoint = add()
    alice.submit(f"{endpoint.path}/rotate")
    new_key = base64.b64encode(hashlib.sha256(b"another vault key").digest()).decode()
    rotated = config.load({**environ, "VAULT_KEYS": f"t2:{new_key},{environ['VAULT_KEYS']}"})
    tallies = {tally.name: tally for tally in rewrap.rotate(rotated.vault_keys)}
    for column in ("secret_sealed", "previous_secret_sealed"):
        tally = tallies[f"webhook_endpoints.{column}"]
        assert (tally.by_key, tally.rewrapped, tally.shut) == ({"t2": 1}, 1, [])
    announce()
    assert send_due() == 1, "the process still has the old key alone"
    assert "signing secret could not be opened" in endpoint.attempts()[0].error
    clock.shift(timedelta(minutes=1))
    work = queue.claim(rotated, endpoint.id)
    assert work.signing_secrets[1] == endpoint.secret


# --- success and failure ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_status_of_success_is_one(add, announce, send_due, receiver, status):
    endpoint, receiver.status = add(), status
    announce()
    send_due()
    assert states(endpoint) == ["delivered"] and endpoint.attempts()[0].status == status


def test_the_body_of_a_response_is_not_read(add, announce, send_due, receiver):
    endpoint, receiver.status, receiver.body = add(), 200, b"x" * (20 * 1024 * 1024)
    announce()
    send_due()
    assert states(endpoint) == ["delivered"] and endpoint.attempts()[0].error == ""


@pytest.mark.usefixtures("frozen_clock")
def test_a_failing_delivery_follows_the_schedule_and_ends_with_the_endpoint_off(
    add, announce, send_due, receiver, mailbox
):
    endpoint, receiver.status = add(), 500
    announce()
    assert send_due() == 1
    for wait in SCHEDULE:
        clock.shift(wait * 0.99)
        assert send_due() == 0, f"before {wait}"
        clock.shift(wait * 0.12)  # each wait is up to a tenth longer
        assert send_due() == 1, f"after {wait}"
    clock.shift(timedelta(days=3))
    assert send_due() == 0
    assert {request.id for request in receiver.requests} == {endpoint.deliveries()[0].event_id}
    assert len({request.body for request in receiver.requests}) == 1 and len(receiver.requests) == 10
    assert states(endpoint) == ["failed"]
    assert endpoint.row().disabled_reason == "Every delivery failed for 3 days."
    [letter] = mailbox("alice@example.com")
    assert letter.subject == "A webhook of Patchbay was turned off"
    assert endpoint.path in letter.text and "team=1" not in letter.text
    assert mailbox("bob@example.com") == []


def test_a_success_in_between_keeps_the_endpoint_on(add, announce, send_due, receiver):
    endpoint, receiver.status = add(), 500
    for day in range(8):
        receiver.status = 204 if day % 2 else 500
        clock.shift(timedelta(days=1))
        announce()
        send_due()
    assert endpoint.row().disabled_at is None
    receiver.status = 204
    clock.shift(timedelta(days=2))
    send_due()
    assert set(states(endpoint)) == {"delivered"} and endpoint.row().failing_since is None


@both_databases
def test_gone_turns_the_endpoint_off_at_once(add, announce, send_due, receiver, mailbox, alice):
    endpoint, receiver.status = add(), 410
    announce()
    announce()
    assert send_due() == 1
    assert states(endpoint) == ["failed", "failed"]
    assert "410" in endpoint.row().disabled_reason and len(mailbox("alice@example.com")) == 1
    with database.reading() as db:
        entries = db.exec(select(AuditEntry).where(AuditEntry.action == "webhook.turned_off")).all()
    assert [(e.subject, e.user_id) for e in entries] == [(endpoint.id, None)]
    alice.get(endpoint.path)
    assert "We turned this webhook off." in alice.page and "Turn on" in alice.page


def test_redirects_are_failures_and_not_followed(add, announce, send_due, receiver, start_receiver):
    endpoint, other = add(), start_receiver()
    receiver.status, receiver.headers = 307, {"Location": other.url}
    announce()
    send_due()
    assert other.requests == [] and states(endpoint) == ["pending"]
    [attempt] = endpoint.attempts()
    assert "redirected (307)" in attempt.error and other.url not in attempt.error


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured_also_by_later_events(add, announce, send_due, receiver, form):
    add()
    wait = "600" if form == "seconds" else format_datetime(clock.now() + timedelta(minutes=10), usegmt=True)
    receiver.status, receiver.headers = 503, {"Retry-After": wait}
    announce()
    send_due()
    receiver.status, receiver.headers = 204, {}
    clock.shift(timedelta(minutes=9))
    announce()
    assert send_due() == 0
    clock.shift(timedelta(minutes=2))
    assert send_due() == 2


@pytest.mark.parametrize("junk", ["soon", "-5", "1e99", "9" * 400, "Wed, 99 Nov"])
def test_a_retry_after_that_is_none_is_ignored_or_bounded(add, announce, send_due, receiver, junk):
    endpoint = add()
    receiver.status, receiver.headers = 503, {"Retry-After": junk}
    announce()
    send_due()
    [delivery] = endpoint.deliveries()
    assert delivery.next_at <= clock.now() + timedelta(days=1, minutes=1)


@pytest.mark.usefixtures("frozen_clock")
def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_a_while(add, announce, send_due, receiver):
    add()
    receiver.status = 500
    for _ in range(50):
        announce()
    assert send_due() == 2  # the second failure in a row begins a pause
    clock.shift(timedelta(seconds=4))
    assert send_due() == 0
    clock.shift(timedelta(seconds=2))
    assert send_due() == 1


def test_a_receiver_that_does_not_answer_is_a_failure(add, announce, send_due, receiver, monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    endpoint = add()
    receiver.gate.clear()
    announce()
    send_due()
    [attempt] = endpoint.attempts()
    assert attempt.status is None and "did not answer within" in attempt.error
    receiver.gate.set()


def test_a_receiver_that_is_down_is_a_failure(add, announce, send_due):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = add(f"http://127.0.0.1:{probe.getsockname()[1]}/")
        announce()
        send_due()
    assert endpoint.attempts()[0].error == "The receiver could not be reached."


def test_a_name_that_comes_to_lead_inside_is_refused_on_use(add, announce, send_due, receiver, monkeypatch):
    """DNS rebinding: the URL was public when it was saved."""
    real, target = socket.getaddrinfo, ["93.184.216.34"]

    def resolve(host, port, *rest):
        return real(target[0] if host == "hooks.example.com" else host, port, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    endpoint = add("https://hooks.example.com/in")
    target[0] = "127.0.0.1"
    announce()
    send_due()
    assert endpoint.attempts()[0].error == NOT_PUBLIC and receiver.requests == []
    change(endpoint, url="http://10.0.0.1/in")  # whoever changes the database does not pass either
    clock.shift(timedelta(minutes=1))
    assert send_due() == 1
    assert "https://" in endpoint.attempts()[1].error


def test_a_deactivated_workspace_sends_nothing_until_it_is_active(add, announce, send_due, people, receiver):
    add()
    announce()

    def set_active(at):
        with database.transaction() as db:
            db.get_one(Workspace, people.northwind.id).deactivated_at = at

    set_active(clock.now())
    assert send_due() == 0
    set_active(None)
    assert send_due() == 1 and receiver.types() == ["member.joined"]


def test_the_log_reaches_back_thirty_days(add, announce, send_due):
    endpoint = add()
    announce()
    send_due()
    clock.shift(timedelta(days=29))
    announce()
    log.prune()
    assert len(endpoint.deliveries()) == 2
    clock.shift(timedelta(days=2))
    log.prune()
    assert states(endpoint) == ["pending"] and endpoint.attempts() == []


# --- who sends ------------------------------------------------------------------------------------


@both_databases
def test_of_many_processes_one_sends_each_delivery(add, announce, app, settings, start_receiver):
    receivers = [start_receiver() for _ in range(3)]
    endpoints = [add(each.url) for each in receivers]
    for _ in range(8):
        announce()
    gate = threading.Barrier(4)

    def process():
        gate.wait()
        while any("pending" in states(each) for each in endpoints):
            with contextlib.suppress(Unavailable):  # the file may be busy for long
                sending.send_due(settings, app.extensions["mailer"])

    threads = [threading.Thread(target=process) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for receiver, endpoint in zip(receivers, endpoints, strict=True):
        assert set(Counter(request.id for request in receiver.requests).values()) == {1}
        assert len(receiver.requests) == 8 and states(endpoint) == ["delivered"] * 8


@both_databases
@pytest.mark.usefixtures("patient")
def test_an_endpoint_gets_one_request_at_a_time(add, announce, settings, app, receiver):
    endpoint = add()
    receiver.gate.clear()
    announce()
    announce()
    senders = [Sender(settings, app.extensions["mailer"]) for _ in range(2)]  # two web processes
    assert [each.start_due() for each in senders] == [1, 0]
    assert receiver.arrived.acquire(timeout=AT_MOST_SECONDS)
    assert [each.start_due() for each in senders] == [0, 0] and len(receiver.requests) == 1
    receiver.gate.set()
    until(lambda: states(endpoint)[0] == "delivered")
    until(lambda: sum(each.start_due() for each in senders))
    until(lambda: states(endpoint) == ["delivered", "delivered"])


@pytest.mark.usefixtures("patient")
def test_slow_receivers_do_not_hold_up_others(add, announce, sender, start_receiver, people, sign_in):
    slow = [start_receiver() for _ in range(5)]
    for each in slow:
        each.gate.clear()
        add(each.url)
    quick = start_receiver()
    theirs = add(quick.url, by=sign_in(people.charlie))
    announce()
    announce(workspace=people.contoso)
    assert sender.start_due() == 3, "two for the slow workspace, one for the other"
    until(lambda: states(theirs) == ["delivered"])
    announce(workspace=people.contoso)
    until(sender.start_due)
    until(lambda: states(theirs) == ["delivered", "delivered"])
    assert sum(len(each.requests) for each in slow) <= 2
    for each in slow:
        each.gate.set()


def test_an_event_wakes_the_sender_once_it_is_stored(add, announce, people):
    outbox.due_now.clear()
    announce()
    assert not outbox.due_now.is_set(), "nobody wants it"
    add()
    announce()
    assert outbox.due_now.is_set()


def test_a_sender_that_was_killed_is_replaced_and_the_id_stays(
    add, announce, send_due, receiver, environ, database_url
):
    endpoint = add()
    announce()
    receiver.gate.clear()
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "webhooks", "send"],
        cwd=ROOT,
        env={**environ, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert receiver.arrived.acquire(timeout=AT_MOST_SECONDS)
    process.send_signal(signal.SIGKILL)
    process.wait()
    receiver.gate.set()
    assert send_due() == 0, "its claim holds"
    assert states(endpoint) == ["pending"]
    clock.shift(LEASE + timedelta(seconds=1))
    assert send_due() == 1
    first, second = receiver.requests
    assert first.id == second.id and first.body == second.body
    assert states(endpoint) == ["delivered"]


@both_databases
def test_a_sender_that_lost_its_claim_changes_nothing_but_the_log(add, announce, settings, app, receiver):
    endpoint = add()
    announce()
    late = queue.claim(settings, endpoint.id)
    assert queue.claim(settings, endpoint.id) is None
    change(endpoint, claimed_until=clock.now() - timedelta(hours=1))
    sending.send_due(settings, app.extensions["mailer"])
    queue.finish(late, queue.SendResult(clock.now(), 500, 12, "The receiver answered 500."))
    assert states(endpoint) == ["delivered"] and endpoint.row().failing_since is None
    assert [attempt.status for attempt in endpoint.attempts()] == [204, 500]


def test_an_endpoint_that_is_deleted_during_a_delivery_leaves_nothing(add, alice, announce, settings):
    endpoint = add()
    announce()
    work = queue.claim(settings, endpoint.id)
    alice.submit(f"{endpoint.path}/delete")
    assert queue.finish(work, queue.SendResult(clock.now(), 204, 12)) == ""
    with database.reading() as db:
        assert db.exec(select(WebhookDelivery)).all() == []
