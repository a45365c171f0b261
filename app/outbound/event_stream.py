"""Reads `text/event-stream` as it arrives: https://html.spec.whatwg.org/multipage/server-sent-events.html

The response's deadline and size limit apply: `outbound` opens it and hangs up in time.
"""

import re
import socket
from collections.abc import Callable

from app.outbound.errors import (
    OutboundError,
    OutboundStopped,
    OutboundTimeout,
    ResponseEndless,
    ResponseTooLarge,
)

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# How long the end of a stream is waited for after the last event that matters: then its connection is reused.
_END_SECONDS = 0.05
# A line costs a microsecond or two however short it is: far more than a megabyte takes to arrive.
_MOST_LINES = 100_000


def is_event_stream(content_type: str) -> bool:
    """Whether a response of this content type is an event stream."""
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


def read_events(
    read: Callable[[], bytes],
    max_bytes: int,
    on_event: Callable[[str], bool],
    connection: socket.socket | None = None,
    on_break: Callable[[str, float | None], bool] | None = None,
) -> None:
    """Pass the data of each event to `on_event` until it returns True: nothing after that is read.

    `read` returns what arrived next, b"" at the end. `connection` is the socket, which serves the next
    request if the stream ends by itself. `on_break` takes the id of the last event, and the seconds to wait
    if the stream names them, when it ends before: True if the rest is read elsewhere. Raises
    ResponseTooLarge above the limit, ResponseEndless above that of lines, OutboundError when the stream ends
    before, and what `read` raises.
    """
    decoder, size = EventDecoder(), 0

    def next_chunk() -> bytes:
        try:
            return read()
        except (OutboundTimeout, OutboundStopped, ResponseEndless):
            raise
        except OutboundError:
            if on_break is not None and decoder.last_id:
                return b""
            raise

    while chunk := next_chunk():
        size += len(chunk)
        if size > max_bytes:
            raise ResponseTooLarge
        for data in decoder.feed(chunk):
            if on_event(data):
                _read_end(read, connection)
                return
    if on_break is not None and on_break(decoder.last_id, decoder.retry_seconds):
        return
    raise OutboundError("The other side ended its answer early.", sent=True)


def _read_end(read: Callable[[], bytes], connection: socket.socket | None) -> None:
    """Read the end of the stream if it is there already; else the connection is closed, not reused."""
    if connection is None:
        return
    before = connection.gettimeout()
    try:
        connection.settimeout(_END_SECONDS)
        if not read():
            connection.settimeout(before)
    except (OutboundError, OSError):
        return


class EventDecoder:
    """Splits the bytes of an event stream into events, wherever the chunks' borders are."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # no line ends before this position of the buffer
        self._after_return = False  # the last line ended in CR: a LF that follows belongs to it
        self._at_start = True
        self._lines = 0
        self._data: list[str] = []
        self._type = ""
        self.last_id = ""  # of the last event that had one
        self.retry_seconds: float | None = None

    def feed(self, chunk: bytes) -> list[str]:
        """The data of the events that this chunk completes; only of those with the type `message`."""
        self._buffer += chunk
        if self._at_start:
            if len(self._buffer) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(self._buffer):
                return []
            self._at_start = False
            if self._buffer.startswith(_BYTE_ORDER_MARK):
                del self._buffer[: len(_BYTE_ORDER_MARK)]
        events = []
        while (line := self._next_line()) is not None:
            if (data := self._take(line)) is not None:
                events.append(data)
        return events

    def _next_line(self) -> str | None:
        if self._after_return and self._buffer:
            self._after_return = False
            if self._buffer.startswith(b"\n"):
                del self._buffer[:1]
        found = _LINE_END.search(self._buffer, self._searched)
        if found is None:
            self._searched = len(self._buffer)
            return None
        line = self._buffer[: found.start()].decode("utf-8", "replace")
        self._after_return = found[0] == b"\r"
        end = found.end()
        del found  # it holds the buffer, which could not shrink
        del self._buffer[:end]
        self._searched = 0
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise ResponseEndless
        return line

    def _take(self, line: str) -> str | None:
        """The event's data if this line, an empty one, ends it."""
        if not line:
            data, kind = self._data, self._type
            self._data, self._type = [], ""
            return "\n".join(data) if data and kind in {"", "message"} else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self.last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_seconds = int(value[:9]) / 1000
        return None
