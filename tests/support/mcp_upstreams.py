"""Real MCP servers on free ports of this machine, for tests of those that a workspace adds by URL.

`notebook.py` is served in this process by the official SDK, in either revision, with levers. The others are
programs of their own: npm's server-everything, FastMCP with OAuth, and the product itself (`product.py`).
"""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from mcp.server.transport_security import RequestBodyLimitMiddleware, TransportSecuritySettings

from tests.support import node, python_programs, waiting
from tests.support.databases import ROOT
from tests.support.notebook import Notebook
from tests.support.product import free_port

_OPEN = TransportSecuritySettings(enable_dns_rebinding_protection=False)
_LARGEST_BODY = 8 * 1024 * 1024
PROGRAMS = ROOT / "tests" / "federation" / "programs"


@dataclass(frozen=True)
class Seen:
    """A request as it arrived. `headers` are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def rpc(self) -> str:
        """The JSON-RPC method, or "" for a reply and anything else."""
        return self.body.get("method", "") if isinstance(self.body, dict) else ""


@dataclass
class Upstream:
    """A running Notebook. What it lists and answers can be changed while it runs."""

    url: str
    book: Notebook
    seen: list[Seen] = field(default_factory=list)
    # in place of what the SDK lists: definitions exactly as they are sent
    definitions: list[dict[str, Any]] | None = None
    ttl_ms: int = 0  # with `definitions`, how long and for whom they are good
    scope: str = "private"
    key: str = ""  # the bearer token it wants, if any
    takes: Callable[[str], bool] | None = None  # instead of the key: which bearer tokens it takes
    failures: list[int] = field(default_factory=list)  # the statuses of the next answers
    hangs: bool = False  # it takes requests, and answers none
    waiting: int = 0  # requests that it has taken and not answered

    @property
    def server(self) -> Any:
        return self.book.server

    def calls(self, rpc: str = "tools/call") -> list[Seen]:
        """The requests of one JSON-RPC method so far."""
        return [each for each in self.seen if each.rpc == rpc]

    def add_tool(self, fn: Callable[..., Any], **options: Any) -> None:
        self.server.add_tool(fn, **options)

    def replace_tool(self, fn: Callable[..., Any], **options: Any) -> None:
        """The tool of that name does and says something else from now on."""
        name = options.get("name") or fn.__name__
        self.server.remove_tool(name)
        self.server.add_tool(fn, **options)

    def remove_tool(self, name: str) -> None:
        self.server.remove_tool(name)


@contextlib.contextmanager
def serve_notebook(
    *, with_sessions: bool = False, ttl_ms: int | None = None, port: int | None = None
) -> Iterator[Upstream]:
    """The Notebook by the official SDK: stateless in the revision 2026-07-28, or `with_sessions` as servers
    of 2025-11-25 are.
    """
    port = port or free_port()
    upstream = Upstream(f"http://127.0.0.1:{port}/mcp", Notebook(ttl_ms=ttl_ms))
    upstream.server.middleware.append(_listing(upstream))
    app = upstream.server.streamable_http_app(
        stateless_http=not with_sessions, transport_security=_OPEN, host="127.0.0.1"
    )
    if with_sessions:  # the SDK's transport of 2025, which knows no later revision
        manager = upstream.server.session_manager
        manager.asgi_app = RequestBodyLimitMiddleware(manager._handle_stateful_request, _LARGEST_BODY)
    with serve(_Door(app, upstream), port):
        yield upstream


def _listing(upstream: Upstream) -> Callable[..., Any]:
    async def answer(ctx: Any, call_next: Any) -> Any:
        if ctx.method == "tools/list" and upstream.definitions is not None:
            listed = {"tools": upstream.definitions, "ttlMs": upstream.ttl_ms, "cacheScope": upstream.scope}
            return {"resultType": "complete", **listed}
        return await call_next(ctx)

    return answer


class _Door:
    """Records what arrives, and refuses what a test wants refused."""

    def __init__(self, app: Any, upstream: Upstream) -> None:
        self._app = app
        self._upstream = upstream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(parts)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self._upstream.seen.append(Seen(scope["method"], scope["path"], headers, _parsed(body)))
        self._upstream.waiting += 1
        try:
            while self._upstream.hangs:
                await anyio.sleep(0.01)
        finally:
            self._upstream.waiting -= 1
        if self._upstream.failures:
            return await _refuse(send, self._upstream.failures.pop(0))
        if not _is_let_in(self._upstream, headers.get("authorization", "")):
            return await _refuse(send, 401, ((b"www-authenticate", b"Bearer"),))
        first = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Any:
            return first.pop() if first else await receive()

        await self._app(scope, replay, send)


def _is_let_in(upstream: Upstream, authorization: str) -> bool:
    token = authorization.removeprefix("Bearer ")
    if upstream.takes is not None:
        return upstream.takes(token)
    return not upstream.key or token == upstream.key


def _parsed(body: bytes) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(body)
    return body


async def _refuse(send: Any, status: int, headers: Any = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": b""})


@contextlib.contextmanager
def serve(app: Any, port: int) -> Iterator[None]:
    """An ASGI application on a port of this machine, in a thread of this process."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        waiting.until(lambda: server.started or not thread.is_alive())
        assert server.started, "the server ended at its start"
        yield
    finally:
        server.should_exit = True
        thread.join(waiting.AT_MOST_SECONDS)


@contextlib.contextmanager
def _program(command: list[str], port: int, log: Path, **environ: str) -> Iterator[None]:
    """A server that is a program of its own, until the block ends."""
    inherited = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "TMPDIR"}}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=inherited | environ, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent
        )
        try:
            _wait_for_port(process, port, log)
            yield
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()


def _wait_for_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"it did not start:\n{log.read_text(errors='replace')[-3000:]}")


@contextlib.contextmanager
def run_everything(folder: Path) -> Iterator[str]:
    """The reference server of the MCP project: 2025-11-25, sessions, 13 tools. Gives its URL."""
    port = free_port()
    script = node.install() / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
    command = [node.binary(), str(script), "streamableHttp"]
    with _program(command, port, folder / "everything.log", PORT=str(port)):
        yield f"http://127.0.0.1:{port}/mcp"


@dataclass
class FastMcp:
    """FastMCP with its in-memory OAuth provider. A restart forgets every client and token."""

    folder: Path
    port: int = field(default_factory=free_port)
    _running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/mcp"

    def start(self) -> None:
        command = [python_programs.interpreter(PROGRAMS), str(PROGRAMS / "fastmcp_server.py"), str(self.port)]
        self._running.enter_context(_program(command, self.port, self.folder / "fastmcp.log"))

    def stop(self) -> None:
        self._running.close()

    def restart(self) -> None:
        """It forgets everything, as an in-memory server does."""
        self.stop()
        self.start()
