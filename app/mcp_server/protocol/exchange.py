"""One inbound request while it is handled: the SDK's dispatch context, without an event loop.

The SDK's handlers are coroutines; ours are synchronous inside, so a coroutine runs to its end in one
step (`run_to_end`). What a handler sends to the client meanwhile goes to the sink of the response's
stream, if there is one; what it asks the client is answered through the rendezvous.
"""

import functools
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import anyio
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.shared.jsonrpc_dispatcher import progress_token_from_params
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import REQUEST_TIMEOUT, RequestId


class Principal(Protocol):
    """The verified sender of a request. What the server hands out (sessions, states, questions) is bound
    to `key`.
    """

    @property
    def key(self) -> str:
        """Stable for one person using one AI client, in one place; never a secret."""

    def is_valid(self) -> bool:
        """Asked again while a stream is open: False ends it."""


@dataclass(frozen=True)
class Anyone:
    """The principal of an endpoint that asks for no bearer."""

    key: str = "anyone"

    def is_valid(self) -> bool:
        """Always: there is nothing to take away."""
        return True


Result = TypeVar("Result")
_LONGEST_ANSWER_SECONDS = 55.0


class Line(Protocol):
    """The way to the client while its request is open."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Put a JSON-RPC message on the response's stream."""

    def ask(
        self,
        method: str,
        params: Mapping[str, Any] | None,
        *,
        principal: Principal,
        cancelled: Callable[[], bool],
        seconds: float,
    ) -> dict[str, Any] | None:
        """Send a request and wait for the reply's body; None when none came in time."""


@dataclass
class Exchange:
    """A request under way. Structurally the SDK's `DispatchContext`; handlers find it as `ctx.request`."""

    principal: Principal
    request_id: RequestId
    params: Mapping[str, Any] | None
    headers: Mapping[str, str]
    line: Line | None = None  # None: the answer is a single JSON body
    may_ask: bool = False
    _gone: threading.Event = field(default_factory=threading.Event)

    # --- for our handlers ---

    def report(self, done: float, total: float | None, text: str) -> None:
        """Tell the client how far we are, if it asked to know and the answer is a stream."""
        token = progress_token_from_params(self.params)
        if token is None or self.line is None:
            return
        said: dict[str, Any] = {"progressToken": token, "progress": done, "message": text}
        if total is not None:
            said["total"] = total
        self.line.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": said})

    def ask(
        self, method: str, params: Mapping[str, Any] | None, seconds: float = _LONGEST_ANSWER_SECONDS
    ) -> dict[str, Any]:
        """Ask the client something and wait for its result (handshake generation, on a stream).

        Raises MCPError with the client's error, or when it did not answer in time.
        """
        if self.line is None or not self.may_ask:
            raise NoBackChannelError(method)
        wait = min(seconds, _LONGEST_ANSWER_SECONDS)
        reply = self.line.ask(
            method, params, principal=self.principal, cancelled=self.is_cancelled, seconds=wait
        )
        if reply is None:
            raise MCPError(REQUEST_TIMEOUT, f"The AI client did not answer {method} in time.")
        if "error" in reply:
            raise MCPError(int(reply["error"].get("code", 0)), str(reply["error"].get("message", ""))[:500])
        result: dict[str, Any] = reply["result"]
        return result

    def cancel(self) -> None:
        """The client has gone, or may no longer be served."""
        self._gone.set()

    def is_cancelled(self) -> bool:
        """Whether work for this request is wasted."""
        return self._gone.is_set()

    # --- for the SDK ---

    @property
    def can_send_request(self) -> bool:
        """Whether the client can be asked something while it waits."""
        return self.may_ask and self.line is not None

    @functools.cached_property
    def transport(self) -> TransportContext:
        """What carries this request."""
        return TransportContext(
            kind="streamable-http", can_send_request=self.can_send_request, headers=self.headers
        )

    @functools.cached_property
    def message_metadata(self) -> ServerMessageMetadata:
        """Carries this object to handlers, as `ctx.request`."""
        return ServerMessageMetadata(request_context=self, can_send_request=self.can_send_request)

    @functools.cached_property
    def cancel_requested(self) -> anyio.Event:
        """Never set: without an event loop nobody could wait for it. Ask `is_cancelled`."""
        return anyio.Event()

    async def notify(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> None:
        """Send a notification on this response's stream, or drop it when there is none."""
        if self.line is not None:
            self.line.send(
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
    """Run a coroutine that never waits, in this thread and without an event loop.

    Raises RuntimeError when it does wait: then a handler awaited something real, which is a mistake of ours.
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
