"""The official SDK's MCP servers inside this WSGI process: one event loop in one thread runs them all.

Not `a2wsgi`: it never tells the application that the client has gone, so that an event stream nobody reads
would hold its thread until the process ends.
"""

import asyncio
import concurrent.futures
import io
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from app.sandbox.mcp_desk import SCOPE_KEY, McpDesk
from app.sandbox.mcp_endpoint import McpEndpoint, read_call
from app.sandbox.rules import Access
from app.sandbox.state import State

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_LOOK_SECONDS = 0.25  # how often a silent stream looks whether its client is still there
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


class McpBridge:
    """Every MCP server of the sandbox, each started by its first request."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._endpoints = {
            f"/{slug}{endpoint.path}": (slug, endpoint)
            for slug, service in state.services.items()
            for endpoint in service.mcp
        }
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()

    def serves(self, path: str) -> bool:
        """Whether an MCP server answers at that path of the sandbox."""
        return path in self._endpoints

    def answer(self, environ: "WSGIEnvironment") -> Response:
        """The MCP server's response. An event stream is sent while the server writes it."""
        request = Request(environ)
        slug, endpoint = self._endpoints[request.path]
        with McpDesk(self._state, self._state.services[slug]).open() as at:
            admitted = endpoint.admit(at, request)
        if isinstance(admitted, Response):
            return admitted
        running = self._start(request.path, slug, endpoint)
        return _Exchange(running, request, admitted).response()

    def restart(self, slug: str) -> None:
        """End the servers of a service. The next one knows nobody's session, as after a crash."""
        with self._lock:
            for path in [p for p in self._running if self._endpoints[p][0] == slug]:
                self._running.pop(path).stop()

    def _start(self, path: str, slug: str, endpoint: McpEndpoint) -> "_Running":
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="sandbox-mcp", daemon=True).start()
            if path not in self._running:
                desk = McpDesk(self._state, self._state.services[slug])
                self._running[path] = _Running(self._loop, endpoint, desk)
            return self._running[path]


def mcp_call(environ: "WSGIEnvironment") -> str:
    """What an MCP request asks for: its method and the name or URI it is about. Leaves the body readable."""
    body = Request(environ).get_data()
    environ["wsgi.input"] = io.BytesIO(body)
    method, subject = read_call(body)
    return f"{method} {subject}".strip()


class _Running:
    """One server whose session manager is held open in the loop until `stop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, endpoint: McpEndpoint, desk: McpDesk) -> None:
        from mcp.server.transport_security import TransportSecuritySettings

        self.loop = loop
        server = endpoint.build(desk)
        # The sandbox may be reached under any host name, such as a container's.
        server.streamable_http_app(
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False)
        )
        self.manager = server.session_manager
        self._ended = asyncio.Event()
        started = threading.Event()
        asyncio.run_coroutine_threadsafe(self._hold(started), loop)
        started.wait()

    async def _hold(self, started: threading.Event) -> None:
        async with self.manager.run():
            started.set()
            await self._ended.wait()

    def stop(self) -> None:
        """End every session and stream of the server."""
        self.loop.call_soon_threadsafe(self._ended.set)


class _Exchange:
    """One request to an ASGI application and its response, read by the WSGI thread while it is written."""

    def __init__(self, running: _Running, request: Request, access: Access) -> None:
        self._loop = running.loop
        self._body = request.get_data()
        self._socket: socket.socket | None = request.environ.get(
            "gunicorn.socket", request.environ.get("werkzeug.socket")
        )
        self._messages: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._gone = asyncio.Event()
        self._task = asyncio.run_coroutine_threadsafe(
            self._run(running.manager.handle_request, _scope(request, access)), self._loop
        )
        self._task.add_done_callback(self._end)

    def response(self) -> Response:
        """The response, as soon as its status is known."""
        start = self._next()
        if start is None:
            return Response("The server ended the request.", 500, mimetype="text/plain")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        end_to_end = [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
        response = Response(self._chunks(), start["status"], end_to_end)
        response.call_on_close(self._leave)
        return response

    async def _run(self, application: Any, scope: dict[str, Any]) -> None:
        unread = True

        async def receive() -> dict[str, Any]:
            nonlocal unread
            if unread:
                unread = False
                return {"type": "http.request", "body": self._body, "more_body": False}
            await self._gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            self._messages.put(message)

        await application(scope, receive, send)

    def _chunks(self) -> Iterator[bytes]:
        yield b""  # sends status and headers now: a stream may have nothing to say for long
        while (message := self._next()) is not None:
            yield message.get("body", b"")
            if not message.get("more_body"):
                return

    def _next(self) -> Mapping[str, Any] | None:
        """The next message of the application; None when it has ended or the client has gone."""
        while True:
            try:
                return self._messages.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if self._is_deserted():
                    self._leave()
                    return None

    def _is_deserted(self) -> bool:
        if self._socket is None:
            return False
        try:
            return not self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _leave(self) -> None:
        self._loop.call_soon_threadsafe(self._gone.set)

    def _end(self, _task: "concurrent.futures.Future[None]") -> None:
        self._messages.put(None)


def _scope(request: Request, access: Access) -> dict[str, Any]:
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
    from mcp.server.auth.provider import AccessToken

    grant = access.grant
    client_id = grant.parameters.get("client_id", "sandbox")
    subject = f"{grant.id} {grant.person} {grant.company}"
    token = AccessToken(token="", client_id=client_id, scopes=sorted(access.scopes), subject=subject)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "root_path": "",
        "query_string": request.query_string,
        "headers": [(name.lower().encode("latin-1"), v.encode("latin-1")) for name, v in request.headers],
        "server": (request.host, None),
        "client": (request.remote_addr or "", 0),
        "extensions": {},
        "user": AuthenticatedUser(token),  # a session answers only the grant that opened it
        SCOPE_KEY: access,
    }
