"""Tells the protocol revisions apart and reads each one's messages into one form.

The modern revision (2026-07-28) has everything in the request. The handshake revisions (2025-11-25 and
before) negotiate it once, in `initialize`, and refer to it by `Mcp-Session-Id`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mcp.server.connection import Connection
from mcp.server.lowlevel.server import Server
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    MCP_PROTOCOL_VERSION_HEADER,
    InboundLadderRejection,
    classify_inbound_request,
    unsupported_protocol_version_rejection,
    validate_mcp_param_headers,
)
from mcp.shared.jsonrpc_dispatcher import progress_token_from_params
from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION
from pydantic import BaseModel, ValidationError

from app import strict_json
from app.mcp_server.protocol.errors import Refusal
from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.protocol.sessions import Sessions

Message = TypeVar("Message", bound=BaseModel)
_WITHOUT_SESSION = "2025-03-26"  # the revision of a request that names none
_SLOW_METHODS = frozenset({"tools/call", "prompts/get", "resources/read"})
_NO_ARGUMENTS = (
    "`arguments` is a text that is not one JSON object with each member once. Send an object, such as "
    '{"page": 1}.'
)
_NOT_A_MESSAGE = "The body must be a single JSON-RPC 2.0 request, notification or response."


@dataclass(frozen=True)
class InboundRequest:
    """A request to run, of any revision."""

    id: RequestId
    method: str
    params: dict[str, Any] | None
    is_modern: bool
    version: str
    client_info: Any = None
    capabilities: Any = None
    is_of_handshake: bool = False  # it names a session, or a revision that has them

    @property
    def may_stream(self) -> bool:
        """Whether anything may be sent before the result."""
        if not self.is_modern:
            return self.method in _SLOW_METHODS
        meta = (self.params or {}).get("_meta") or {}
        return progress_token_from_params(self.params) is not None or LOG_LEVEL_META_KEY in meta

    def connect(self, exchange: Exchange) -> Connection:
        """The SDK's connection for one request. Handshake-revision messages use the request's stream."""
        if self.is_modern:
            return Connection.from_envelope(self.version, self.client_info, self.capabilities)
        return Connection.from_envelope(self.version, self.client_info, self.capabilities, outbound=exchange)

    def status_of(self, code: int) -> int:
        """The HTTP status of a JSON-RPC error.

        To a client of a handshake revision a 404 means that its session has ended, also if it never had one:
        Claude Code gives the server up. Such clients hide the errors of other statuses, too. There the HTTP
        request as such succeeded.
        """
        return 200 if self.is_of_handshake else ERROR_CODE_HTTP_STATUS.get(code, 200)


@dataclass(frozen=True)
class PostedReply:
    """A client's reply to a request of ours."""

    id: RequestId
    body: dict[str, Any] = field(repr=False)


def read(
    body: dict[str, Any],
    headers: Mapping[str, str],
    principal_key: str,
    sessions: Sessions,
    server: Server[Any],
) -> InboundRequest | PostedReply | None:
    """The message in a body; None for a notification, which is only acknowledged. Raises Refusal."""
    if _is_modern(body, headers):
        return _read_modern(body, headers, server)
    return _read_handshake(body, headers, principal_key, sessions)


def _is_modern(body: dict[str, Any], headers: Mapping[str, str]) -> bool:
    named = headers.get(MCP_PROTOCOL_VERSION_HEADER)
    if named is not None and named not in HANDSHAKE_PROTOCOL_VERSIONS:
        return True
    params = body.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta


def _read_modern(
    body: dict[str, Any], headers: Mapping[str, str], server: Server[Any]
) -> InboundRequest | None:
    if "id" not in body:
        _valid(JSONRPCNotification, body)
        _pass(unsupported_protocol_version_rejection(headers.get(MCP_PROTOCOL_VERSION_HEADER, "")), None)
        return None
    request = _valid(JSONRPCRequest, body)
    route = classify_inbound_request(body, headers=headers)
    if isinstance(route, InboundLadderRejection):
        raise _refused(route, request.id)
    _pass(_mismatched_parameter(request, headers, server), request.id)
    return InboundRequest(
        request.id,
        request.method,
        _params_of(request),
        True,
        route.protocol_version,
        route.client_info,
        route.client_capabilities,
    )


