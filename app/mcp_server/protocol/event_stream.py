"""An answer that may become an event stream: the work runs in a helper thread, this thread writes and
watches.

Whether it is a stream is decided by what comes first: a final result is plain JSON with its own HTTP
status; a message before it, or silence for 15 s, starts `text/event-stream`.
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

from flask import Response
from pydantic_core import to_json

from app.mcp_server.protocol.client_replies import Rendezvous
from app.mcp_server.protocol.exchange import Exchange, Principal

PING_SECONDS = 15.0
_LOOK_SECONDS = 1.0
_STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class Final:
    """The whole answer to a request: status, JSON-RPC body, headers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """As one JSON body."""
        return Response(self.body, self.status, dict(self.headers), content_type="application/json")


_BROKEN_OFF = Final(
    500, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"The work was broken off."}}'
)


class Stream:
    """The queue between the helper thread that works and the request's thread that writes. It is the
    exchange's `Line`.
    """

    def __init__(self, rendezvous: Rendezvous) -> None:
        self._items: queue.SimpleQueue[bytes | Final] = queue.SimpleQueue()
        self._rendezvous = rendezvous

    def send(self, message: Mapping[str, Any]) -> None:
        """Put a message on the stream."""
        self._items.put(_event(to_json(message, inf_nan_mode="null")))

    def ask(
        self,
        method: str,
        params: Mapping[str, Any] | None,
        *,
        principal: Principal,
        cancelled: Callable[[], bool],
        seconds: float,
    ) -> dict[str, Any] | None:
        """Send a request under an unguessable id and wait at the rendezvous."""
        request_id = "ask-" + secrets.token_urlsafe(18)
        self._rendezvous.open(request_id, principal.key)
        self.send(
            {
                "jsonrpc": "2.0",
                "id": request_id,
                "method": method,
                **({} if params is None else {"params": dict(params)}),
            }
        )
        return self._rendezvous.wait(request_id, principal.key, cancelled, seconds)

    def finish(self, final: Final) -> None:
        """The last item."""
        self._items.put(final)

    def next(self, seconds: float, is_gone: Callable[[], bool]) -> bytes | Final | None:
        """The next item; None after `seconds` of silence, or at once when the client has gone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                return self._items.get(timeout=min(left, _LOOK_SECONDS))
            except queue.Empty:
                if is_gone():
                    return None
        return None


class Streamer:
    """Runs work in the helper threads of this process and makes the response of what they send."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    def _helpers(self) -> ThreadPoolExecutor:
        """The pool of this process. A forked worker makes its own: threads do not survive a fork."""
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = (os.getpid(), ThreadPoolExecutor(self._threads, "mcp-helper"))
        return self._pool[1]

    def respond(
        self, work: Callable[[], Final], exchange: Exchange, stream: Stream, environ: Mapping[str, Any]
    ) -> Response:
        """Start the work; answer with JSON or with a stream, whichever it turns out to be."""
        self._helpers().submit(contextvars.copy_context().run, _work, work, stream)
        connection = environ.get("gunicorn.socket")

        def is_gone() -> bool:
            if not exchange.is_cancelled() and connection is not None and _hung_up(connection):
                exchange.cancel()
            return exchange.is_cancelled()

        first = stream.next(PING_SECONDS, is_gone)
        if isinstance(first, Final):
            return first.response()
        frames = _frames(first, exchange, stream, is_gone)
        return Response(frames, 200, dict(_STREAM_HEADERS), content_type="text/event-stream")


def _work(work: Callable[[], Final], stream: Stream) -> None:
    """Run in a helper thread. Whatever happens, the thread that writes hears of the end."""
    final = _BROKEN_OFF
    try:
        final = work()
    finally:
        stream.finish(final)


def _frames(
    item: bytes | None, exchange: Exchange, stream: Stream, is_gone: Callable[[], bool]
) -> Iterator[bytes]:
    """The stream, from its first item to the final response. Closing it, or a dead bearer, cancels the
    work.
    """
    try:
        latest: bytes | Final | None = item
        checked = time.monotonic()
        while not isinstance(latest, Final):
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
    """True when the other side has closed the connection."""
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
