"""A service's tokens end while AI clients go on working: over HTTP, through both workers, as it happens in
life.
"""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.sdk_client import PythonClient

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]
_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "storm", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.mark.parametrize(
    ("service", "tool"), [("FreshBooks", "list_clients"), ("Xero", "list_contacts"), ("Gmail", "list_labels")]
)
def test_the_next_call_after_expiry_works_with_exactly_one_refresh(
    product, arrive, sandbox_levers, service, tool
):
    anna, slug = arrive(), service.lower()
    levers = sandbox_levers(slug)
    client = PythonClient(product.mcp_url, lambda url: anna.authorize(url, connect=(service,)))
    with client.connected():
        first = client.call(f"{slug}_{tool}")
        before = levers.log()["refreshes"]
        assert levers("expire")["expired"]
        again = client.call(f"{slug}_{tool}")
        assert again["success"] and again["data"]["items"] == first["data"]["items"]
        assert client.call(f"{slug}_{tool}")["success"]
        assert levers.log()["refreshes"] == before + 1
    assert anna.connection(slug)["state"] == "connected"


def test_a_storm_of_calls_on_an_expired_token_makes_one_refresh(product, arrive, sandbox_levers):
    anna = arrive()
    levers = sandbox_levers("freshbooks")
    client = PythonClient(product.mcp_url, lambda url: anna.authorize(url, connect=("FreshBooks",)))
    with client.connected():
        token = client.storage.tokens.access_token
        before = levers.log()
        levers("expire")
        with ThreadPoolExecutor(32) as pool:
            answers = list(
                pool.map(lambda _: _call(product.mcp_url, token, "freshbooks_list_clients"), range(32))
            )
        assert all(answer["success"] for answer in answers), [
            answer for answer in answers if not answer["success"]
        ][:3]
        after = levers.log()
        assert (after["refreshes"], after["refresh_refusals"]) == (
            before["refreshes"] + 1,
            before["refresh_refusals"],
        )
        assert client.call("freshbooks_list_clients")["success"]


def _call(url, token, tool):
    """One call in the modern generation, as bare HTTP."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": {}, "_meta": _META},
    }
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    with urllib.request.urlopen(
        urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=60
    ) as answer:
        return json.load(answer)["result"]["structuredContent"]
