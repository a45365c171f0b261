"""The adapter: takes one HTTP request, runs the SDK's server once, returns one HTTP response.

It knows nothing of bearers, workspaces or tools: `authenticate` says who the caller is, and the SDK server it
is given says what can be called.
"""

import logging
from collections.abc import Callable
from typing import Any

from mcp.server.lowlevel.server import Server
from mcp.server.runner import ServerRunner, modern_error_data
from mcp_types import METHOD_NOT_FOUND, ErrorData, RequestId
from pydantic_core import to_json

from app import logs, metrics
from app.errors import Unavailable
from app.mcp_server.protocol import revisions
from app.mcp_server.protocol.client_replies import ClientReplies
from app.mcp_server.protocol.errors import UNAVAILABLE, Refusal
from app.mcp_server.protocol.event_stream import FinalResponse, Stream, Streamer
from app.mcp_server.protocol.exchange import Exchange, Principal, run_to_end
from app.mcp_server.protocol.http_messages import HttpRequest, HttpResponse
from app.mcp_server.protocol.request_checks import RequestChecks, accepts
from app.mcp_server.protocol.revisions import InboundRequest, PostedReply
from app.mcp_server.protocol.sessions import Sessions

log = logging.getLogger(__name__)

# Clients of the handshake revisions ask for these without looking at our capabilities, and some drop a server
# that answers with an error.
_EMPTY_LISTS = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}


class ProtocolAdapter:
    """An MCP endpoint over an SDK server. One per process; stores no state of any request."""

    def __init__(
        self,
        server: Server[Any],
        *,
        checks: RequestChecks,
        authenticate: Callable[[HttpRequest], Principal],
        sessions: Sessions,
        replies: ClientReplies,
        threads: int,
    ) -> None:
        self.server = server
        self._checks = checks
        self._authenticate = authenticate
        self._sessions = sessions
        self._replies = replies
        self._streamer = Streamer(threads)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The response to any request to the endpoint. Answers every refusal instead of raising it."""
        if request.method == "OPTIONS":
            return self._checks.preflight(request)
        try:
            response = self._answer(request)
        except Refusal as refusal:
            response = _refused(refusal, refusal.request_id).response()
        except Unavailable as error:
            response = _refused(_unavailable(error), None).response()
        return self._checks.add_cors_headers(request, response)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        self._checks.admit(request)
        principal = self._authenticate(request)
        body = self._checks.read(request)
        message = revisions.read(body, request.headers, principal.key, self._sessions, self.server)
        if isinstance(message, InboundRequest):
            return self._serve(message, principal, request)
        if isinstance(message, PostedReply):
            self._replies.deliver(str(message.id), principal.key, message.body)
        return HttpResponse(202, {"Content-Length": "0"})

    def _serve(self, inbound: InboundRequest, principal: Principal, request: HttpRequest) -> HttpResponse:
        exchange = Exchange(principal, inbound.id, inbound.params, request.headers)
        if not (inbound.may_stream and accepts(request)[1]):
            return self._run(inbound, exchange).response()
        exchange.stream = stream = Stream(self._replies)
        exchange.may_ask = not inbound.is_modern
        try:
            return self._streamer.respond(
                lambda: self._run(inbound, exchange), exchange, stream, request.environ
            )
        except Unavailable as error:
            return _refused(_unavailable(error), inbound.id).response()

    def _run(self, inbound: InboundRequest, exchange: Exchange) -> FinalResponse:
        """Runs the SDK's server on the request. Every outcome becomes a response."""
        connection = inbound.connect(exchange)
        runner = ServerRunner(self.server, connection, {})
        try:
            result: dict[str, Any] = run_to_end(runner.on_request(exchange, inbound.method, inbound.params))  # type: ignore[arg-type]
        except Refusal as refusal:
            return _refused(refusal, inbound.id)
        except Unavailable as error:
            return _refused(_unavailable(error), inbound.id)
        except Exception as error:  # the edge: whatever happened, the client gets a response to its id
            data = modern_error_data(error)
            if data.code == METHOD_NOT_FOUND and not inbound.is_modern and inbound.method in _EMPTY_LISTS:
                return FinalResponse(200, _result(inbound.id, {_EMPTY_LISTS[inbound.method]: []}))
            return FinalResponse(inbound.status_of(data.code), _error(inbound.id, data))
        headers = {}
        if inbound.method == "initialize":
            headers["Mcp-Session-Id"] = self._sessions.mint(connection, exchange.principal.key)
        return FinalResponse(200, _result(inbound.id, result), headers)


def _unavailable(error: Unavailable) -> Refusal:
    metrics.count_unavailable(error)
    logs.unavailable(log, f"answered 503: {error.message}", error, status=503)
    return Refusal(503, UNAVAILABLE, error.message, {"retryable": True}, headers={"Retry-After": "5"})


def _refused(refusal: Refusal, request_id: RequestId | None) -> FinalResponse:
    return FinalResponse(refusal.status, _error(request_id, refusal.error), refusal.headers)


def _result(request_id: RequestId, result: dict[str, Any]) -> bytes:
    return to_json({"jsonrpc": "2.0", "id": request_id, "result": result}, inf_nan_mode="null")


def _error(request_id: RequestId | None, error: ErrorData) -> bytes:
    return to_json(
        {"jsonrpc": "2.0", "id": request_id, "error": error.model_dump(exclude_none=True)},
        inf_nan_mode="null",
    )
