"""The contract of the seam: handlers never wait, so that a coroutine runs to its end in one step."""

import asyncio
import itertools
from typing import Any

import pytest

from app.mcp_server.protocol.exchange import AnonymousPrincipal, Exchange, run_to_end


async def returns() -> int:
    return 7


async def fails() -> int:
    raise KeyError("x")


async def waits() -> int:
    await asyncio.sleep(0)
    return 7


def test_a_coroutine_that_never_waits_runs_without_an_event_loop():
    assert run_to_end(returns()) == 7
    with pytest.raises(KeyError):
        run_to_end(fails())


def test_one_that_waits_is_a_loud_mistake():
    with pytest.raises(RuntimeError, match="synchronous inside"):
        run_to_end(waits())


def test_no_handler_of_the_product_waits(alice, connect, people, caplog):
    """Every method and tool, in modern and handshake revisions: a handler that waits would answer -32603."""
    connect(people.alice, permission="write")
    arguments: dict[str, dict[str, Any]] = {
        "acme_get_thing": {"id": "a"},
        "acme_create_thing": {"text": "x"},
        "hub_connect_service": {"service": "acme"},
        "memory_save": {"text": "x"},
        "memory_search": {"query": "x"},
        "memory_delete": {"note_id": "none"},
    }
    modern = [
        alice.ask("server/discover"),
        *(alice.ask("tools/call", name=n, arguments=arguments.get(n, {})) for n in alice.tools()),
    ]
    alice.initialize()
    old = [
        alice.ask("ping"),
        *(alice.ask("tools/call", name=n, arguments=arguments.get(n, {})) for n in alice.tools()),
    ]
    for answer in itertools.chain(modern, old):
        envelope = answer.json["result"].get("structuredContent", {})
        assert envelope.get("operation") == "memory_delete" or envelope.get("success", True), answer.text


def test_what_is_said_without_a_stream_is_dropped():
    exchange = Exchange(AnonymousPrincipal(), 1, {"_meta": {"progressToken": "p"}}, {})
    exchange.report(1, 2, "half")
    run_to_end(exchange.notify("notifications/message", {}))
    assert not exchange.can_send_request
