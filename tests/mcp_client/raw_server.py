"""A server whose every byte a test decides."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# status, headers, pieces of the body; or every byte of the response
RawAnswer = tuple[int, list[tuple[str, str]], Iterable[bytes]] | list[bytes]


def event(message: Any) -> bytes:
    """A message as an event of a stream."""
    return b"event: message\ndata: " + json.dumps(message, ensure_ascii=False).encode() + b"\n\n"


def stream_answer(pieces: Iterable[bytes]) -> RawAnswer:
    return 200, [("Content-Type", "text/event-stream")], pieces


def json_answer(body: Any, *, status: int = 200, kind: str = "application/json") -> RawAnswer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status, [("Content-Type", kind)], [data]


class RawServer(ThreadingHTTPServer):
    """`answer` takes a message and how many there were, and returns what is sent. `seen` are the messages."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/mcp"
        self.answer: Callable[[Any, int], RawAnswer] = lambda message, seen: (500, [], [b""])
        self.seen: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def resume(self, headers: dict[str, str]) -> RawAnswer:
        """The answer to a GET."""
        return 405, [], [b""]

    def trickle(self, piece: bytes) -> Iterable[bytes]:
        """The piece, again and again until the test is over."""
        while not self.over.wait(0.02):
            yield piece

    def handle_error(self, *args: Any) -> None:
        """A client that hung up is no news."""

    def __exit__(self, *error: Any) -> None:
        self.over.set()
        self.shutdown()
        super().__exit__(*error)


class _Handler(BaseHTTPRequestHandler):
    server: RawServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(message)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        self._send(self.server.answer(message, len(self.server.seen)))

    def do_GET(self) -> None:
        self._send(self.server.resume({name.lower(): value for name, value in self.headers.items()}))

    def _send(self, answer: RawAnswer) -> None:
        if isinstance(answer, list):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.wfile.writelines(answer)
            return
        status, headers, pieces = answer
        self.send_response(status)
        for name, value in [*headers, ("Transfer-Encoding", "chunked")]:
            self.send_header(name, value)
        self.end_headers()
        try:
            for piece in pieces:
                if piece:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
