"""A response that may become an event stream: a helper thread does the work, the request's thread writes.

What comes first decides: a final result is plain JSON with its own HTTP status; a message before it, or 15 s
of silence, starts `text/event-stream`.
"""

import contextvars
import os
import queue
import secrets
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from app.errors import Unavailable
from app.mcp_server.protocol.client_replies import ClientReplies
from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.protocol.http_messages import HttpResponse

PING_SECONDS = 15.0
_POLL_SECONDS = 1.0
_STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
    "Content-Type": "text/event-stream",
}


@dataclass(frozen=True)
class FinalResponse:
    """The complete response to a request: status, JSON-RPC body, headers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        """The HTTP response with one JSON body."""
        described = {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        return HttpResponse(self.status, {**self.headers, **described}, self.body)


_ABORTED = FinalResponse(
    500, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"The work was broken off."}}'
)


class Stream:
    """The queue from the helper thread to the request's thread: the exchange's `ClientStream`."""

    def __init__(self, replies: ClientReplies) -> None:
        self._items: queue.SimpleQueue[bytes | FinalResponse] = queue.SimpleQueue()
        self._replies = replies

    def send(self, message: Mapping[str, Any]) -> None:
        """Puts a message on the stream."""
        self._items.put(_event(to_json(message, inf_nan_mode="null")))

    def ask(
        self, method: str, params: Mapping[str, Any] | None, exchange: Exchange, seconds: float
    ) -> dict[str, Any] | None:
        """Sends a request under an unguessable id and waits for the client's reply."""
        request_id = "ask-" + secrets.token_urlsafe(18)
        self._replies.open(request_id, exchange.principal.key)
        self.send(
            {
                "jsonrpc": "2.0",
                "id": request_id,
                "method": method,
                **({} if params is None else {"params": dict(params)}),
            }
        )
        return self._replies.wait(request_id, exchange.principal.key, exchange.is_cancelled, seconds)

    def finish(self, final: FinalResponse) -> None:
        """Puts the last item on the stream."""
        self._items.put(final)

    def next(self, seconds: float, is_gone: Callable[[], bool]) -> bytes | FinalResponse | None:
        """The next item; None after `seconds` of silence, or at once when the client disconnected."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                return self._items.get(timeout=min(left, _POLL_SECONDS))
            except queue.Empty:
                if is_gone():
                    return None
        return None


class Streamer:
    """Runs work in this process' helper threads and builds the response from what they send."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    def _helpers(self) -> ThreadPoolExecutor:
        """The thread pool of this process. A forked worker creates its own: threads do not survive a fork."""
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = (os.getpid(), ThreadPoolExecutor(self._threads, "mcp-helper"))
        return self._pool[1]

    def respond(
        self,
        work: Callable[[], FinalResponse],
        exchange: Exchange,
        stream: Stream,
        environ: Mapping[str, Any],
    ) -> HttpResponse:
        """Starts the work; responds with JSON or a stream, depending on what comes first.

        Raises Unavailable in a process that is ending, before any work is done.
        """
        try:
            self._helpers().submit(contextvars.copy_context().run, _work, work, stream)
        except RuntimeError as error:  # at its end, Python starts no more threads
            raise Unavailable() from error
        connection = environ.get("gunicorn.socket")

        def is_gone() -> bool:
            if not exchange.is_cancelled() and connection is not None and _hung_up(connection):
                exchange.cancel()
            return exchange.is_cancelled()

        first = stream.next(PING_SECONDS, is_gone)
        if isinstance(first, FinalResponse):
            return first.response()
        return HttpResponse(200, dict(_STREAM_HEADERS), _frames(first, exchange, stream, is_gone))


def _work(work: Callable[[], FinalResponse], stream: Stream) -> None:
    """Runs in a helper thread. Whatever happens, the writing thread gets a final response."""
    final = _ABORTED
    try:
        final = work()
    finally:
        stream.finish(final)


def _frames(
    item: bytes | None, exchange: Exchange, stream: Stream, is_gone: Callable[[], bool]
) -> Iterator[bytes]:
    """The stream up to the final response. Closing it, or a revoked bearer, cancels the work."""
    try:
        latest: bytes | FinalResponse | None = item
        checked = time.monotonic()
        while not isinstance(latest, FinalResponse):
            if latest is None and is_gone():
                return
            if time.monotonic() - checked >= PING_SECONDS:
                checked = time.monotonic()
                if not exchange.principal.is_valid():
                    return
            yield b": ping\r\n\r\n" if latest is None else latest
            latest = stream.next(PING_SECONDS, is_gone)
        yield _event(latest.body)
    finally:
        exchange.cancel()


def _event(body: bytes) -> bytes:
    return b"event: message\r\ndata: " + body + b"\r\n\r\n"


def _hung_up(connection: socket.socket) -> bool:
    """True when the client has closed the connection."""
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
