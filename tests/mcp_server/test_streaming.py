"""Streams: pings, a bearer that ends, a client that leaves, work that breaks off."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from app import database, outbound
from app.mcp_server.protocol import event_stream
from app.mcp_server.protocol.client_replies import ClientReplies
from app.mcp_server.protocol.event_stream import FinalResponse, Stream, Streamer
from app.mcp_server.protocol.exchange import AnonymousPrincipal, Exchange
from app.oauth_server import grants
from app.oauth_server.callers import find_caller
from tests.conftest import both_databases
from tests.support import acme
from tests.support.services import REDIS
from tests.support.waiting import AT_MOST_SECONDS, PROMPTLY_SECONDS


@pytest.fixture(autouse=True)
def quick_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "PING_SECONDS", 0.1)


def frames_of(alice: Any, thing: str, **meta: Any) -> Iterator[bytes]:
    answer = alice.ask("tools/call", name="acme_get_thing", arguments={"id": thing}, _meta=meta)
    assert answer.mimetype == "text/event-stream"
    return answer.iter_encoded()


def test_silence_is_bridged_with_pings(alice, connect, people):
    connect(people.alice)
    alice.initialize()
    acme.quiet_is_over.clear()
    frames = []
    for frame in frames_of(alice, "quiet"):
        frames.append(frame)
        if frames.count(b": ping\r\n\r\n") == 2:
            acme.quiet_is_over.set()
    assert acme.quiet_is_over.is_set()
    assert b'"success":true' in frames[-1]


def test_a_revoked_bearer_ends_its_open_stream(alice, connect, people):
    connect(people.alice)
    frames = frames_of(alice, "waits", progressToken="p")
    next(frames)
    with database.transaction() as db:
        grants.revoke(db, find_caller(alice.token).grant_id, "test")
    started = time.monotonic()
    rest = list(frames)
    assert time.monotonic() - started < PROMPTLY_SECONDS
    assert not any(b'"result"' in frame for frame in rest)


def test_closing_the_stream_cancels_the_work():
    exchange, stream, seen = (
        Exchange(AnonymousPrincipal(), 1, {}, {}),
        Stream(ClientReplies()),
        threading.Event(),
    )

    def work() -> FinalResponse:
        while not exchange.is_cancelled():
            time.sleep(0.01)
        seen.set()
        return FinalResponse(200, b"{}")

    answer = Streamer(2).respond(work, exchange, stream, {})
    iterator = answer.body
    next(iterator)
    iterator.close()
    assert seen.wait(AT_MOST_SECONDS)


def test_work_that_breaks_off_still_ends_the_answer():
    def work() -> FinalResponse:
        raise SystemExit

    answer = Streamer(2).respond(work, Exchange(AnonymousPrincipal(), 1, {}, {}), Stream(ClientReplies()), {})
    assert answer.status == 500


@both_databases
def test_a_reply_meets_the_one_who_asked_and_nobody_else(app):
    meet(ClientReplies())


@pytest.mark.needs_redis
def test_a_reply_meets_the_one_who_asked_through_redis(app):
    meet(ClientReplies(REDIS))


def test_redis_away_is_bridged_by_the_database(app):
    meet(ClientReplies("redis://127.0.0.1:1/0"))


def meet(replies: ClientReplies) -> None:
    request_id, other = (f"{name}-{time.monotonic_ns()}" for name in ("ask", "other"))
    replies.open(request_id, "alice")
    threading.Timer(0.1, lambda: replies.deliver(request_id, "alice", {"result": {"n": 1}})).start()
    assert replies.wait(request_id, "alice", lambda: False, 10) == {"result": {"n": 1}}
    replies.open(other, "alice")
    replies.deliver(other, "mallory", {"result": {}})
    assert replies.wait(other, "alice", lambda: False, 0.2) is None


@pytest.mark.needs_redis
def test_a_reply_is_not_lost_when_redis_fails_at_one_end(app):
    works, fails = ClientReplies(REDIS), ClientReplies("redis://127.0.0.1:1/0")
    for asking, answering in ((works, fails), (fails, works)):
        request_id = f"ask-{time.monotonic_ns()}"
        asking.open(request_id, "alice")
        answering.deliver(request_id, "mallory", {"result": {"from": "mallory"}})
        assert asking.wait(request_id, "alice", lambda: False, 0.2) is None
        asking.open(request_id := f"ask-{time.monotonic_ns()}", "alice")
        answering.deliver(request_id, "alice", {"result": {"n": 1}})
        assert asking.wait(request_id, "alice", lambda: False, 10) == {"result": {"n": 1}}


def test_a_worker_at_its_end_sends_the_client_to_the_next_one(alice, connect, people, monkeypatch):
    """Python lets the threads of an ending process finish and starts no more."""
    connect(people.alice)
    alice.initialize()
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)
    answer = alice.ask(
        "tools/call", name="acme_get_thing", arguments={"id": "1"}, _meta={"progressToken": "p"}
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json["error"]["data"]["retryable"] is True and answer.json["id"] is not None


def test_a_call_that_a_worker_at_its_end_has_begun_still_reaches_its_service(monkeypatch):
    """Looking up the address of a service takes a thread, too."""
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(outbound.OutboundTimeout):  # it was connected, and nothing answers
            outbound.send("GET", f"http://localhost:{port}/", seconds=0.2)
