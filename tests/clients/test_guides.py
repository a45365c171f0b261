"""The guides of the AI clients page: the address is filled in everywhere, and each link means what it
says.
"""

import base64
import html
import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from app import database
from app.accounts import sessions

CLIENTS = [
    "claude",
    "claude-code",
    "claude-desktop",
    "cursor",
    "vs-code",
    "chatgpt",
    "gemini",
    "openai",
    "python",
]
URL = "http://localhost:8000/mcp"


def codes_on(page):
    return [
        re.sub(r"</?span[^>]*>", "", code)
        for code in re.findall(r'<code id="code-[^"]+">(.*?)</code>', page, re.S)
    ]


def guide(alice, key):
    """What the guide asks to paste, and the links on it."""
    text = alice.get(f"/ai-clients?client={key}").get_data(as_text=True)
    links = [html.unescape(link) for link in re.findall(r'<a class="button" href="([^"]+)"', text)]
    return [html.unescape(code) for code in codes_on(text)], links


@pytest.mark.parametrize("key", CLIENTS)
def test_every_client_has_a_guide_with_the_address_in_it(alice, key):
    pasted, links = guide(alice, key)
    everything = " ".join([*pasted, *links, *map(unquote, links)])
    encoded = base64.b64encode(json.dumps({"url": URL}).encode()).decode()
    assert URL in everything or encoded in everything
    assert f'href="/ai-clients?client={key}"' in alice.page and 'aria-current="true"' in alice.page


def test_an_unknown_client_shows_the_first_guide(alice):
    assert alice.get("/ai-clients?client=nonsense").status_code == 200
    assert "How to connect Claude" in alice.page


def test_a_click_on_a_client_changes_only_the_guide(alice):
    answer = alice.get("/ai-clients?client=cursor", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert answer.lstrip().startswith("<section") and "Add to Cursor" in answer and "<html" not in answer


def test_the_link_for_cursor_carries_what_cursor_reads(alice):
    _, [link] = guide(alice, "cursor")
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.path) == ("cursor", "anysphere.cursor-deeplink", "/mcp/install")
    parameters = parse_qs(parts.query)
    assert parameters["name"] == ["patchbay"]
    assert json.loads(base64.b64decode(parameters["config"][0])) == {"url": URL}


def test_the_link_for_vs_code_carries_what_vs_code_reads(alice):
    _, [link] = guide(alice, "vs-code")
    assert link.startswith("vscode:mcp/install?")
    assert json.loads(unquote(link.partition("?")[2])) == {"name": "patchbay", "type": "http", "url": URL}


@pytest.mark.parametrize(
    ("key", "root"), [("claude-desktop", "mcpServers"), ("cursor", "mcpServers"), ("vs-code", "servers")]
)
def test_configuration_files_are_valid_json_that_names_our_server(alice, key, root):
    configs = [code for code in guide(alice, key)[0] if code.startswith("{")]
    assert configs
    for config in configs:
        assert URL in json.dumps(json.loads(config)[root]["patchbay"])


@pytest.mark.parametrize("key", CLIENTS)
def test_no_guide_holds_a_token(alice, key):
    alice.get("/ai-clients")
    alice.submit("/ai-clients/tokens", {"name": "laptop", "scope": "tools:read", "days": "7"})
    token = re.search(r"pbp_[\w-]{43}", alice.page)[0]
    assert token not in str(guide(alice, key))


def test_a_client_in_the_cloud_is_told_that_it_cannot_reach_this_computer(alice):
    alice.get("/ai-clients?client=chatgpt")
    assert "ChatGPT needs a public address" in alice.page
    alice.get("/ai-clients?client=cursor")
    assert "needs a public address" not in alice.page


class TestOnAPublicAddress:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "PUBLIC_URL": "https://hub.example.com", "BRAND_NAME": "Acme & Söhne Hub"}

    @pytest.fixture
    def browser(self, app, people):
        """Alice's, signed in at the public address."""
        with database.transaction() as db:
            cookie = sessions.start(db, people.alice)
        client = app.test_client()
        client.set_cookie("__Host-session", cookie, domain="hub.example.com", secure=True)
        return lambda path: html.unescape(
            client.get(path, base_url="https://hub.example.com").get_data(as_text=True)
        )

    def test_a_client_in_the_cloud_needs_no_warning(self, browser):
        page = browser("/ai-clients?client=claude")
        assert "https://hub.example.com/mcp" in page and "needs a public address" not in page

    def test_the_server_is_named_for_the_company(self, browser):
        page = browser("/ai-clients?client=claude-code")
        assert "claude mcp add --transport http acme-sohne-hub https://hub.example.com/mcp" in page
        assert "$ACME_SOHNE_HUB_TOKEN" in page
