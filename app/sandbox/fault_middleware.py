"""WSGI middleware of all services: faults first, then one request at a time, then a line in the log."""

import io
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Flask
from werkzeug.wrappers import Request, Response

from app.sandbox.levers import InjectedFault
from app.sandbox.mcp_bridge import McpBridge, mcp_call
from app.sandbox.state import State

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_HTML = (
    "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0} Service Trouble</h1><p>Our "
    "engineers are on it.</p></body></html>"
)
_HANG_SECONDS = 300.0


class FaultMiddleware:
    """Injects faults and serves one request at a time.

    The lock keeps every view simple: no other request changes its records meanwhile. It costs nothing, since
    the threads of one Python process compute in turn anyway; all waiting happens outside it.
    """

    def __init__(self, app: Flask, state: State) -> None:
        self.app = app
        self.state = state
        self.mcp = app.extensions["mcp_bridge"] = McpBridge(state)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        path: str = environ["PATH_INFO"]
        slug, _, rest = path.lstrip("/").partition("/")
        if slug not in self.state.services:
            return self._serve(environ)(environ, start_response)
        method: str = environ["REQUEST_METHOD"]
        levers = self.state.levers(slug)
        rpc = mcp_call(environ) if self.mcp.serves(path) else ""
        fault = levers.take(method, "/" + rest, _grant_type(environ) if levers.faults else "", rpc)
        response = None
        if fault and fault.when == "before" and fault.kind != "cut":
            response = self._apply(fault, slug)
        if response is None:
            response = self._serve(environ)
            if fault and (fault.when == "after" or fault.kind == "cut"):
                _read_whole(response)
            if fault and fault.when == "after" and fault.kind != "cut":
                response.get_data()  # an MCP server works while its response is read
                response = self._apply(fault, slug) or response
        self._log(slug, method, "/" + rest, environ, response, fault, rpc)
        if fault and fault.kind in {"drop", "hang"}:
            _hang_up(environ)
        if fault and fault.kind == "cut":
            response.set_data(response.get_data()[: len(response.get_data()) // 2])
        return response(environ, start_response)

    def _serve(self, environ: "WSGIEnvironment") -> Response:
        if self.mcp.serves(environ["PATH_INFO"]):
            return self.mcp.answer(environ)
        with self.state.lock:
            try:
                return Response.from_app(self.app, environ, buffered=True)
            finally:
                self.state.store.commit()

    def _apply(self, fault: InjectedFault, slug: str) -> Response | None:
        """The response of the fault, or None if it only delays."""
        if fault.kind in {"slow", "hang"}:
            released = self.state.levers(slug).released
            released.wait(fault.seconds if fault.kind == "slow" else _HANG_SECONDS)
            return None if fault.kind == "slow" else _no_answer()
        if fault.kind == "drop":
            return _no_answer()
        if fault.kind == "rate_limit":
            with self.app.test_request_context():
                return self.state.services[slug].too_many(fault.retry_after)
        return _failure(fault)

    def _log(
        self,
        slug: str,
        method: str,
        path: str,
        environ: "WSGIEnvironment",
        response: Response,
        fault: InjectedFault | None,
        rpc: str,
    ) -> None:
        line: dict[str, Any] = {"method": method, "path": path, "status": response.status_code}
        if environ.get("HTTP_AUTHORIZATION", "").lower().startswith("bearer ") and environ.get(
            "QUERY_STRING"
        ):
            line["query"] = environ["QUERY_STRING"]
        if rpc:
            line["rpc"] = rpc
        if fault:
            line["fault"] = fault.kind
        self.state.log(slug).requests.append(line)


def _grant_type(environ: "WSGIEnvironment") -> str:
    """The grant type of a token request. Leaves the body readable for the view."""
    if environ["REQUEST_METHOD"] != "POST":
        return ""
    request = Request(environ)
    body = request.get_data(cache=True)
    environ["wsgi.input"] = io.BytesIO(body)
    if request.mimetype == "application/json":
        given = request.get_json(silent=True)
        return str(given.get("grant_type", "")) if isinstance(given, dict) else ""
    return parse_qs(body.decode("utf-8", "replace")).get("grant_type", [""])[0]


def _read_whole(response: Response) -> None:
    """Let the service do all its work: an event stream is written to its end."""
    response.direct_passthrough = False
    response.get_data()


def _no_answer() -> Response:
    """The response for the log where the caller gets none."""
    return Response(status=502, headers={"Connection": "close"})


def _hang_up(environ: "WSGIEnvironment") -> None:
    """Close the connection after logging: the caller receives no byte."""
    connection = environ.get("gunicorn.socket")
    if connection is not None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the caller has gone already


def _failure(fault: InjectedFault) -> Response:
    bodies = {
        "html": (_HTML.format(fault.status), "text/html"),
        "empty": ("", "application/json"),
        "text": ("upstream connect error or disconnect/reset before headers", "text/plain"),
        "json": ('{"message": "An internal problem occurred"}', "application/json"),
    }
    body, mimetype = bodies[fault.body]
    return Response(body, status=fault.status, mimetype=mimetype)
