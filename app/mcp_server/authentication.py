"""Authenticates the Authorization header, and sends the challenges of RFC 6750 and RFC 9728."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mcp_types import RequestId

from app.config import Settings
from app.errors import Unavailable
from app.mcp_server.protocol.errors import NOT_ALLOWED, Refusal
from app.mcp_server.protocol.http_messages import HttpRequest
from app.oauth_server import attempt_log, scopes
from app.oauth_server.callers import AuthenticatedCaller, find_caller, find_caller_with_connections
from app.oauth_server.rfc8707_resource import ending_as_typed
from app.web import local_access

_TOOL_NAME = re.compile(r"[a-z0-9_]{1,64}")
_READ_CONNECTIONS = frozenset(
    {
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
    }
)
_REFUSED = "The access token is unknown, expired or revoked. Authorize again."


@dataclass(frozen=True)
class AuthenticatedBearer:
    """The caller of one request: the adapter's `Principal`."""

    caller: AuthenticatedCaller
    key: str
    audience: str
    token: str = field(repr=False)

    def is_valid(self) -> bool:
        """Whether the token still works, checked while a stream is open. False too if the database is
        unavailable.
        """
        try:
            caller = find_caller(self.token)
        except Unavailable:
            return False
        return caller is not None and (caller.workspace_active or caller.is_operator_key)


class BearerAuthenticator:
    """Authenticates bearers of our own tokens."""

    def __init__(self, settings: Settings, is_built_in: Callable[[str], bool]) -> None:
        """`is_built_in` tells the tools that belong to no service."""
        self._settings = settings
        self._is_built_in = is_built_in
        self._issuer = settings.public_url
        self._audience = settings.mcp_url
        self._metadata = f"{settings.public_url}/.well-known/oauth-protected-resource/mcp"

    def authenticate(self, request: HttpRequest) -> AuthenticatedBearer:
        """The caller behind the request's token. Raises Refusal (401) with the challenge that starts
        authorization.
        """
        given = request.environ.get("HTTP_AUTHORIZATION")
        # The metadata's `resource` has to equal the address the person typed.
        ending = ending_as_typed(request.path, request.query)
        if given is None:
            attempt_log.note_discovery("knock", "Called without a token, and got the sign-in address.")
            raise self._unauthorized("Sign in first: this endpoint needs a bearer token.", ending)
        scheme, _, token = given.partition(" ")
        is_bearer = scheme.lower() == "bearer"
        caller = self._find(token.strip(), request.environ) if is_bearer else None
        # OAuth 2.1, "Access Token Privilege Restriction": a token for another resource is no token here.
        if caller is None or caller.audience.rstrip("/") != self._audience:
            raise self._unauthorized(_REFUSED, ending, "invalid_token")
        # An operator's key changes workspaces within one session.
        workspace_id = "" if caller.is_operator_key else caller.workspace_id
        key = json.dumps([caller.client_id or caller.grant_id, self._issuer, caller.user_id, workspace_id])
        if self._settings.debug_tools and local_access.may_debug(self._settings, request.environ):
            caller = replace(caller, may_debug=True)
        return AuthenticatedBearer(caller, key, self._audience, token.strip())

    def _find(self, token: str, environ: Mapping[str, Any]) -> AuthenticatedCaller | None:
        """The caller, with the connections that the request reads next if its headers say which.

        Nobody has compared the headers with the body yet: they decide what is read, never what is allowed.
        Clients of the handshake revisions send none.
        """
        method, tool = environ.get("HTTP_MCP_METHOD"), environ.get("HTTP_MCP_NAME", "")
        if method in _READ_CONNECTIONS:
            return find_caller_with_connections(token)
        if method == "tools/call" and _TOOL_NAME.fullmatch(tool):
            return find_caller_with_connections(token, "" if self._is_built_in(tool) else tool)
        return find_caller(token)

    def again(self, bearer: AuthenticatedBearer) -> AuthenticatedCaller:
        """The caller with its rights now, later in the same request. Raises Refusal (401)."""
        caller = find_caller(bearer.token)
        if caller is None:
            raise self._unauthorized(_REFUSED, "", "invalid_token")
        return replace(caller, may_debug=bearer.caller.may_debug)

    def _unauthorized(self, sentence: str, ending: str, error: str | None = None) -> Refusal:
        # RFC 6750, 3.1: without any token there is no error code.
        parts = {"error": error, "error_description": sentence} if error else {}
        return Refusal(
            401,
            NOT_ALLOWED,
            sentence,
            headers={"WWW-Authenticate": self._challenge(parts, scopes.DEFAULT, ending)},
        )

    def insufficient_scope(self, needed: Iterable[str], request_id: RequestId | None = None) -> Refusal:
        """The token lacks a scope. Names every scope the operation needs, so that one step-up is enough."""
        required = list(needed)
        sentence = (
            f"This needs the scope {required[-1]}, which was not granted to this AI client. Authorize "
            "again to grant it."
        )
        header = self._challenge({"error": "insufficient_scope", "error_description": sentence}, required)
        data = {"code": "PERMISSION_DENIED", "scopes": required}
        return Refusal(
            403, NOT_ALLOWED, sentence, data, headers={"WWW-Authenticate": header}, request_id=request_id
        )

    def _challenge(self, parts: Mapping[str, str], required: Iterable[str], ending: str = "") -> str:
        parts = {**parts, "resource_metadata": self._metadata + ending, "scope": " ".join(required)}
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items())
