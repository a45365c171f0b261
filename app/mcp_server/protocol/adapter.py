"""The adapter: takes one HTTP request, runs the SDK's server once, returns one HTTP response.

It knows nothing of bearers, workspaces or tools: `authenticate` says who the caller is, and the SDK server it
is given says what can be called.
"""

from collections.abc import Callable
from typing import Any

from mcp.server.lowlevel.server import Server

from app.errors import Unavailable
from app.mcp_server.protocol import revisions
from app.mcp_server.protocol.client_replies import ClientReplies
from app.mcp_server.protocol.errors import Refusal
from app.mcp_server.protocol.event_stream import Stream, Streamer
from app.mcp_server.protocol.exchange import Exchange, Principal
from app.mcp_server.protocol.http_messages import HttpRequest, HttpResponse
from app.mcp_server.protocol.request_checks import RequestChecks, accepts
from app.mcp_server.protocol.revisions import InboundRequest, PostedReply
from app.mcp_server.protocol.running import Runner, refused, unavailable
from app.mcp_server.protocol.sessions import Sessions


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
        self._runner = Runner(server, sessions)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The response to any request to the endpoint. Answers every refusal instead of raising it."""
        if request.method == "OPTIONS":
            return self._checks.preflight(request)
        try:
            response = self._answer(request)
        except Refusal as refusal:
            response = refused(refusal, refusal.request_id).response()
        except Unavailable as error:
            response = refused(unavailable(error), None).response()
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
        exchange = Exchange(
            principal, inbound.id, inbound.params, request.headers, inbound.version, inbound.capabilities
        )
        if not (inbound.may_stream and accepts(request)[1]):
            return self._runner.run(inbound, exchange).response()
        exchange.stream = stream = Stream(self._replies)
        exchange.may_ask = not inbound.is_modern
        try:
            return self._streamer.respond(
                lambda: self._runner.run(inbound, exchange), exchange, stream, request.environ
            )
        except Unavailable as error:
            return refused(unavailable(error), inbound.id).response()
