"""The live line: whether the client a person is waiting for has come."""

import re
from datetime import timedelta

import pytest

from app import clock
from tests.support.ai_client import AiClient


@pytest.fixture
def cursor(app):
    client = AiClient(app)
    assert client.register(client_name="Cursor").status == 201
    return client


def line(visitor, client="cursor"):
    visitor.get(f"/ai-clients/live?client={client}")
    return " ".join(visitor.page.split())


def test_it_waits_until_the_client_has_its_token(alice, cursor):
    assert "Waiting for Cursor…" in line(alice)
    code = cursor.code(alice)
    assert "Waiting for Cursor…" in line(alice)
    assert cursor.exchange(code).status == 200
    found = line(alice)
    assert "Cursor connected" in found and "tools, about" in found and "Waiting" not in found


def test_it_says_how_long_ago_and_waits_again_when_that_is_long_past(alice, cursor):
    cursor.connect(alice)
    clock.shift(timedelta(seconds=5))
    assert re.search(r"\b\d+ seconds ago", line(alice))
    clock.shift(timedelta(minutes=5))
    assert "5 minutes ago" in line(alice)
    clock.shift(timedelta(hours=3))
    assert "Waiting for Cursor… Last connected" in line(alice)


def test_another_client_or_another_person_is_not_who_one_waits_for(alice, cursor, sign_in, people):
    cursor.connect(alice)
    assert "Waiting for Claude Code…" in line(alice, "claude-code")
    assert "Waiting for Cursor…" in line(sign_in(people.bob))
    assert "Waiting for Cursor…" in line(sign_in(people.charlie))


def test_a_revoked_client_is_not_connected(alice, cursor):
    tokens = cursor.connect(alice)
    assert "Cursor connected" in line(alice)
    cursor.revoke(tokens["refresh_token"])
    assert "Waiting for Cursor…" in line(alice)


def test_a_script_has_come_when_its_token_was_used(app, alice):
    alice.get("/ai-clients")
    alice.submit("/ai-clients/tokens", {"name": "nightly", "scope": "tools:read", "days": "7"})
    token = alice.page.split('id="new-token"')[1].split('value="')[1].split('"')[0]
    assert "Waiting for Python…" in line(alice, "python")
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "hub_list_connections", "arguments": {}},
    }
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "script", "version": "1"},
    }
    begun = app.test_client().post(
        "/mcp", json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}, headers=headers
    )
    session = {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25"}
    assert app.test_client().post("/mcp", json=body, headers={**headers, **session}).status_code == 200
    assert "Token “nightly” connected" in line(alice, "python")


def test_the_line_asks_again_by_itself(alice):
    assert 'hx-get="/ai-clients/live?client=cursor&seen=' in line(alice)
