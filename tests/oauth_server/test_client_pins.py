"""Pinned metadata documents: big clients connect although their host does not let us load their document."""

import json

import pytest
from sqlmodel import select

from app import config, database
from app.errors import ConfigError
from app.factory import create_app
from app.oauth_server.models import Client
from tests.support.ai_client import AiClient
from tests.support.cases import every
from tests.support.signing_client import JWKS, RSA, SigningClient

CHATGPT = "https://chatgpt.com/oauth/client.json"
CODEX = "https://chatgpt.com/oauth/codex/client.json"
OPENCODE = "https://opencode.ai/oauth/opencode/client.json"
VS_CODE = "https://vscode.dev/oauth/client-metadata.json"
INSIDERS = "https://insiders.vscode.dev/oauth/client-metadata.json"
CLAUDE_CODE = "https://claude.ai/oauth/claude-code-client-metadata"


@pytest.mark.parametrize(
    ("client_id", "redirect_uri", "name"),
    [
        (CHATGPT, "https://chatgpt.com/connector_platform_oauth_redirect", "ChatGPT"),
        (
            "https://chatgpt.com/oauth/AbC_12-x/client.json",
            "https://chatgpt.com/connector/oauth/AbC_12-x",
            "ChatGPT",
        ),
        (CODEX, "http://127.0.0.1:5612/callback", "Codex"),
        (CODEX, "http://localhost:5612/callback", "Codex"),
        (CODEX, "http://127.0.0.1:5612/callback/IJMOsCBL6i7U", "Codex"),
        (
            "https://chatgpt.com/oauth/codex/IJMOsCBL6i7U/client.json",
            "http://127.0.0.1:9/callback/IJMOsCBL6i7U",
            "Codex",
        ),
        (OPENCODE, "http://127.0.0.1:51675/callback", "opencode"),
        (OPENCODE, "http://127.0.0.1:19876/mcp/oauth/callback", "opencode"),
        (VS_CODE, "http://127.0.0.1:33418/", "Visual Studio Code"),
        (VS_CODE, "http://127.0.0.1:33418", "Visual Studio Code"),
        (VS_CODE, "http://localhost:33418/", "Visual Studio Code"),
        (VS_CODE, "http://127.0.0.1:59656/", "Visual Studio Code"),
        (VS_CODE, "https://vscode.dev/redirect", "Visual Studio Code"),
        (INSIDERS, "https://insiders.vscode.dev/redirect", "Visual Studio Code - Insiders"),
        (CLAUDE_CODE, "http://localhost:3118/callback", "Claude Code"),
    ],
)
@pytest.mark.parametrize("trouble", ["down", "403"])
def test_it_connects_without_its_document(app, people, host, alice, client_id, redirect_uri, name, trouble):
    host.down, host.status = trouble == "down", 403
    client = AiClient(app, client_id=client_id, redirect_uri=redirect_uri)
    client.ask(alice)
    assert f"{name} wants to connect" in alice.page
    tokens = client.connect(alice)
    assert client.refresh(tokens["refresh_token"]).status == 200
    assert client.status(tokens["access_token"])["client"]["name"] == name
    assert host.fetches == 1, "not every step waits for a host that does not answer"


@every(
    "client_id, redirect_uri",
    [
        (CHATGPT, "https://chatgpt.com/connector/oauth/AbC"),
        ("https://chatgpt.com/oauth/AbC/client.json", "https://chatgpt.com/connector/oauth/XyZ"),
        (
            "https://chatgpt.com/oauth/AbC/client.json",
            "https://chatgpt.com/connector_platform_oauth_redirect",
        ),
        ("https://chatgpt.com/oauth/AbC/x/client.json", "https://chatgpt.com/connector/oauth/AbC"),
        ("https://chatgpt.com/oauth/A%62C/client.json", "https://chatgpt.com/connector/oauth/AbC"),
        ("https://chatgpt.com.evil.example/oauth/AbC/client.json", "https://chatgpt.com/connector/oauth/AbC"),
        ("https://chatgpt.com/oauth/codex/AbC/client.json", "http://127.0.0.1:9/callback/XyZ"),
        ("https://chatgpt.com/oauth/codex/AbC/client.json", "https://chatgpt.com/connector/oauth/codex"),
        (CODEX, "https://chatgpt.com/connector/oauth/codex"),
        (CODEX, "http://127.0.0.1:9/callback/a/b"),
        (CODEX, "http://127.0.0.1.evil.example/callback"),
        (OPENCODE, "http://127.0.0.1:9/other"),
        (VS_CODE, "http://127.0.0.1:9/callback"),
        (VS_CODE, "https://insiders.vscode.dev/redirect"),
    ],
)
def test_it_returns_nowhere_else(app, people, host, alice, client_id, redirect_uri):
    host.down = True
    response = AiClient(app, client_id=client_id, redirect_uri=redirect_uri).ask(alice)
    assert response.status_code == 400 and "Location" not in response.headers


