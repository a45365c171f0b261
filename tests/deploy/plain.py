"""A small application for tests of the web server alone."""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 4 * 1024 * 1024
_GATES = Path(os.environ["GATES"])


@app.get("/health")
def health() -> str:
    return "ok"


@app.post("/digest")
def digest() -> str:
    body = request.get_data()
    return f"{len(body)} {hashlib.sha256(body).hexdigest()}"


@app.post("/unread")
def unread() -> str:
    return "the body was not read"


@app.get("/bytes/<int:count>")
def many(count: int) -> Response:
    return Response(b"x" * count, content_type="application/octet-stream")


@app.get("/file")
def file() -> Response:
    from flask import send_file

    return send_file(os.path.abspath(__file__))


@app.get("/held/<gate>")
def held(gate: str) -> str:
    print(f"held at {gate}", file=sys.stderr, flush=True)
    _wait_at(gate)
    return "let go"


@app.get("/echo")
def echo() -> dict[str, str]:
    return {**dict(request.headers), "Query-Length": str(len(request.query_string))}


@app.get("/metrics")
def metrics() -> str:
    return "counters"


@app.errorhandler(413)
def too_long(_error: Exception) -> tuple[str, int]:
    return "longer than this product takes", 413


@app.get("/events/<gate>/<int:count>")
@app.get("/mcp/events/<gate>/<int:count>")
def events(gate: str, count: int) -> Response:
    """The first event at once, each further one once its gate is open: `gate`-1, `gate`-2…"""

    def frames() -> Iterator[bytes]:
        for number in range(count):
            if number:
                _wait_at(f"{gate}-{number}")
            yield f"data: {number}\n\n".encode()

    return Response(frames(), content_type="text/event-stream")


def _wait_at(gate: str) -> None:
    """Until the test opens it (`Server.open_gate`)."""
    while not (_GATES / gate).exists():
        time.sleep(0.01)
