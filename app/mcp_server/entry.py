"""Answers calls at the endpoint without Flask, whose request context and hooks cost a quarter of a call.

WSGI middleware inside the application. It takes what AI clients send all day: a POST with a bearer to our own
host. Any other request goes on to Flask, and so does the response to a defect of ours. What Flask's hooks do
to a call is done here; `tests/mcp_server/test_entry.py` compares the two and lists the hooks.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, g
from werkzeug.http import HTTP_STATUS_CODES

from app import logs
from app.config import Settings
from app.mcp_server.protocol.adapter import ProtocolAdapter
from app.mcp_server.protocol.http_messages import HttpRequest
from app.oauth_server.rfc8707_resource import wants_compact
from app.web import headers

_PATHS = frozenset({"/mcp", "/mcp/"})
_STATUS_LINES = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}


class Entry:
    """WSGI middleware."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        adapters: Mapping[bool, ProtocolAdapter],
        hosts: frozenset[str],
    ) -> None:
        self._app, self._application = app, app.wsgi_app
        self._adapters, self._hosts = adapters, hosts
        self._headers = headers.of_data(settings)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answers a call, and passes any other request on."""
        if not self._is_call(environ):
            passed_on: Iterable[bytes] = self._application(environ, start_response)
            return passed_on
        correlation_id = logs.begin_request(environ.get("HTTP_X_REQUEST_ID", ""))
        request = HttpRequest(environ)
        try:
            response = self._adapters[wants_compact(request.query)].answer(request)
        except Exception as error:  # the edge: Flask's handlers know the response to it
            return self._fail(error, correlation_id, environ, start_response)
        own = response.headers
        added = [each for each in self._headers if each[0] not in own]
        start_response(
            _STATUS_LINES[response.status], [*own.items(), *added, ("X-Request-Id", correlation_id)]
        )
        return [response.body] if isinstance(response.body, bytes) else response.body

    def _is_call(self, environ: Mapping[str, Any]) -> bool:
        return (
            environ.get("PATH_INFO") in _PATHS
            and environ["REQUEST_METHOD"] == "POST"
            and "HTTP_AUTHORIZATION" in environ
            and environ.get("HTTP_HOST", "").lower() in self._hosts
            and "HTTP_UPGRADE" not in environ
        )

    def _fail(
        self, error: Exception, correlation_id: str, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        with self._app.request_context(environ):
            g.correlation_id = correlation_id
            response = self._app.finalize_request(self._app.handle_user_exception(error))
            return response(environ, start_response)