def test_the_document_counts_once_it_loads(app, people, host, alice):
    host.document = {
        "client_id": CHATGPT,
        "client_name": "ChatGPT 9",
        "redirect_uris": ["https://chatgpt.com/new"],
    }
    client = AiClient(app, client_id=CHATGPT, redirect_uri="https://chatgpt.com/new")
    client.ask(alice)
    assert "ChatGPT 9 wants to connect" in alice.page
    old = AiClient(
        app, client_id=CHATGPT, redirect_uri="https://chatgpt.com/connector_platform_oauth_redirect"
    )
    assert old.ask(alice).status_code == 400


@pytest.mark.parametrize("keys_down", [False, True])
def test_chatgpt_may_sign_or_not(app, people, host, alice, keys_down):
    host.down, host.keys_down = True, keys_down

    host.keys = [RSA.as_dict(private=False)]
    where = "https://chatgpt.com/connector/oauth/AbC"
    client_id = "https://chatgpt.com/oauth/AbC/client.json"
    for kind in (SigningClient, AiClient):
        client = kind(app, client_id=client_id, redirect_uri=where)
        tokens = client.connect(alice)
        assert client.refresh(tokens["refresh_token"]).status == 200


def test_visitors_leave_no_rows_behind(app, people, host, visitor):
    host.down = True
    for number in range(30):
        AiClient(
            app,
            client_id=f"https://chatgpt.com/oauth/id{number}/client.json",
            redirect_uri=f"https://chatgpt.com/connector/oauth/id{number}",
        ).ask(visitor)
    with database.reading() as db:
        assert list(db.exec(select(Client))) == []


MINE = {
    "client_id": "https://ai.example.com/oauth/client.json",
    "client_name": "House AI",
    "redirect_uris": ["https://ai.example.com/cb"],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks_uri": JWKS,
}


class TestOfTheOperator:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "OAUTH_CLIENT_DOCUMENTS": json.dumps(MINE)}

    def test_an_operator_pins_one_more(self, app, people, host, alice):

        host.down, host.keys = True, [RSA.as_dict(private=False)]
        client = SigningClient(app, client_id=MINE["client_id"], redirect_uri=MINE["redirect_uris"][0])
        client.ask(alice)
        assert "House AI wants to connect" in alice.page
        assert client.connect(alice).status == 200


class TestOfTheOperatorInPlaceOfOurs:
    ID = "https://opencode.ai/oauth/opencode/client.json"

    @pytest.fixture
    def environ(self, environ):
        document = {**MINE, "client_id": self.ID, "token_endpoint_auth_method": "none"}
        return {**environ, "OAUTH_CLIENT_DOCUMENTS": json.dumps(document)}

    def test_an_operator_pins_a_newer_copy_than_ours(self, app, people, host, alice):
        host.down = True
        client = AiClient(app, client_id=self.ID, redirect_uri=MINE["redirect_uris"][0])
        assert client.connect(alice).status == 200


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{", "must be JSON"),
        ("[1]", "must hold JSON objects"),
        ('{"client_name": "x"}', "its client_id"),
        (json.dumps([MINE, MINE]), "twice"),
        (json.dumps({**MINE, "client_id": "http://ai.example.com/c.json"}), "is not a plain https address"),
        (json.dumps({**MINE, "redirect_uris": []}), "redirect_uris"),
        (json.dumps({**MINE, "redirect_uris": ["http://ai.example.com/cb"]}), "redirect_uris"),
        (json.dumps({**MINE, "client_name": ""}), "client_name"),
        (json.dumps({**MINE, "jwks_uri": None}), "holds no key"),
        (json.dumps({**MINE, "client_secret": "x"}), "secret"),
    ],
)
def test_a_document_that_cannot_be_pinned_stops_the_start(environ, value, problem):
    with pytest.raises(ConfigError, match="OAUTH_CLIENT_DOCUMENTS") as stopped:
        create_app(config.load({**environ, "OAUTH_CLIENT_DOCUMENTS": value}))
    assert problem in stopped.value.message
    assert stopped.value.message.count(". ") == 0
