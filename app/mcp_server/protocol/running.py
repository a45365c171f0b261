"""Runs one request: its handler if that makes JSON itself (`direct.py`), else the SDK's server. Every outcome
becomes a response.
"""

import logging
from typing import Any

from mcp.server.lowlevel.server import Server
from mcp.server.runner import ServerRunner, modern_error_data
from mcp_types import METHOD_NOT_FOUND, SERVER_INFO_META_KEY, ErrorData, RequestId
from mcp_types.methods import validate_client_request
from pydantic_core import to_json

from app import logs, metrics
from app.errors import Unavailable
from app.mcp_server.protocol.direct import DirectHandler, DirectResult
from app.mcp_server.protocol.errors import UNAVAILABLE, Refusal
from app.mcp_server.protocol.event_stream import FinalResponse
from app.mcp_server.protocol.exchange import Exchange, run_to_end
from app.mcp_server.protocol.revisions import InboundRequest
from app.mcp_server.protocol.sessions import Sessions

log = logging.getLogger(__name__)

# Clients of the handshake revisions ask for these without looking at our capabilities, and some drop a server
# that answers with an error.
_EMPTY_LISTS = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}


class Runner:
    """Runs requests. One per process; stores no state of any request."""

    def __init__(self, server: Server[Any], sessions: Sessions) -> None:
        self._server = server
        self._sessions = sessions
        self._meta = to_json({SERVER_INFO_META_KEY: server.server_info_stamp})

    def run(self, inbound: InboundRequest, exchange: Exchange) -> FinalResponse:
        """The response to a request; errors are responses too."""
        headers: dict[str, str] = {}
        try:
            result = self._run_directly(inbound, exchange) or self._run_server(inbound, exchange, headers)
        except Refusal as refusal:
            return refused(refusal, inbound.id)
        except Unavailable as error:
            return refused(unavailable(error), inbound.id)
        except Exception as error:  # the edge: whatever happened, the client gets a response to its id
            data = modern_error_data(error)
            if data.code == METHOD_NOT_FOUND and not inbound.is_modern and inbound.method in _EMPTY_LISTS:
                return FinalResponse(200, _result(inbound.id, to_json({_EMPTY_LISTS[inbound.method]: []})))
            return FinalResponse(inbound.status_of(data.code), _error(inbound.id, data))
        return FinalResponse(200, _result(inbound.id, result), headers)

    def _run_directly(self, inbound: InboundRequest, exchange: Exchange) -> bytes | None:
        """The result of a handler that makes JSON itself; None where the SDK's server has to make it."""
        entry, params = self._server.get_request_handler(inbound.method), inbound.params or {}
        if entry is None or not isinstance(entry.handler, DirectHandler):
            return None
        if params.get("requestState") is not None:
            return None
        validate_client_request(inbound.method, inbound.version, inbound.params)
        typed = entry.params_type.model_validate(params, by_name=False)
        result = exchange.result = entry.handler.handle(exchange, typed)
        if not isinstance(result, DirectResult):
            return None
        return result.as_json(self._meta if inbound.is_modern else None)

    def _run_server(self, inbound: InboundRequest, exchange: Exchange, headers: dict[str, str]) -> bytes:
        """The result of the SDK's server. Adds the headers of the response."""
        connection = inbound.connect(exchange)
        runner = ServerRunner(self._server, connection, {})
        result: Any = run_to_end(runner.on_request(exchange, inbound.method, inbound.params))  # type: ignore[arg-type]
        if inbound.method == "initialize":
            headers["Mcp-Session-Id"] = self._sessions.mint(connection, exchange.principal.key)
        return to_json(result, inf_nan_mode="null")


def unavailable(error: Unavailable) -> Refusal:
    """The refusal of a request while something it needs is unavailable; logged and counted."""
    metrics.count_unavailable(error)
    logs.unavailable(log, f"answered 503: {error.message}", error, status=503)
    return Refusal(503, UNAVAILABLE, error.message, {"retryable": True}, headers={"Retry-After": "5"})


def refused(refusal: Refusal, request_id: RequestId | None) -> FinalResponse:
    """The response to a refused request."""
    return FinalResponse(refusal.status, _error(request_id, refusal.error), refusal.headers)


def _result(request_id: RequestId, result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (to_json(request_id), result)


def _error(request_id: RequestId | None, error: ErrorData) -> bytes:
    return to_json(
        {"jsonrpc": "2.0", "id": request_id, "error": error.model_dump(exclude_none=True)},
        inf_nan_mode="null",
    )
