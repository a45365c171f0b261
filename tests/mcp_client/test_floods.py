"""Servers that send without end, or what no HTTP client can read: a few kilobytes of theirs cost no more than
that, and the sentence says what happened.
"""

import gzip
import json
import time

import pytest

from app.connectors.mcp import client_of
from app.errors import OutcomeUnknown, ProviderTimeout, ToolError
from app.mcp_client import ServerSession
from tests.mcp_client.raw_server import event, json_answer, stream_answer
from tests.support.waiting import until

ACCEPTED = [b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"]
OK = {"content": [{"type": "text", "text": "done"}]}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def client(server, api_of):
    api = api_of(server.url)
    api.sessions("").save(ServerSession("2025-11-25", "session-1"))
    return client_of(api)


def calls(server):
    return [each for each in server.seen if each.get("method") == "tools/call"]


def answers(message):
    return {"jsonrpc": "2.0", "id": message["id"], "result": OK}


def packed(*pieces):
    """An event stream whose size on the wire is nearly nothing."""
    return (
        200,
        [("Content-Type", "text/event-stream"), ("Content-Encoding", "gzip")],
        [gzip.compress(b"".join(pieces))],
    )


def asking(message, times):
    return [event({"jsonrpc": "2.0", "id": n, "method": "ping"}) for n in range(times)] + [
        event(answers(message))
    ]


ENDLESS = {
    "comments": lambda message: packed(b":\n" * 200_000, event(answers(message))),
    "empty lines": lambda message: packed(b"\n" * 200_000, event(answers(message))),
    "events": lambda message: packed(b"data: {}\n\n" * 60_000, event(answers(message))),
    "ids": lambda message: packed(b"id: 1\n" * 200_000, event(answers(message))),
    "requests": lambda message: packed(*asking(message, 60)),
    "interim responses": lambda message: [b"HTTP/1.1 100 Continue\r\n\r\n" * 60_000, HEAD + b"\r\n"],
    "trailers": lambda message: [HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 200_000],
}


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_server_that_sends_without_end_is_left_after_one_request(server, client, answer):
    server.answer = lambda message, seen: (
        answer(message) if message.get("method") == "tools/call" else ACCEPTED
    )
    with pytest.raises(ToolError, match="Notebook kept sending messages without answering"):
        client.call_tool("do", {}, safe=True)
    assert len(calls(server)) == 1


def test_a_write_that_is_answered_without_end_may_have_been_done(server, client):
    server.answer = lambda message, seen: packed(b"\n" * 200_000)
    with pytest.raises(OutcomeUnknown):
        client.call_tool("do", {}, safe=False)


def test_a_server_may_ask_whether_we_are_there(server, client):
    server.answer = lambda message, seen: (
        stream_answer(asking(message, 20)) if message.get("method") == "tools/call" else ACCEPTED
    )
    assert client.call_tool("do", {}, safe=True) == OK


def test_of_a_flood_of_progress_a_few_reports_are_passed_on(server, client):
    def answer(message, seen):
        report = {"progressToken": message["id"], "progress": 1}
        return packed(
            event({"jsonrpc": "2.0", "method": "notifications/progress", "params": report}) * 5_000,
            event(answers(message)),
        )

    server.answer = answer
    reports = []
    assert client.call_tool("do", {}, safe=True, progress=lambda *report: reports.append(report)) == OK
    assert 100 <= len(reports) < 1_000


def test_the_deadline_holds_for_what_has_already_arrived(server, api_of):
    ends = time.monotonic() + 0.3
    api = api_of(server.url, deadline=ends)
    api.sessions("").save(ServerSession("2026-07-28"))

    def answer(message, seen):
        report = {"progressToken": message["id"], "progress": 1}
        again = event({"jsonrpc": "2.0", "method": "notifications/progress", "params": report})
        return packed(again, b":" + b"x" * 200_000 + b"\n", again, event(answers(message)))

    server.answer = answer
    reports = []

    def wait(*report):
        reports.append(report)
        until(lambda: time.monotonic() > ends)

    with pytest.raises(ProviderTimeout):
        client_of(api).call_tool("do", {}, safe=True, progress=wait)
    assert len(reports) == 1


UNREADABLE = {
    "not compressed as it says": lambda message: (200, [("Content-Encoding", "gzip")], [b"not gzip"]),
    "compressed again and again": lambda message: (
        200,
        [("Content-Encoding", ", ".join(["gzip"] * 20))],
        [b"x"],
    ),
    "too many headers": lambda message: [b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 500, b"\r\n"],
    "a header without end": lambda message: [b"HTTP/1.1 200 OK\r\nX: ", b"a" * 200_000],
    "two lengths": lambda message: [HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"],
    "no HTTP": lambda message: [json.dumps(answers(message)).encode()],
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_http_could_not_be_read(server, client, answer):
    server.answer = lambda message, seen: answer(message)
    with pytest.raises(ToolError, match="Notebook sent an answer that could not be read"):
        client.call_tool("do", {}, safe=True)


CUT = {
    "in its length": [HEAD + b"Content-Length: 1000\r\n\r\n{"],
    "in a chunk": [HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{"],
    "before it began": [b""],
}


@pytest.mark.parametrize("pieces", CUT.values(), ids=CUT.keys())
def test_an_answer_that_ends_early_broke_off(server, client, pieces):
    server.answer = lambda message, seen: pieces
    with pytest.raises(ToolError, match="Notebook broke off before its answer was complete"):
        client.call_tool("do", {}, safe=True)


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_that_is_null_is_none(server, client, status):
    server.answer = lambda message, seen: json_answer({**answers(message), "error": None}, status=status)
    assert client.call_tool("do", {}, safe=True) == OK


NOT_JSON = {
    "cut short": ([], b'{"jsonrpc": "2.0", ', "JSON could not be read"),
    "invalid UTF-8": ([], b'{"jsonrpc": "2.0", "x": "\xff"}', "JSON could not be read"),
    "another compression": ([("Content-Encoding", "br")], b"\x8b\x02\x80", "compressed with br"),
}


@pytest.mark.parametrize(("headers", "body", "sentence"), NOT_JSON.values(), ids=NOT_JSON.keys())
def test_an_answer_that_is_no_json_says_so(server, client, headers, body, sentence):
    head = [("Content-Type", "application/json"), *headers]
    server.answer = lambda message, seen: (200, head, [body])
    with pytest.raises(ToolError, match=f"Notebook sent an answer .*{sentence}"):
        client.call_tool("do", {}, safe=True)
