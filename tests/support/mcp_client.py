"""An AI client at the endpoint, and Acme: a service made up for these tests, whose tools answer without a
network.
"""

import itertools
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import database
from app.mail import Mailer
from app.oauth_server import grants
from app.oauth_server.callers import find_caller
from app.oauth_server.models import Grant
from app.vault import store
from app.vault.models import Connection
from tests.support import acme
from tests.support.catalogue import install

MODERN = "2026-07-28"
_VERSION, _INFO, _CAPABILITIES = (
    f"io.modelcontextprotocol/{name}" for name in ("protocolVersion", "clientInfo", "clientCapabilities")
)
_URL_CAPABLE = {"elicitation": {"form": {}, "url": {}}}


@dataclass
class Client:
    """An AI client with a token. `ask` speaks the modern revision unless `session` or `version` says
    otherwise.
    """

    app: Flask
    token: str | None
    capabilities: dict[str, Any] = field(default_factory=dict)
    session: str | None = None
    version: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: itertools.count(1))
    path = "/mcp"

    def post(self, body: Any, **headers: str) -> TestResponse:
        sent = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        sent |= self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.app.test_client().post(self.path, data=data, headers=sent)

    def ask(self, method: str, **params: Any) -> TestResponse:
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        if self.session or self.version:
            headers = {"Mcp_Session_Id": self.session} if self.session else {}
            return self.post(body, **headers, MCP_Protocol_Version=self.version or "2025-11-25")
        meta = {_VERSION: MODERN, _INFO: {"name": "test", "version": "1"}, _CAPABILITIES: self.capabilities}
        params["_meta"] = {**meta, **params.get("_meta", {})}
        named_by = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}.get(method)
        named = {"Mcp_Name": params[named_by]} if named_by else {}
        return self.post(body, MCP_Protocol_Version=MODERN, Mcp_Method=method, **named)

    def initialize(self, version: str = "2025-11-25") -> TestResponse:
        params = {
            "protocolVersion": version,
            "capabilities": self.capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        }
        response = self.post(
            {"jsonrpc": "2.0", "id": next(self._ids), "method": "initialize", "params": params}
        )
        self.session, self.version = (
            response.headers.get("Mcp-Session-Id"),
            response.json["result"]["protocolVersion"],
        )
        return response

    def tools(self) -> dict[str, dict[str, Any]]:
        return {tool["name"]: tool for tool in self.ask("tools/list").json["result"]["tools"]}

    def call(self, tool: str, arguments: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """The envelope of a call, checked to be the same as structure and as text."""
        response = self.ask("tools/call", name=tool, arguments=arguments or {}, **params)
        assert response.status_code == 200, response.text
        result = response.json["result"]
        envelope: dict[str, Any] = result["structuredContent"]
        assert json.loads(result["content"][0]["text"]) == envelope
        assert result["isError"] is not envelope["success"]
        return envelope

    def refusal(self, tool: str, arguments: dict[str, Any] | None = None) -> tuple[str, str]:
        """The code and the sentence of a call that fails."""
        envelope = self.call(tool, arguments)
        assert not envelope["success"], envelope
        assert {"retryable", "correlation_id"} <= set(envelope["error"]["details"])
        return envelope["error"]["code"], envelope["error"]["message"]


@pytest.fixture
def token_for(app, people):
    """`token_for(people.alice, "tools:read")` is a bearer of that person, in their own workspace."""

    def _token(user: Any, scopes: str = "tools:read tools:write", workspace: Any = None) -> str:
        workspace = workspace or (people.contoso if user is people.charlie else people.northwind)
        member: Any = SimpleNamespace(user=user, workspace=workspace)
        with app.app_context(), database.transaction() as db:
            return grants.issue_personal_token(db, member, "test client", scopes, 2 * 86_400)

    return _token


@pytest.fixture
def client_of(app, token_for):
    """`client_of(people.alice)` is an AI client that acts for that person."""

    def _client(user: Any, scopes: str = "tools:read tools:write", **options: Any) -> Client:
        return Client(app, token_for(user, scopes), **options)

    return _client


@pytest.fixture
def oauth_client_of(app, token_for):
    """Like `client_of`, but the person allowed the client on the consent page: it may ask in its chat."""

    def _client(user: Any, scopes: str = "tools:read tools:write", **options: Any) -> Client:
        return Client(app, allowed_by_consent(token_for(user, scopes)), **options)

    return _client


def allowed_by_consent(token: str) -> str:
    """The token, its grant made one of the consent page."""
    caller = find_caller(token)
    assert caller
    with database.transaction() as db:
        grant = db.get(Grant, caller.grant_id)
        assert grant
        grant.kind = "oauth"
    return token


@pytest.fixture
def alice(client_of, people) -> Client:
    """alice's AI client, allowed to read and write."""
    return client_of(people.alice)


@pytest.fixture
def url_capable() -> dict[str, Any]:
    """Capabilities of a client that can open a URL for the person."""
    return _URL_CAPABLE


@pytest.fixture(autouse=True)
def acme_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Acme is in the catalogue."""
    install(acme.CONNECTOR, monkeypatch=monkeypatch)


@pytest.fixture
def connect(app, people, settings):
    """`connect(people.alice, "Main", permission="write")` adds an Acme connection of that person."""

    def _connect(
        user: Any, account: str = "Main", *, workspace: Any = None, businesses: int = 1, **columns: Any
    ) -> Connection:
        workspace = workspace or (people.contoso if user is people.charlie else people.northwind)
        with database.transaction() as db:
            connection = store.connect(
                db,
                workspace_id=workspace.id,
                owner_id=user.id,
                slug="acme",
                account=acme.account(account, businesses),
                tokens=acme.TOKENS,
                scopes=columns.pop("scopes", "things.read things.write"),
                keys=settings.vault_keys,
            )
            for name, value in columns.items():
                setattr(connection, name, value)
        return connection

    return _connect


@pytest.fixture
def written() -> list[str]:
    """What Acme was made to write."""
    acme.written.clear()
    return acme.written


@pytest.fixture
def asking(connect, people) -> Connection:
    """alice's Acme connection, which asks before writing; shared."""
    connection: Connection = connect(people.alice, permission="ask")
    return connection


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """The mails that were sent: to whom, subject, text."""
    sent: list[tuple[str, str, str]] = []
    monkeypatch.setattr(Mailer, "send", lambda self, *letter: sent.append(letter))
    return sent
