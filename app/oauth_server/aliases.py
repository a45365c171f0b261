"""The endpoint paths of older MCP clients, which knew no discovery: /authorize, /token, /refresh and
/register.

Rewritten before routing, so that they behave the same in every respect. `/register` is also our own page for
people; a client sends JSON there, or a CORS preflight.
"""

from collections.abc import Iterable
from typing import Any

_SAME = {"/authorize": "/oauth/authorize", "/token": "/oauth/token", "/refresh": "/oauth/token"}


class Aliases:
    """WSGI middleware."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Passes the request on, at the path it means."""
        path = environ.get("PATH_INFO", "")
        target = _SAME.get(path) or (
            "/oauth/register" if path == "/register" and _is_client(environ) else None
        )
        if target:
            environ["patchbay.alias"], environ["PATH_INFO"] = path, target
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer


def _is_client(environ: dict[str, Any]) -> bool:
    if environ["REQUEST_METHOD"] == "OPTIONS":
        return "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    content_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    return bool(environ["REQUEST_METHOD"] == "POST" and content_type == "application/json")
