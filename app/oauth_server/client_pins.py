"""Pinned metadata documents: copies of what big clients publish, for when their host does not let us load it.

Their hosts have refused data centres before, and these clients do not fall back to registration. The contents
are those the hosts served in September and October 2026, as quoted in public: ChatGPT in
gamedevpl/www.gamedev.pl#641, Codex in openai/codex (codex-rs/rmcp-client/src/oauth_client_registration.rs),
opencode in anomalyco/opencode#47737, Claude Code in anthropics/claude-code#41011. An operator adds more with
OAUTH_CLIENT_DOCUMENTS.
"""

import re
from collections.abc import Mapping
from typing import Any

from app.oauth_server import redirects
from app.web import current

_CHATGPT = "https://chatgpt.com/oauth/"
_SIGNED_OR_PUBLIC: dict[str, Any] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    "token_endpoint_auth_signing_alg": "RS256",
    "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
}
# One document per MCP server, whose id and redirect URI hold the same callback id: what ChatGPT and Codex use
# with servers that do not name their issuer in the response (RFC 9207).
_PER_SERVER = re.compile(
    re.escape(_CHATGPT) + r"(?P<codex>codex/)?(?P<id>(?!codex/)[A-Za-z0-9_-]{1,128})/client\.json"
)

_DOCUMENTS: Mapping[str, Mapping[str, Any]] = {
    "https://claude.ai/oauth/mcp-oauth-client-metadata": {
        "client_name": "Claude",
        "redirect_uris": [
            "https://claude.ai/api/mcp/auth_callback",
            "https://claude.com/api/mcp/auth_callback",
        ],
    },
    "https://claude.ai/oauth/claude-code-client-metadata": {
        "client_name": "Claude Code",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
    },
    f"{_CHATGPT}client.json": {
        "client_name": "ChatGPT",
        "client_uri": "https://chatgpt.com/",
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        **_SIGNED_OR_PUBLIC,
    },
    f"{_CHATGPT}codex/client.json": {
        "client_name": "Codex",
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
    },
    "https://opencode.ai/oauth/opencode/client.json": {
        "client_name": "opencode",
        "client_uri": "https://opencode.ai",
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
    },
    "https://vscode.dev/oauth/client-metadata.json": {
        "client_name": "Visual Studio Code",
        "client_uri": "https://vscode.dev/product",
        "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
    },
    "https://insiders.vscode.dev/oauth/client-metadata.json": {
        "client_name": "Visual Studio Code - Insiders",
        "redirect_uris": [
            "http://127.0.0.1:33418/",
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
        ],
    },
}

# Loopback addresses that a client is known to return to although its document does not list them. Only a
# program on the person's own computer can listen there, as at those it lists.
_ALSO: Mapping[str, re.Pattern[str]] = {
    client_id: re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?" + path)
    for client_id, path in {
        f"{_CHATGPT}codex/client.json": r"/callback(/[A-Za-z0-9_-]{1,128})?",
        "https://opencode.ai/oauth/opencode/client.json": r"(/mcp/oauth)?/callback",  # opencode#50510
        "https://vscode.dev/oauth/client-metadata.json": "/?",
        "https://insiders.vscode.dev/oauth/client-metadata.json": "/?",
    }.items()
}


def find(client_id: str) -> Mapping[str, Any] | None:
    """The pinned document of a client id, or None. The operator's is before ours, which may be older."""
    document = current.settings().client_documents.get(client_id) or _DOCUMENTS.get(client_id)
    return document or _per_server(client_id)


def _per_server(client_id: str) -> Mapping[str, Any] | None:
    named = _PER_SERVER.fullmatch(client_id)
    if named is None:
        return None
    if named["codex"]:
        hosts = ("127.0.0.1", "localhost")
        return {
            "client_name": "Codex",
            "redirect_uris": [f"http://{host}/callback/{named['id']}" for host in hosts],
        }
    return {
        **_DOCUMENTS[f"{_CHATGPT}client.json"],
        "redirect_uris": [f"https://chatgpt.com/connector/oauth/{named['id']}"],
    }


def ids() -> tuple[str, ...]:
    """The client ids with a pinned document, but for those of one MCP server."""
    return (*_DOCUMENTS, *(name for name in current.settings().client_documents if name not in _DOCUMENTS))


def also_returns_to(client_id: str, redirect_uri: str) -> bool:
    """True for a loopback address that this client uses beside those of its document."""
    known = _ALSO.get(client_id)
    return (
        known is not None
        and known.fullmatch(redirect_uri) is not None
        and redirects.is_acceptable(redirect_uri)
    )
