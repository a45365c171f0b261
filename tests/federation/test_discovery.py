"""What is at an address (F1): each kind of server, and a sentence for whatever else is there."""

import json

import pytest

from app import config
from app.errors import InvalidInput
from app.federation import addresses, discovery
from app.federation.addresses import read_typed
from tests.support.product import free_port
from tests.support.scripted_http import Written, scripted

HTML = Written(200, "<!doctype html><title>Welcome</title>")
STREAM = Written(200, b"event: endpoint\ndata: /messages\n\n", {"Content-Type": "text/event-stream"})


@pytest.fixture
def look(app, settings):
    """`look(url)` is what is there; the application set up the guard."""
    return lambda url: discovery.look(settings, url)


def sentence_for(look, url):
    with pytest.raises(InvalidInput) as refused:
        look(url)
    assert refused.value.message.endswith((".", "/mcp.")) or "add that one instead:" in refused.value.message
    return refused.value.message


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
def test_an_open_server_is_described_with_its_tools(look, notebook, revision):
    found = look(notebook.url)
    assert (found.name, found.slug_hint, found.access) == ("Notebook", "notebook", "none")
    assert found.revision == revision and found.info["serverInfo"]["name"]
    assert {tool["name"] for tool in found.tools} >= {"add_note"} and found.oauth is None


def test_a_server_that_wants_a_token_and_says_nothing_of_oauth_takes_a_key(look, sdk_server):
    sdk_server.key = "canary-key"
    found = look(sdk_server.url)
    assert (found.access, found.tools, found.oauth) == ("key", None, None)


def test_a_server_with_oauth_says_how_people_sign_in(look, fastmcp_server):
    found = look(fastmcp_server.url)
    assert found.access == "oauth" and found.tools is None and not found.needs_client
    assert found.oauth.scopes == ("read",) and "none" not in found.oauth.client_auths
    assert found.oauth.resource == fastmcp_server.url
    assert found.oauth.issuer.endswith("/"), "as the server itself writes it"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "not a web address"),
        ("my server", "not a web address"),
        ("ftp://mcp.example.com", "not a web address"),
        ("https://", "not a web address"),
        ("https://mcp.example.com:0/mcp", "not a web address"),
        ("https://mcp.example.com\\@127.0.0.1/mcp", "not a web address"),
        ("javascript:alert(1)", "not a web address"),
        ("https://mcp.exämple.com/mcp", "not a web address"),
        ("https://user:pass@mcp.example.com/mcp", "user name or password"),
        ("https://mcp.example.com/mcp#tools", "begins with #"),
        ("https://mcp.example.com/mcp?api_key=x", "contains a key"),
        ("https://mcp.example.com/mcp?k=sk0123456789abcdefghijklmnop", "contains a key"),
        ("http://mcp.example.com/mcp", "https://"),
        ("https://mcp.example.com/" + "a" * 2000, "too long"),
        ("https://no-such-host.invalid/mcp", "host name in this address doesn't exist"),
    ],
)
def test_what_is_no_usable_address_gets_its_own_sentence(look, typed, words):
    assert words in sentence_for(look, typed)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({("POST", "/mcp"): HTML}, "This is a web page"),
        ({}, "nothing at this address (404)"),
        ({("POST", "/mcp"): Written(405), ("GET", "/mcp"): STREAM}, "offers only SSE"),
        ({("GET", "/mcp"): STREAM}, "offers only SSE"),
        ({("POST", "/mcp"): Written(405)}, "isn't the address of an MCP server (405)"),
        ({("POST", "/mcp"): Written(403)}, "refused access (403)"),
        ({("POST", "/mcp"): Written(429)}, "limiting requests"),
        ({("POST", "/mcp"): Written(503)}, "returned an error (status 503)"),
        ({("POST", "/mcp"): Written(418)}, "status 418"),
        ({("POST", "/mcp"): Written(200, {"hello": "world"})}, "it isn't an MCP server"),
        ({("POST", "/mcp"): Written(200, b"not json")}, "it isn't an MCP server"),
        (
            {("POST", "/mcp"): Written(307, b"", {"Location": "https://new.example.com/mcp"})},
            "new.example.com",
        ),
        ({("POST", "/mcp"): Written(302, b"", {"Location": "http://10.0.0.1/x"})}, "aren't followed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_mcp_server_gets_its_own_sentence(look, site, script, words):
    site.script = script
    assert words in sentence_for(look, f"{site.url}/mcp")


OLD = {"protocolVersion": "2019-01-01", "capabilities": {}, "serverInfo": {"name": "old"}}
BARE = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "bare"}}
UNKNOWN = {"error": {"code": -32601, "message": "Method not found"}}


def speaking(answers):
    """Answers by the method of a message; what is not among them is an unknown method."""

    def answer(sent):
        message = json.loads(sent.body)
        if "id" not in message:
            return Written(202)
        return Written(
            200, {"jsonrpc": "2.0", "id": message["id"], **answers.get(message["method"], UNKNOWN)}
        )

    return answer


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"initialize": {"result": OLD}}, "supports none of the MCP revisions"),
        ({"initialize": {"result": BARE}}, "offers no tools"),
        (
            {
                "initialize": {"result": BARE},
                "tools/list": {"error": {"code": -32603, "message": "Out of order"}},
            },
            "reported an error instead of listing its tools",
        ),
    ],
)
def test_an_mcp_server_that_cannot_be_used_is_not_called_anything_else(look, site, answers, words):
    site.script = {("POST", "/mcp"): speaking(answers)}
    sentence = sentence_for(look, f"{site.url}/mcp")
    assert words in sentence and "isn't an MCP server" not in sentence


def test_a_redirect_is_named_and_not_followed(look, site):
    with scripted() as other:
        site.script = {("POST", "/mcp"): Written(308, b"", {"Location": f"{other.url}/mcp"})}
        assert "redirects" in sentence_for(look, f"{site.url}/mcp")
        assert other.requests == []


def test_nobody_listens(look):
    assert "can't be reached" in sentence_for(look, f"http://127.0.0.1:{free_port()}/mcp")


@pytest.mark.parametrize(
    ("allowed", "host", "may"),
    [
        ("mcp.example.com", "mcp.example.com", True),
        ("mcp.example.com", "evil-mcp.example.com", False),
        ("*.example.com", "mcp.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "example.com.evil.test", False),
        ("mcp.example.com:8443", "mcp.example.com:8443", True),
        ("mcp.example.com:8443", "mcp.example.com", False),
        ("none", "mcp.example.com", False),
    ],
)
def test_the_operator_decides_which_hosts_may_be_added(environ, allowed, host, may):
    settings = config.load({**environ, "MCP_SERVERS_ALLOWED_HOSTS": allowed})
    if may:
        assert addresses.read_typed(settings, f"https://{host}/mcp") == f"https://{host}/mcp"
    else:
        with pytest.raises(addresses.HostNotAllowed, match="Ask its operator"):
            addresses.read_typed(settings, f"https://{host}/mcp")


def test_an_address_is_taken_as_people_type_it(settings):
    for typed in ("  mcp.example.com/mcp ", "HTTPS://MCP.Example.com:443/mcp", "mcp.example.com:443/mcp"):
        assert read_typed(settings, typed) == "https://mcp.example.com/mcp"
    assert read_typed(settings, "https://mcp.stripe.com/") == "https://mcp.stripe.com"
    assert (
        read_typed(settings, "https://a.example/mcp?toolsets=repos") == "https://a.example/mcp?toolsets=repos"
    )
