"""Clients written in Node: the official TypeScript one in both generations, and `mcp-remote` in front of a
stdio client.
"""

import pytest

from tests.support.node_client import McpRemote, TypeScriptClient

pytestmark = [pytest.mark.needs_chromium, pytest.mark.needs_node, pytest.mark.xdist_group("journeys")]


@pytest.mark.parametrize(("mode", "revision"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
def test_the_typescript_client_from_an_address_to_working_tools_past_the_token_s_end(
    product, arrive, expire_access_tokens, tmp_path, mode, revision
):
    anna = arrive()
    with TypeScriptClient(
        product.mcp_url, lambda url: anna.authorize(url, connect=("Gmail",)), tmp_path, mode
    ) as client:
        hello = client.do("connect")
        assert hello["protocol"] == revision
        assert hello["server"]["name"]
        assert "gmail_search_messages" in client.tools()
        found = client.call("gmail_search_messages", query="invoice")
        assert found["success"] and found["data"]["items"]
        assert client.do("tokens")["saved"] == 1
        expire_access_tokens()
        assert (
            client.call("gmail_search_messages", query="invoice")["data"]["items"] == found["data"]["items"]
        )
        assert client.do("tokens")["saved"] == 2
        assert len(client.walked) == 1, "a refresh needs no person"


def test_mcp_remote_from_an_address_to_working_tools_past_the_token_s_end(
    product, arrive, expire_access_tokens, tmp_path
):
    anna = arrive()
    with McpRemote(product.mcp_url, lambda url: anna.authorize(url, connect=("Xero",)), tmp_path) as client:
        assert client.server["serverInfo"]["name"]
        assert "xero_list_invoices" in client.tools()
        found = client.call("xero_list_invoices")
        assert found["success"] and found["data"]["items"]
        before = client.tokens["access_token"]
        expire_access_tokens()
        assert client.call("xero_list_invoices")["data"]["items"] == found["data"]["items"]
        assert len(client.walked) == 1, "a refresh needs no person"
        assert client.tokens["access_token"] != before