def _mismatched_parameter(
    request: JSONRPCRequest, headers: Mapping[str, str], server: Server[Any]
) -> InboundLadderRejection | None:
    """Compares `Mcp-Param-*` headers with the arguments of a tool that declares such headers."""
    schema_of, params = server.get_tool_input_schema, request.params or {}
    if request.method != "tools/call" or schema_of is None or not isinstance(params.get("name"), str):
        return None
    schema, arguments = schema_of(params["name"]), params.get("arguments") or {}
    if schema is None or not isinstance(arguments, dict):
        return None
    return validate_mcp_param_headers(schema, arguments, headers)


def _read_handshake(
    body: dict[str, Any], headers: Mapping[str, str], principal_key: str, sessions: Sessions
) -> InboundRequest | PostedReply | None:
    if "method" not in body:
        reply = _valid(JSONRPCResponse if "result" in body else JSONRPCError, body)
        if not isinstance(reply, JSONRPCResponse | JSONRPCError) or reply.id is None:
            raise Refusal(400, INVALID_REQUEST, _NOT_A_MESSAGE)
        return PostedReply(reply.id, body)
    if "id" not in body:
        _valid(JSONRPCNotification, body)
        _find_session(headers, principal_key, sessions, None)
        return None
    request = _valid(JSONRPCRequest, body)
    if request.method == "initialize":
        return InboundRequest(request.id, request.method, request.params, False, LATEST_HANDSHAKE_VERSION)
    return _find_session(headers, principal_key, sessions, request)


def _find_session(
    headers: Mapping[str, str], principal_key: str, sessions: Sessions, request: JSONRPCRequest | None
) -> InboundRequest | None:
    session_id = headers.get("mcp-session-id")
    session = sessions.find(session_id, principal_key) if session_id is not None else None
    if session_id is not None and session is None:
        message = "This session is not known here or belongs to somebody else. Initialize again."
        raise Refusal(404, INVALID_REQUEST, message, request_id=request.id if request else None)
    if request is None:
        return None
    if session is None:
        version = headers.get(MCP_PROTOCOL_VERSION_HEADER, _WITHOUT_SESSION)
        return InboundRequest(
            request.id,
            request.method,
            _params_of(request),
            False,
            version,
            is_of_handshake=MCP_PROTOCOL_VERSION_HEADER in headers,
        )
    return InboundRequest(
        request.id,
        request.method,
        _params_of(request),
        False,
        session.version,
        session.client_info,
        session.capabilities,
        is_of_handshake=True,
    )


def _params_of(request: JSONRPCRequest) -> dict[str, Any] | None:
    """The parameters. Some clients send a tool's `arguments` as JSON text, and PHP an empty object as []."""
    params = request.params
    if request.method != "tools/call" or params is None:
        return params
    arguments = params.get("arguments")
    if arguments in ("", []):
        return {**params, "arguments": {}}
    if not isinstance(arguments, str):
        return params
    try:
        found = strict_json.parse(arguments.encode())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(400, INVALID_PARAMS, _NO_ARGUMENTS, request_id=request.id)
    return {**params, "arguments": found}


def _valid(model: type[Message], body: dict[str, Any]) -> Message:
    try:
        return model.model_validate(body, by_name=False)
    except ValidationError:
        given = body.get("id")
        known = given if isinstance(given, str | int) and not isinstance(given, bool) else None
        raise Refusal(400, INVALID_REQUEST, _NOT_A_MESSAGE, request_id=known) from None


def _pass(rejection: InboundLadderRejection | None, request_id: RequestId | None) -> None:
    if rejection is not None:
        raise _refused(rejection, request_id)


def _refused(rejection: InboundLadderRejection, request_id: RequestId | None) -> Refusal:
    status = ERROR_CODE_HTTP_STATUS.get(rejection.code, 400)
    return Refusal(status, rejection.code, rejection.message, rejection.data, request_id=request_id)
