"""An HTTP response whose framing is bounded: interim responses, headers, sizes of chunks, trailers.

`http.client` bounds a line and the headers of one response, but reads interim responses and trailers as long
as they arrive. No size limit of the body notices those, and each line costs more than its bytes.
"""

from http.client import HTTPResponse
from typing import Any

from app.outbound.errors import ResponseEndless

_MOST_LINES = 100_000
_MOST_BYTES = 8 * 1024 * 1024


class BoundedResponse(HTTPResponse):
    """Reading it raises ResponseEndless once its framing exceeds the bounds."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fp: Any = _BoundedLines(self.fp)


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
