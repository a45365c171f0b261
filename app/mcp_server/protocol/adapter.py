"""The adapter: one HTTP request in, the SDK's server run once, one HTTP response out.

It knows nothing of bearers, workspaces or tools: who the caller is comes from `authenticate`, what
can be called from the SDK server it is given.
"""

import logging
from collections.abc import Callable
from typing import Any

from flask import Request, Response
from mcp.server.lowlevel.server import Server
from mcp.server.runner import ServerRunner, modern_error_data
from mcp_types import ErrorData, RequestId
from pydantic_core import to_json

from app.errors import Unavailable
from app.mcp_server.protocol import revisions
from app.mcp_server.protocol.client_replies import Rendezvous
from app.mcp_server.protocol.errors import UNAVAILABLE, Refusal
from app.mcp_server.protocol.event_stream import Final, Stream, Streamer
from app.mcp_server.protocol.exchange import Exchange, Principal, run_to_end
from app.mcp_server.protocol.request_checks import RequestChecks, accepts
from app.mcp_server.protocol.revisions import Inbound, Posted
from app.mcp_server.protocol.sessions import Sessions

log = logging.getLogger(__name__)


class Adapter:
    """An MCP endpoint over an SDK server. One per process; holds no state of any request."""

    def __init__(
        self,
        server: Server[Any],
        *,
        gate: RequestChecks,
        authenticate: Callable[[Request], Principal],
        sessions: Sessions,
        rendezvous: Rendezvous,
        threads: int,
    ) -> None:
        self.server = server
        self._gate = gate
        self._authenticate = authenticate
        self._sessions = sessions
        self._rendezvous = rendezvous
        self._streamer = Streamer(threads)

    def answer(self, request: Request) -> Response:
        """The response to any request to the endpoint. Refusals of every kind are answered, not raised."""
        if request.method == "OPTIONS":
            return self._gate.preflight(request)
        try:
            response = self._answer(request)
        except Refusal as refusal:
            response = _refused(refusal, refusal.request_id).response()
        except Unavailable as error:
            response = _refused(_unavailable(error), None).response()
        return self._gate.share(request, response)

    def _answer(self, request: Request) -> Response:
        self._gate.admit(request)
        principal = self._authenticate(request)
        body = self._gate.read(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        message = revisions.read(body, headers, principal.key, self._sessions, self.server)
        if isinstance(message, Inbound):
            return self._serve(message, headers, principal, request)
        if isinstance(message, Posted):
            self._rendezvous.deliver(str(message.id), principal.key, message.body)
        return Response(status=202)

    def _serve(
        self, inbound: Inbound, headers: dict[str, str], principal: Principal, request: Request
    ) -> Response:
        exchange = Exchange(principal, inbound.id, inbound.params, headers)
        if not (inbound.may_stream and accepts(request)[1]):
            return self._run(inbound, exchange).response()
        exchange.line = stream = Stream(self._rendezvous)
        exchange.may_ask = not inbound.is_modern
        return self._streamer.respond(lambda: self._run(inbound, exchange), exchange, stream, request.environ)

    def _run(self, inbound: Inbound, exchange: Exchange) -> Final:
        """Run the SDK's server over the request. Every outcome becomes an answer."""
        connection = inbound.connect(exchange)
        runner = ServerRunner(self.server, connection, {})
        try:
            result: dict[str, Any] = run_to_end(runner.on_request(exchange, inbound.method, inbound.params))  # type: ignore[arg-type]
        except Refusal as refusal:
            return _refused(refusal, inbound.id)
        except Unavailable as error:
            return _refused(_unavailable(error), inbound.id)
        except Exception as error:  # the edge: whatever happened, the client is owed an answer to its id
            data = modern_error_data(error)
            return Final(inbound.status_of(data.code), _error(inbound.id, data))
        headers = {}
        if inbound.method == "initialize":
            headers["Mcp-Session-Id"] = self._sessions.mint(connection, exchange.principal.key)
        return Final(
            200, to_json({"jsonrpc": "2.0", "id": inbound.id, "result": result}, inf_nan_mode="null"), headers
        )


def _unavailable(error: Unavailable) -> Refusal:
    log.error("answered 503: %s", error.message, exc_info=error)
    return Refusal(503, UNAVAILABLE, error.message, {"retryable": True}, headers={"Retry-After": "5"})


def _refused(refusal: Refusal, request_id: RequestId | None) -> Final:
    return Final(refusal.status, _error(request_id, refusal.error), refusal.headers)


def _error(request_id: RequestId | None, error: ErrorData) -> bytes:
    return to_json(
        {"jsonrpc": "2.0", "id": request_id, "error": error.model_dump(exclude_none=True)},
        inf_nan_mode="null",
    )
