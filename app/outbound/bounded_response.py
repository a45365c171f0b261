"""An HTTP response whose framing is bounded: interim responses, headers, sizes of chunks, trailers.

`http.client` bounds a line and the headers of one response, but reads interim responses and trailers as long
as they arrive. No size limit of the body notices those, and each line costs more than its bytes.
"""

import re
from email.parser import Parser
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse, LineTooLong, UnknownProtocol
from typing import Any

from app.outbound.errors import ResponseEndless

_MOST_LINES = 100_000
_MOST_BYTES = 8 * 1024 * 1024
# as many headers, and bytes of one, as `http.client` takes
_MOST_HEADERS = 100
_LONGEST_LINE = 65_536
# What nearly every response consists of: lines of a name and a value, none of them continued.
_PLAIN_HEADERS = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\x00]*\r\n)*\r\n")
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class BoundedResponse(HTTPResponse):
    """Reading it raises ResponseEndless once its framing exceeds the bounds."""

    headers: Any  # the first value of each, by the name in lower case
    length: int | None
    _method: str
    _read_status: Any
    _check_close: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.header_pairs: list[tuple[str, str]] = []
        self.fp: Any = _BoundedLines(self.fp)

    def begin(self) -> None:
        """Read status and headers. As `http.client` does, but for what its email parser costs: a sixth of a
        whole request.
        """
        version, status, reason = self._read_status()
        while status == HTTPStatus.CONTINUE:
            self._header_lines()
            version, status, reason = self._read_status()
        if not version.startswith("HTTP/1.") and version != "HTTP/0.9":
            raise UnknownProtocol(version)
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in {"HTTP/0.9", "HTTP/1.0"} else 11
        self.header_pairs = parsed(b"".join(self._header_lines()))
        self.headers = {name.lower(): value for name, value in reversed(self.header_pairs)}
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else _number(self.headers.get("content-length", ""))
        if status in _WITHOUT_BODY or status < HTTPStatus.OK or self._method == "HEAD":
            self.length = 0
        # without chunks and a length, the end of the connection is that of the body
        self.will_close = self._check_close() or (self.length is None and not self.chunked)

    def _header_lines(self) -> list[bytes]:
        """The lines up to and including the empty one."""
        lines: list[bytes] = []
        while True:
            line = self.fp.readline(_LONGEST_LINE + 1)
            if len(line) > _LONGEST_LINE:
                raise LineTooLong("header line")
            lines.append(line)
            if len(lines) > _MOST_HEADERS:
                raise HTTPException(f"got more than {_MOST_HEADERS} headers")
            if line in {b"\r\n", b"\n", b""}:
                return lines


def parsed(headers: bytes) -> list[tuple[str, str]]:
    """The headers of a response, its empty line included."""
    text = headers.decode("iso-8859-1")
    if not _PLAIN_HEADERS.fullmatch(headers):
        return Parser(_class=HTTPMessage).parsestr(text).items()
    pairs = (line.partition(":") for line in text.split("\r\n")[:-2])
    return [(name, value.lstrip(" \t")) for name, _, value in pairs]


def _number(text: str) -> int | None:
    """A number of bytes; None for anything else."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if number >= 0 else None


class _BoundedLines:
    """A file whose lines are counted. Of an HTTP response, the body alone is read otherwise."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._lines = self._bytes = 0

    def readline(self, limit: int = -1) -> bytes:
        """The next line. Raises ResponseEndless."""
        line: bytes = self._file.readline(limit)
        self._lines += 1
        self._bytes += len(line)
        if self._lines > _MOST_LINES or self._bytes > _MOST_BYTES:
            raise ResponseEndless
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
