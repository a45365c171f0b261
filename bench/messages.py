"""HTTP requests as bytes, built once, and the answer to one of them."""

import http.client
import io
import json
import socket
from dataclasses import dataclass
from typing import Any

REVISION = "2026-07-28"
_SECONDS = 60


@dataclass
class Chain:
    """A request whose answer has the token of the next one, such as a rotated refresh token.

    `token` is in the bytes; what the answer has under `member` replaces it, and has the same length.
    """

    request: bytes
    token: str
    member: str

    def advance(self, token: str) -> None:
        """Go on with that token."""
        self.request = self.request.replace(self.token.encode(), token.encode())
        self.token = token


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one POST."""
    return _head(f"POST {path}", {"Content-Length": str(len(body)), **headers}) + body


def get(path: str, headers: dict[str, str]) -> bytes:
    """The bytes of one GET."""
    return _head(f"GET {path}", headers)


def call(tool: str, arguments: dict[str, object], port: int, token: str | None) -> bytes:
    """The bytes of one tools/call on the 2026-07-28 wire."""
    return _mcp("tools/call", {"name": tool, "arguments": arguments}, {"Mcp-Name": tool}, port, token)


def listing(port: int, token: str | None) -> bytes:
    """The bytes of one tools/list on the same wire."""
    return _mcp("tools/list", {}, {}, port, token)


def once(port: int, request: bytes) -> bytes:
    """The body of the answer to one request. Raises SystemExit unless its status is 200."""
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the answer to {request.split(b' HTTP')[0]!r} was {answer.status}: {body[:200]!r}")
    return body


def parsed(request: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body of a request, for a client that builds its own bytes."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    method, path, _ = line.decode().split(" ")
    headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    return method, path, dict(headers.items()), body


def _head(line: str, headers: dict[str, str]) -> bytes:
    fields = (f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join((f"{line} HTTP/1.1", *fields, "\r\n")).encode()


def _mcp(method: str, params: dict[str, Any], names: dict[str, str], port: int, token: str | None) -> bytes:
    meta = {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    headers = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": REVISION,
        "Mcp-Method": method,
        **names,
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return post("/mcp", json.dumps(body).encode(), headers)
