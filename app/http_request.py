"""Finds where a client's HTTP request ends, without the application and without waiting."""

import re
from enum import Enum, auto

# More than a request line of 32 KiB and the cookies of any browser.
_LONGEST_HEAD = 65_536
_LONGEST_CHUNK_LINE = 16_384
_LONGEST_TRAILERS = 16_384  # searched anew with every packet
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r]*)", re.IGNORECASE)
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]+")


class Progress(Enum):
    """How much of a request has arrived."""

    HEAD = auto()
    BODY = auto()
    READY = auto()
    HEAD_TOO_LARGE = auto()
    BODY_TOO_LARGE = auto()


class RequestCollector:
    """Collects the bytes of a connection until a whole request is there.

    gunicorn's parser judges what the bytes mean. A request whose end is in doubt is ready at once: the parser
    or the application refuses it, and it is the last of its connection.
    """

    def __init__(self, longest_line: int, longest_body: int) -> None:
        self._longest_line = longest_line
        self._longest_body = longest_body
        self._data = bytearray()
        self._begin()

    def _begin(self) -> None:
        self._searched = 0
        self._body_at = 0  # 0: the head is not complete
        self._end: int | None = None  # None: not known yet
        self._chunk_at: int | None = None  # where the next chunk begins; None: not chunked
        self._in_doubt = False
        self._has_long_trailers = False
        self.expects_continue = False

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> Progress:
        """Add what arrived (or nothing) and return how much of the next request is there."""
        self._data += data
        if not self._body_at:
            found = self._data.find(b"\r\n\r\n", self._searched)
            self._searched = max(0, len(self._data) - 3)
            if found < 0 or found > _LONGEST_HEAD:
                return self._without_head()
            self._read_head(found + 4)
        if self._chunk_at is not None:
            self._read_chunks()
        if self._in_doubt or (self._end is not None and len(self._data) >= self._end):
            return Progress.READY
        # Without an announced length the application would read a part and take it for the whole.
        held = len(self._data) - self._body_at
        if self._has_long_trailers or held > self._longest_body + _LONGEST_CHUNK_LINE:
            return Progress.BODY_TOO_LARGE
        return Progress.BODY

    def take(self) -> tuple[bytes, bool]:
        """Return the request, and whether another may follow on the connection. Keeps what came after it."""
        end = len(self._data) if self._in_doubt or self._end is None else self._end
        request, follows = bytes(self._data[:end]), not self._in_doubt
        del self._data[:end]
        self._begin()
        return request, follows

    def _without_head(self) -> Progress:
        data = self._data
        if data.count(b"\n") != data.count(b"\r\n") or (
            len(data) > self._longest_line + 2 and data.find(b"\r\n", 0, self._longest_line + 2) < 0
        ):
            self._in_doubt = True  # a bare line feed, or an endless line: it will never be a head
            return Progress.READY
        return Progress.HEAD_TOO_LARGE if len(data) > _LONGEST_HEAD else Progress.HEAD

    def _read_head(self, body_at: int) -> None:
        self._body_at = self._end = body_at
        fields: dict[bytes, list[bytes]] = {}
        for name, value in _FRAMING.findall(self._data, 0, body_at):
            fields.setdefault(name.lower(), []).append(value.strip(b" \t").lower())
        lengths, codings = fields.get(b"content-length", []), fields.get(b"transfer-encoding", [])
        self.expects_continue = b"100-continue" in fields.get(b"expect", [])
        if codings:
            self._in_doubt = bool(lengths) or codings != [b"chunked"]
            self._chunk_at, self._end = body_at, None
        elif lengths:
            # Of a body that is too long the application needs the announced length only.
            self._in_doubt = len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 18
            if not self._in_doubt and int(lengths[0]) > self._longest_body:
                self._in_doubt = True
            if not self._in_doubt:
                self._end = body_at + int(lengths[0])

    def _read_chunks(self) -> None:
        """Find the end of a chunked body (RFC 9112, section 7.1)."""
        data, at = self._data, self._chunk_at or 0
        while not self._in_doubt:
            line_end = data.find(b"\r\n", at, at + _LONGEST_CHUNK_LINE)
            if line_end < 0:
                self._in_doubt = len(data) - at >= _LONGEST_CHUNK_LINE
                break
            digits = data[at:line_end].partition(b";")[0].rstrip(b" \t")
            size = int(digits, 16) if _HEXADECIMAL.fullmatch(digits) else None
            if size is None:
                self._in_doubt = True
            elif size == 0:
                self._end = self._end_of_trailers(line_end)
                break
            elif len(data) >= (following := line_end + 2 + size + 2):
                at = following
            else:
                break
        self._chunk_at = at

    def _end_of_trailers(self, line_end: int) -> int | None:
        if self._data[line_end + 2 : line_end + 4] == b"\r\n":
            return line_end + 4
        latest = line_end + 2 + _LONGEST_TRAILERS
        found = self._data.find(b"\r\n\r\n", line_end + 2, latest)
        self._has_long_trailers = found < 0 and len(self._data) >= latest
        return found + 4 if found >= 0 else None
