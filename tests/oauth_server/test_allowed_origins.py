"""MCP_ALLOWED_ORIGINS: more web pages, extensions and desktop apps may call `/mcp` from a browser."""

import pytest

from app import config
from app.errors import ConfigError

PATHS = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/mcp",
]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    },
}


def call(app, origin):
    """POST /mcp from a page of that origin, without a token: 401 when the origin is allowed."""
    headers = {"Origin": origin, "Accept": "application/json, text/event-stream"}
    return app.test_client().post("/mcp", json=INITIALIZE, headers=headers)


def preflight(app, origin):
    return app.test_client().options(
        "/mcp",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
    )


class TestNamedOrigins:
    @pytest.fixture
    def environ(self, environ):
        named = (
            "https://n8n.example.com, HTTPS://Flow.Example.com:443/ ,http://n8n.lan:5678,"
            "chrome-extension://abcdefghijklmnop,moz-extension://*,vscode-webview://*,app://obsidian.md"
        )
        return {**environ, "MCP_ALLOWED_ORIGINS": named}

    @pytest.mark.parametrize(
        "origin",
        [
            "https://n8n.example.com",
            "https://flow.example.com",
            "http://n8n.lan:5678",
            "chrome-extension://abcdefghijklmnop",
            "moz-extension://3b1f8f7e-0f0e-4a51-9f0c-0d3a1c1c2b11",
            "vscode-webview://0abc123",
            "app://obsidian.md",
            "http://localhost:6274",
            "https://claude.ai",
        ],
    )
    def test_they_may_call_and_read_the_answer(self, app, origin):
        answer = call(app, origin)
        assert answer.status_code == 401
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "WWW-Authenticate" in answer.headers["Access-Control-Expose-Headers"]
        allowed = preflight(app, origin)
        assert allowed.headers["Access-Control-Allow-Origin"] == origin
        assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()
        for path in PATHS:
            found = app.test_client().get(path, headers={"Origin": origin})
            assert found.headers["Access-Control-Allow-Origin"] in {"*", origin}

    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "https://evil.example",
            "https://n8n.example.com.evil.example",
            "http://n8n.example.com",
            "https://n8n.example.com:8443",
            "http://n8n.lan",
            "chrome-extension://zzz",
            "app://other",
            "https://*",
            "moz-extension",
            "",
        ],
    )
    def test_others_may_not(self, app, origin):
        answer = call(app, origin)
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Origin" not in preflight(app, origin).headers


class TestNull:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "MCP_ALLOWED_ORIGINS": "null"}

    def test_null_is_allowed_only_by_name(self, app):
        assert call(app, "null").status_code == 401
        assert call(app, "https://n8n.example.com").status_code == 403


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "https://*",
        "https://*.example.com",
        "n8n.example.com",
        "https://",
        "https://n8n.example.com/path",
        "https://n8n.example.com?x=1",
        "https://n8n.example.com#x",
        "https://user:pw@n8n.example.com",
        "https://n8n.example.com:99999",
        "https://n8n.example.com:0",
        "https://n8n.example.com:",
        "https://n8n example.com",
        "https://ünï.example.com",
        "https://[::1",
        "javascript://x",
        "file:///home",
        "https://ok.example.com, nonsense",
        "Null",
    ],
)
def test_a_value_that_is_no_origin_stops_the_start(environ, value):
    with pytest.raises(ConfigError) as stopped:
        config.load({**environ, "MCP_ALLOWED_ORIGINS": value})
    assert stopped.value.message.startswith("MCP_ALLOWED_ORIGINS: ")
    assert stopped.value.message.count(". ") == 0
