"""The official Python SDK's client, in both protocol generations, from an address alone to working tools
and back.
"""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError

from tests.support.sdk_client import PythonClient

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]
BOTH_GENERATIONS = pytest.mark.parametrize(
    ("mode", "revision"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")]
)


@BOTH_GENERATIONS
def test_from_an_address_to_working_tools_past_the_token_s_end(
    product, arrive, expire_access_tokens, mode, revision
):
    anna = arrive()
    client = PythonClient(
        product.mcp_url, lambda url: anna.authorize(url, connect=("FreshBooks",)), mode=mode
    )
    with client.connected():
        assert client.client.protocol_version == revision
        assert len(client.walked) == 1
        assert client.storage.client.client_name == "Desk Assistant"
        tools = client.tools()
        assert {"hub_list_connections", "freshbooks_list_invoices"} <= set(tools)
        assert "freshbooks_create_invoice" not in tools, "a new connection may only be read"
        found = client.call("freshbooks_list_invoices")
        assert found["success"] and found["data"]["items"]
        assert "FreshBooks account: " in found["message"]

        expire_access_tokens()
        client.let_a_day_pass()
        assert client.call("freshbooks_list_invoices")["data"]["items"] == found["data"]["items"]
        assert len(client.walked) == 1, "a refresh needs no person"
        first, second = client.storage.every_token
        assert first.access_token != second.access_token and first.refresh_token != second.refresh_token
    anna.go("/ai-clients")
    row = anna.page.get_by_role("row").filter(has=anna.page.get_by_role("link", name="Desk Assistant"))
    row.get_by_text("127.0.0.1").wait_for()


@BOTH_GENERATIONS
def test_a_service_that_is_not_connected_is_connected_from_the_chat(product, arrive, mode, revision):
    anna, stranger = arrive(), arrive("boris")
    anna.create_account()
    stranger.create_account()

    def connect_by_link(url):
        stranger.page.goto(url)
        stranger.sees("was made for another person")
        anna.page.goto(url)
        anna.button("Connect Xero").click()
        anna.approve("Demo Company (AU)")
        anna.sees("Xero connected: Demo Company (AU)")
        anna.sees("Go back to Desk Assistant and ask again. It works now.")

    client = PythonClient(product.mcp_url, anna.authorize, mode=mode, open_links=connect_by_link)
    with client.connected():
        if mode == "legacy":
            with pytest.raises(MCPError) as error:
                client.call("xero_list_invoices")
            [question] = UrlElicitationRequiredError.from_error(error.value.error).elicitations
            connect_by_link(question.url)
        answer = client.call("xero_list_invoices")
        assert answer["success"] and answer["data"]["items"]
        assert "xero_list_invoices" in client.tools()


@BOTH_GENERATIONS
def test_a_client_that_cannot_show_links_gets_one_in_words(product, arrive, mode, revision):
    anna = arrive()
    client = PythonClient(product.mcp_url, anna.authorize, mode=mode)
    with client.connected():
        answer = client.call("freshbooks_list_clients")
        assert answer["error"]["code"] == "NOT_CONNECTED"
        [url] = re.findall(r"http://\S+/integrations/connect/\S+", answer["error"]["message"])
        assert anna.email in answer["error"]["message"]
        anna.page.goto(url)
        anna.button("Connect FreshBooks").click()
        anna.approve()
        anna.sees(re.compile("^FreshBooks connected: "))
        assert client.call("freshbooks_list_clients")["success"]
        anna.page.goto(url)
        anna.sees("This link has been used")


def test_a_write_steps_up_the_scope_and_works_where_the_person_allows_writing(product, arrive):
    anna = arrive()
    anna.create_account()
    anna.connect("FreshBooks")

    def agree(url):
        if len(client.walked) == 1:
            anna.authorize(_asking_for("tools:read", url))
        else:
            anna.authorize(url, permit={"FreshBooks": "Read and write"})

    client = PythonClient(product.mcp_url, agree)
    with client.connected():
        assert client.storage.tokens.scope == "tools:read"
        assert all(
            tool.annotations.read_only_hint
            for name, tool in client.tools().items()
            if name.startswith("freshbooks_")
        )
        made = client.call("freshbooks_create_client", organization="Step Up Ltd")
        assert made["success"], made
        assert len(client.walked) == 2
        assert ("POST", "/mcp", 403) in client.requests
        assert "tools:write" in client.storage.tokens.scope.split()
        [found] = client.call("freshbooks_list_clients", search="Step Up Ltd")["data"]["items"]
        assert found["id"] == made["data"]["id"]

        anna.go("/integrations")
        anna.permit("FreshBooks", "Read only")
        refused = client.call("freshbooks_create_client", organization="Never Ltd")
        assert refused["error"]["code"] == "PERMISSION_DENIED"
        assert "freshbooks_create_client" not in client.tools()


def _asking_for(scope, url):
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), "scope": scope})))


def test_a_connection_whose_sign_in_ended_is_mended_from_the_chat(product, arrive, sandbox_levers):
    anna = arrive()
    anna.create_account()
    anna.connect("FreshBooks", company="Harbour Plumbing")
    was = anna.connection("freshbooks")
    sandbox_levers("freshbooks")("revoke", company="harbour")

    def mend(url):
        anna.page.goto(url)
        anna.button("Reconnect FreshBooks").click()
        anna.approve("Harbour Plumbing")
        anna.sees(re.compile("^FreshBooks connected: "))

    client = PythonClient(product.mcp_url, anna.authorize, open_links=mend)
    with client.connected():
        answer = client.call("freshbooks_list_clients")
        assert answer["success"], answer
    now = anna.connection("freshbooks")
    assert (now["id"], now["state"], now["last_error"]) == (was["id"], "connected", None)
