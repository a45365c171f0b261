"""An HTTP server of this machine that answers what a test wrote down, and records what it was sent."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Sent:
    """A request as it arrived. `form` are the fields of a form or of the query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    form: dict[str, str]


@dataclass(frozen=True)
class Written:
    """An answer."""

    status: int = 200
    body: Any = b""  # bytes as they are, text, or JSON
    headers: dict[str, str] = field(default_factory=dict)


Script = dict[tuple[str, str], Written | Callable[[Sent], Written]]


class ScriptedServer(ThreadingHTTPServer):
    """Answers by (method, path); 404 for anything else."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: Script = {}
        self.requests: list[Sent] = []

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.netloc}"

    def at(self, path: str) -> list[Sent]:
        """The requests to that path so far."""
        return [each for each in self.requests if each.path == path]


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        typed = self.headers.get("Content-Type", "")
        fields = body.decode() if typed.startswith("application/x-www-form-urlencoded") else url.query
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = Sent(self.command, url.path, headers, body, dict(parse_qsl(fields)))
        self.server.requests.append(sent)
        found = self.server.script.get((self.command, url.path), Written(404, "nothing here"))
        answer = found(sent) if callable(found) else found
        kind, data = "application/json", answer.body
        if isinstance(data, str):
            kind, data = "text/html", data.encode()
        elif not isinstance(data, bytes):
            data = json.dumps(data).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": kind, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_OPTIONS = _answer


@contextlib.contextmanager
def scripted() -> Iterator[ScriptedServer]:
    """A server until the block ends."""
    server = ScriptedServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
