"""One HTTP request as the adapter reads it from its WSGI environ, and the response that it returns.

Each part is read when somebody asks for it, and nothing is copied: an MCP call needs few of its headers.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

_UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class RequestHeaders(Mapping[str, str]):
    """The headers of a request by lower-case name."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[_key_of(name)]
        return value

    def __iter__(self) -> Iterator[str]:
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower()
        yield from (name for name, key in _UNPREFIXED.items() if key in self._environ)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class HttpRequest:
    """A request to the endpoint."""

    __slots__ = ("environ", "headers", "method", "path", "query")

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self.environ = environ
        self.headers = RequestHeaders(environ)
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "")
        self.query: str = environ.get("QUERY_STRING", "")

    @property
    def media_type(self) -> str:
        """The type of the body without parameters, in lower case. "" if the request names none."""
        return _media_type(self.environ.get("CONTENT_TYPE", ""))

    def read_body(self, most_bytes: int) -> bytes:
        """The body. Raises RequestEntityTooLarge, or ClientDisconnected if it ends too early or its chunks
        are malformed.
        """
        return get_input_stream(self.environ, max_content_length=most_bytes).read()  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response: one body, or the parts of a stream as they come."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterator[bytes] = b""


@functools.lru_cache(maxsize=256)
def _key_of(name: str) -> str:
    """The key of a header in a WSGI environ (PEP 3333)."""
    return _UNPREFIXED.get(name) or "HTTP_" + name.upper().replace("-", "_")


@functools.lru_cache(maxsize=256)
def _media_type(content_type: str) -> str:
    return parse_options_header(content_type)[0].lower()
