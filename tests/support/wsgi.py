"""Sends a request to the application as a web server does, and returns all that a client would receive."""

import io
import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import Flask, request_started
from werkzeug.test import EnvironBuilder


class MalformedBody(io.RawIOBase):
    """A body with malformed chunks, which gunicorn reports as an OSError."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise OSError("Invalid chunk size")


@dataclass(frozen=True)
class Answer:
    status: str
    headers: list[tuple[str, str]]
    body: bytes
    was_flask: bool = field(compare=False)

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


def send(
    app: Flask,
    body: Any = b"",
    path: str = "/mcp",
    *,
    without_entry: bool = False,
    stream: Any = None,
    **given: Any,
) -> Answer:
    """The answer of the application, or of Flask alone. A header that is None is left out; `stream` makes the
    server's input, and other arguments are of the environ.
    """
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "X-Request-Id": "abc123",
        **given.pop("headers", {}),
    }
    environ = EnvironBuilder(
        path=path,
        method=given.pop("method", "POST"),
        headers={name: value for name, value in headers.items() if value is not None},
        data=body if isinstance(body, bytes) else json.dumps(body).encode(),
    ).get_environ()
    environ |= given | ({"wsgi.input": stream()} if stream else {})
    application = partial(Flask.wsgi_app, app) if without_entry else app.wsgi_app
    started: list[Any] = []
    seen: list[Any] = []

    def note(*_: Any, **__: Any) -> None:
        seen.append(1)

    with request_started.connected_to(note, app):
        parts = application(environ, lambda status, headers: started.append((status, headers)))
        content = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    (status, sent), *more = started
    assert not more
    return Answer(status, list(sent), content, bool(seen))
