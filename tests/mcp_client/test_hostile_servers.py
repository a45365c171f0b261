"""Servers that misbehave, over a raw socket: each ends with a sentence, in time, and no write is repeated."""

import json
import time

import pytest

from app.connectors.mcp import InsufficientScope, client_of
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    ToolError,
)
from app.federation.challenge import read as challenge_of
from app.mcp_client import HttpRefusal, NotMcp, RpcError, ServerSession
from tests.mcp_client.raw_server import event, json_answer, stream_answer
from tests.support.waiting import PROMPTLY_SECONDS

MODERN = ServerSession("2026-07-28")
OK = {"content": [{"type": "text", "text": "done"}]}


@pytest.fixture
def client(server, api_of):
    """A client that knows its server's revision already."""
    api = api_of(server.url)
    api.sessions("").save(MODERN)
    return client_of(api)


def call(client, safe=True, **options):
    return client.call_tool("do", {}, safe=safe, **options)


def answers(message, **changed):
    return {"jsonrpc": "2.0", "id": message["id"], "result": OK, **changed}


GOOD = {
    "id as text": lambda message: [event(answers(message, id=str(message["id"])))],
    "two answers": lambda message: [
        event(answers(message)),
        event(answers(message, result={"content": [], "isError": True})),
    ],
    "another's answer first": lambda message: [event(answers(message, id=7)), event(answers(message))],
    "a batch": lambda message: [event([answers(message, id=7), answers(message)])],
    "a notification first": lambda message: [
        event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}}),
        event(answers(message)),
    ],
    "cut within a letter": lambda message: [
        part for byte in event(answers(message)) for part in (bytes([byte]),)
    ],
    "priming event": lambda message: [b"id: 1\nretry: 500\ndata:\n\n", event(answers(message))],
}


@pytest.mark.parametrize("pieces", GOOD.values(), ids=GOOD.keys())
def test_the_answer_is_found_in_odd_streams(server, client, pieces):
    server.answer = lambda message, seen: stream_answer(pieces(message))
    assert call(client) == OK


def test_the_answer_is_found_in_a_batch(server, client):
    server.answer = lambda message, seen: json_answer([answers(message, id=1), answers(message)])
    assert call(client) == OK


