"""One request while it is handled: the SDK's dispatch context, without an event loop.

The SDK's handlers are coroutines; ours are synchronous inside, so a coroutine finishes in one step
(`run_to_end`). Messages a handler sends to the client go to the response's stream, if there is one; replies
to its requests come back through `client_replies.py`.
"""

import functools
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import anyio
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.shared.jsonrpc_dispatcher import progress_token_from_params
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import REQUEST_TIMEOUT, ClientCapabilities, RequestId
from mcp_types.version import LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError


class Principal(Protocol):
    """The verified sender of a request. Whatever the server issues (sessions, states) is bound to `key`."""

    @property
    def key(self) -> str:
        """Stable for one person using one AI client in one workspace; never a secret."""

    def is_valid(self) -> bool:
        """Checked repeatedly while a stream is open: False ends it."""


@dataclass(frozen=True)
class AnonymousPrincipal:
    """The principal of an endpoint without authentication."""

    key: str = "anyone"

    def is_valid(self) -> bool:
        """Always true: there is nothing to revoke."""
        return True


Result = TypeVar("Result")
_LONGEST_ANSWER_SECONDS = 55.0


class ClientStream(Protocol):
    """The connection to the client while its request is open."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Puts a JSON-RPC message on the response's stream."""

    def ask(
        self, method: str, params: Mapping[str, Any] | None, exchange: "Exchange", seconds: float
    ) -> dict[str, Any] | None:
        """Sends a request and waits for the reply's body; None if none came within `seconds`."""


@dataclass
class Exchange:
    """A request being handled: the SDK's `DispatchContext`; handlers find it as `ctx.request`."""

    principal: Principal
    request_id: RequestId
    params: Mapping[str, Any] | None
    headers: Mapping[str, str]
    version: str = LATEST_HANDSHAKE_VERSION
    capabilities: Any = None  # as the client declared them
    stream: ClientStream | None = None  # None: the response is a single JSON body
    may_ask: bool = False
    result: Any = None  # what the handler returned, if the SDK's server only has to shape it
    _gone: threading.Event = field(default_factory=threading.Event)

    # --- for our handlers ---

    @property
    def is_modern(self) -> bool:
        """Whether a question to the person is a result of the request, which the client then makes again."""
        return self.version in MODERN_PROTOCOL_VERSIONS

    @functools.cached_property
    def client_capabilities(self) -> ClientCapabilities | None:
        """What the client declared; None if it declared nothing, or nothing that can be read, as in the
        SDK.
        """
        try:
            return ClientCapabilities.model_validate(self.capabilities, by_name=False)
        except ValidationError:
            return None

    def trace_context(self) -> Mapping[str, Any]:
        """What may hold `traceparent` and `tracestate` (W3C): the request's `_meta`, else its headers."""
        meta = (self.params or {}).get("_meta")
        return meta if isinstance(meta, Mapping) and "traceparent" in meta else self.headers

    @property
    def wants_progress(self) -> bool:
        """Whether progress can reach the client."""
        return self.stream is not None and progress_token_from_params(self.params) is not None

    def report(self, done: float, total: float | None, text: str) -> None:
        """Sends progress to the client, if it requested it and the response is a stream."""
        token = progress_token_from_params(self.params)
        if token is None or self.stream is None:
            return
        progress: dict[str, Any] = {"progressToken": token, "progress": done, "message": text}
        if total is not None:
            progress["total"] = total
        self.stream.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})

    def ask(
        self, method: str, params: Mapping[str, Any] | None, seconds: float = _LONGEST_ANSWER_SECONDS
    ) -> dict[str, Any]:
        """Sends a request to the client and waits for its result (handshake revisions, on a stream only).

        Raises MCPError with the client's error, or when it did not answer within `seconds`.
        """
        if self.stream is None or not self.may_ask:
            raise NoBackChannelError(method)
        wait = min(seconds, _LONGEST_ANSWER_SECONDS)
        reply = self.stream.ask(method, params, self, wait)
        if reply is None:
            raise MCPError(REQUEST_TIMEOUT, f"The AI client did not answer {method} in time.")
        if "error" in reply:
            raise MCPError(int(reply["error"].get("code", 0)), str(reply["error"].get("message", ""))[:500])
        result: dict[str, Any] = reply["result"]
        return result

    def cancel(self) -> None:
        """Marks the request cancelled: the client disconnected, or may no longer be served."""
        self._gone.set()

    def is_cancelled(self) -> bool:
        """Whether the result of this request is no longer needed."""
        return self._gone.is_set()

    # --- for the SDK ---

    @property
    def can_send_request(self) -> bool:
        """Whether requests can be sent to the client while it waits."""
        return self.may_ask and self.stream is not None

    @functools.cached_property
    def transport(self) -> TransportContext:
        """The SDK's description of the transport."""
        return TransportContext(
            kind="streamable-http", can_send_request=self.can_send_request, headers=self.headers
        )

    @functools.cached_property
    def message_metadata(self) -> ServerMessageMetadata:
        """Passes this object to handlers, as `ctx.request`."""
        return ServerMessageMetadata(request_context=self, can_send_request=self.can_send_request)

    @functools.cached_property
    def cancel_requested(self) -> anyio.Event:
        """Never set: without an event loop nothing could wait for it. Use `is_cancelled`."""
        return anyio.Event()

    async def notify(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> None:
        """Sends a notification on this response's stream, or drops it if there is none."""
        if self.stream is not None:
            self.stream.send(
                {"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": dict(params)})}
            )

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """The SDK's name for `report`."""
        self.report(progress, total, message or "")

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        """The SDK's name for `ask`."""
        return self.ask(method, params, (opts or {}).get("timeout", _LONGEST_ANSWER_SECONDS))


def run_to_end(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine that never waits, in this thread and without an event loop.

    Raises RuntimeError if it does wait: a handler that awaits something real is a mistake of ours.
    """
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: Result = finished.value
        return result
    coroutine.close()
    raise RuntimeError(
        "An MCP handler awaited something. Handlers here are synchronous inside: call the blocking "
        "function instead."
    )
