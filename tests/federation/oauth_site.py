"""An MCP server with OAuth whose every answer a test can change, where real servers always behave."""

import json
from urllib.parse import quote

from tests.support.scripted_http import Written


class OAuthSite:
    """A scripted server with OAuth, whose answers a test can change."""

    def __init__(self, server, issuer=None):
        self.server, self.clients = server, 0
        self.token_answers, self.callback_errors = [], []
        self.issuer = issuer or server.url
        self.iss = None  # what the consent page's answers name; None: nothing
        self.metadata = {}  # members that replace others
        self.resource = {}  # the same of the protected resource's metadata
        self.wanted = {}  # scopes that a call of a tool needs, by its name
        self.granted = ""
        server.script = {
            ("POST", "/mcp"): self._mcp,
            ("GET", "/.well-known/oauth-protected-resource/mcp"): lambda sent: Written(
                200,
                {
                    "resource": f"{server.url}/mcp",
                    "authorization_servers": [self.issuer],
                    **self.resource,
                },
            ),
            ("GET", "/.well-known/oauth-authorization-server"): self._describe,
            ("POST", "/register"): self._register,
            ("GET", "/authorize"): self._authorize,
            ("POST", "/token"): self._token,
            ("POST", "/revoke"): Written(200, {}),
        }

    def _describe(self, sent):
        url = self.server.url
        return Written(
            200,
            {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "registration_endpoint": f"{url}/register",
                "revocation_endpoint": f"{url}/revoke",
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                **self.metadata,
            },
        )

    def _mcp(self, sent):
        if not sent.headers.get("authorization", "").startswith("Bearer token-of-"):
            return Written(401, b"", {"WWW-Authenticate": 'Bearer scope="basic"'})
        body = json.loads(sent.body)
        if body["method"] == "server/discover":
            return Written(
                404, {"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32601, "message": "no"}}
            )
        needed = self.wanted.get(body.get("params", {}).get("name"), "")
        if body["method"] == "tools/call" and not set(needed.split()) <= set(self.granted.split()):
            challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
            return Written(403, b"", {"WWW-Authenticate": challenge})
        results = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "site", "version": "1"},
            },
            "tools/list": {"tools": [{"name": "ping", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "pong"}]},
        }
        if "id" not in body:
            return Written(202)
        return Written(200, {"jsonrpc": "2.0", "id": body["id"], "result": results[body["method"]]})

    def grant(self, requested):
        """The scopes that the person lets it have."""
        return requested

    def _register(self, sent):
        self.clients += 1
        return Written(201, {"client_id": f"client-{self.clients}", "client_secret": "canary-client-secret"})

    def _authorize(self, sent):
        back = f"{sent.form['redirect_uri']}?state={sent.form['state']}"
        if self.iss is not None:
            back += f"&iss={quote(self.iss, safe='')}"
        self.granted = self.grant(sent.form.get("scope", ""))
        if self.callback_errors:
            return Written(302, b"", {"Location": f"{back}&error={self.callback_errors.pop(0)}"})
        return Written(302, b"", {"Location": f"{back}&code=code-of-{sent.form['client_id']}"})

    def _token(self, sent):
        if self.token_answers:
            return self.token_answers.pop(0)
        return Written(
            200,
            {
                "access_token": f"token-of-{sent.form['client_id']}",
                "refresh_token": "canary-refresh-token",
                "token_type": "Bearer",
                "expires_in": 3600,
                "scope": self.granted,
            },
        )