NONSENSE = {
    "a web page": lambda message: json_answer(b"<!doctype html><p>Welcome</p>", kind="text/html"),
    "no JSON": lambda message: json_answer(b"{"),
    "another's answer": lambda message: json_answer(answers(message, id=message["id"] + 1)),
    "a result that is no object": lambda message: json_answer(answers(message, result="done")),
    "nothing": lambda message: (202, [], [b""]),
    "a page in a stream": lambda message: stream_answer([b"data: <html>\n\n"]),
    "a stream without events": lambda message: stream_answer([b"<html></html>"]),
    "a stream without the answer": lambda message: stream_answer([event(answers(message, id=5))]),
    "JSON nested too deep": lambda message: json_answer(b"[" * 100_000),
    "events nested too deep": lambda message: stream_answer([b"data: " + b"[" * 100_000 + b"\n\n"]),
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_ends_with_a_sentence_and_a_write_is_not_repeated(server, client, answer):
    server.answer = lambda message, seen: answer(message)
    with pytest.raises(ToolError) as failed:
        call(client)
    assert isinstance(failed.value, ProviderUnavailable | NotMcp) and "Notebook" in failed.value.message
    before = len(server.seen)
    with pytest.raises(OutcomeUnknown, match="may or may not have been done"):
        call(client, safe=False)
    assert len(server.seen) == before + 1


def test_a_server_that_hangs_meets_the_deadline(server, api_of):
    api = api_of(server.url, deadline=time.monotonic() + 0.5)
    api.sessions("").save(MODERN)
    server.answer = lambda message, seen: stream_answer(server.trickle(b": wait\n\n"))
    started = time.monotonic()
    with pytest.raises(ProviderTimeout):
        call(client_of(api))
    assert time.monotonic() - started < PROMPTLY_SECONDS


def test_a_giant_event_is_refused_in_words(server, client):
    server.answer = lambda message, seen: stream_answer([b"data: "] + [b"x" * 1_000_000] * 20)
    with pytest.raises(ProviderError, match="sent more than fits in one answer"):
        call(client)
    assert len(server.seen) == 1


ERRORS = {
    "arguments": (-32602, "`id` must be a number", InvalidArguments, "refused the arguments"),
    "unknown tool": (-32602, "Unknown tool: do", ObjectNotFound, "List the tools again"),
    "tool not found": (-32602, "Tool do not found", ObjectNotFound, "List the tools again"),
    "no such method": (-32601, "Method not found", ObjectNotFound, "List the tools again"),
    "internal": (-32603, "boom", RpcError, "reported an error"),
    "its own": (1234, "odd", RpcError, "reported an error"),
}


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(("code", "words", "kind", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_of_the_server_become_sentences_and_its_words_stay_data(
    server, client, status, code, words, kind, sentence
):
    hidden = f"{words}\u202e\x1b[31m" + "y" * 1000
    error = {"code": code, "message": hidden, "data": {"a": 1}}
    server.answer = lambda message, seen: json_answer(
        {"jsonrpc": "2.0", "id": message["id"], "error": error}, status=status
    )
    with pytest.raises(kind, match=sentence) as failed:
        call(client, safe=False)
    assert words not in failed.value.message
    (reason,) = failed.value.details["reasons"]
    assert reason.startswith(words) and "\u202e" not in reason and len(reason) <= 300
    assert failed.value.rpc_code == code and failed.value.data == {"a": 1}
    assert len(server.seen) == 1


REFUSALS = {
    307: (HttpRefusal, "redirects to another address"),
    404: (HttpRefusal, "no longer at its address"),
    405: (HttpRefusal, "status 405"),
    403: (PermissionDenied, "does not allow this"),
}


@pytest.mark.parametrize(("status", "kind", "sentence"), [(k, *v) for k, v in REFUSALS.items()])
def test_a_refusal_without_a_message_names_what_to_do(server, client, status, kind, sentence):
    headers = [("Location", "http://127.0.0.1:1/elsewhere")] if status == 307 else []
    server.answer = lambda message, seen: (status, headers, [b"no"])
    with pytest.raises(kind, match=sentence):
        call(client, safe=False)
    assert len(server.seen) == 1, "nothing is sent anywhere else"


@pytest.mark.parametrize(
    ("challenge", "scope"),
    [
        ('Bearer error="insufficient_scope", scope="notes.write notes.read"', "notes.write notes.read"),
        ("Bearer scope=notes.write, error=insufficient_scope", "notes.write"),
        ('Bearer error="insufficient_scope"', ""),
    ],
)
def test_a_missing_scope_is_named_for_whoever_can_grant_it(server, client, challenge, scope):
    server.answer = lambda message, seen: (403, [("WWW-Authenticate", challenge)], [b""])
    with pytest.raises(InsufficientScope, match="requires more permissions") as refused:
        call(client)
    assert refused.value.scope == scope


def test_a_challenge_of_one_long_word_is_read_at_once():
    word = {"WWW-Authenticate": "Bearer " + "a" * 7_900 + ', scope="notes.read"'}
    started = time.process_time()
    for _ in range(100):
        assert challenge_of(word).scopes == ("notes.read",)
    assert time.process_time() - started < PROMPTLY_SECONDS, "quadratic time is minutes"


def test_reads_are_tried_again_while_the_server_is_briefly_down_and_writes_are_not(server, client):
    server.answer = lambda message, seen: json_answer(answers(message)) if seen >= 3 else (503, [], [b"down"])
    assert call(client) == OK
    server.seen.clear()
    with pytest.raises(OutcomeUnknown):
        call(client, safe=False)
    assert len(server.seen) == 1


def test_questions_of_odd_kinds_are_refused_while_the_call_goes_on(server, client):
    questions = [
        {"jsonrpc": "2.0", "id": "p", "method": "ping"},
        {"jsonrpc": "2.0", "id": 2, "method": "sampling/createMessage", "params": {}},
        {"jsonrpc": "2.0", "id": 3, "method": "roots/list"},
        {"jsonrpc": "2.0", "id": 4, "method": "what/ever", "params": "odd"},
    ]

    def answer(message, seen):
        if message.get("method") != "tools/call":
            return 202, [], [b""]
        return stream_answer([*map(event, questions), event(answers(message))])

    server.answer = answer
    assert call(client) == OK
    replies = {each["id"]: each for each in server.seen if "method" not in each}
    assert replies["p"]["result"] == {}
    assert {replies[n]["error"]["code"] for n in (2, 3, 4)} == {-32601}
    assert "does not run a model" in replies[2]["error"]["message"]


def test_a_reply_that_the_server_refuses_does_not_end_the_call(server, client):
    def answer(message, seen):
        if message.get("method") != "tools/call":
            return 500, [], [b""]
        return stream_answer([event({"jsonrpc": "2.0", "id": 1, "method": "ping"}), event(answers(message))])

    server.answer = answer
    assert call(client) == OK


def test_lists_without_end_and_odd_entries_are_bounded(server, client):
    def answer(message, seen):
        page = {"tools": [{"name": f"t{seen}"}, "odd", None], "nextCursor": f"c{seen}", "ttlMs": -5}
        return json_answer(answers(message, result=page))

    server.answer = answer
    listed = client.list_tools()
    assert len(listed.tools) == len(server.seen) == 100
    assert listed.ttl_seconds == 0 and not listed.is_public
    server.seen.clear()
    server.answer = lambda message, seen: json_answer(
        answers(message, result={"tools": [], "nextCursor": "same"})
    )
    client.list_tools()
    assert len(server.seen) == 2


def test_what_is_sent_is_json_with_the_headers_that_repeat_it(server, client):
    server.answer = lambda message, seen: json_answer(answers(message))
    header_map = {("region",): "Region", ("deep", "flag"): "Flag", ("absent",): "Absent"}
    arguments = {"region": "Zürich", "deep": {"flag": True}}
    client.call_tool("do", arguments, safe=True, header_map=header_map)
    headers = server.headers[-1]
    assert headers["mcp-method"] == "tools/call" and headers["mcp-name"] == "do"
    assert headers["mcp-param-region"] == "=?base64?WsO8cmljaA==?=" and headers["mcp-param-flag"] == "true"
    assert "mcp-param-absent" not in headers
    assert json.loads(json.dumps(server.seen[-1]["params"]["arguments"])) == arguments
