"""Checks before the body is read: Host, Origin, method, media types, size, strict JSON."""

import functools
import re
from dataclasses import dataclass, field
from typing import Any

from mcp_types import INVALID_REQUEST, PARSE_ERROR
from werkzeug.exceptions import RequestEntityTooLarge

from app import strict_json
from app.client_settings import is_allowed
from app.mcp_server.protocol.errors import Refusal
from app.mcp_server.protocol.http_messages import HttpRequest, HttpResponse

LARGEST_BODY = 4 * 1024 * 1024
_LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
_ALLOWED_HEADERS = re.compile(
    r"(authorization|content-type|accept|mcp-[a-z0-9!#$%&'*+.^_`|~-]+|last-event-id|x-request-id)", re.I
)


@dataclass(frozen=True)
class RequestChecks:
    """The allow-lists of one endpoint. Loopback origins are always allowed: pages on one's own machine."""

    hosts: frozenset[str]
    origins: frozenset[str] = field(default_factory=frozenset)

    def admit(self, request: HttpRequest) -> None:
        """Checks Host and Origin (DNS rebinding). Raises Refusal: 421, 403."""
        if request.environ.get("HTTP_HOST", "").lower() not in self.hosts:
            raise Refusal(
                421,
                INVALID_REQUEST,
                "This host name is not served here. Use the address in the installation's settings.",
            )
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None and not self._is_allowed(origin):
            raise Refusal(403, INVALID_REQUEST, "Requests from this web origin are not allowed.")

    def _is_allowed(self, origin: str) -> bool:
        return is_allowed(origin, self.origins) or _LOOPBACK_ORIGIN.fullmatch(origin) is not None

    def read(self, request: HttpRequest) -> dict[str, Any]:
        """The body: one JSON object. Raises Refusal: 405, 415, 406, 413, 400."""
        if request.method != "POST":
            message = "This endpoint takes POST only: it keeps no stream open between requests."
            raise Refusal(405, INVALID_REQUEST, message, headers={"Allow": "POST"})
        if (
            request.media_type != "application/json"
            or request.environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity"
        ):
            raise Refusal(415, INVALID_REQUEST, "Send plain JSON with Content-Type: application/json.")
        if not accepts(request)[0]:
            raise Refusal(
                406,
                INVALID_REQUEST,
                "Accept must admit application/json (and text/event-stream for streaming).",
            )
        try:
            raw = request.read_body(LARGEST_BODY)
        except RequestEntityTooLarge:
            raise Refusal(413, INVALID_REQUEST, "The body is larger than 4 MiB.") from None
        return parse(raw)

    def add_cors_headers(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Allows a page of an allowed origin to read the response (CORS)."""
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None and self._is_allowed(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = (
                "Mcp-Session-Id, WWW-Authenticate, Retry-After, X-Request-Id"
            )
            response.headers["Vary"] = "Origin"
        return response

    def preflight(self, request: HttpRequest) -> HttpResponse:
        """The response to a browser's OPTIONS request."""
        requested = request.headers.get("access-control-request-headers", "")
        names = [
            name
            for name in (part.strip() for part in requested.split(","))
            if _ALLOWED_HEADERS.fullmatch(name)
        ]
        response = HttpResponse(204)
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None and self._is_allowed(origin):
            response.headers["Access-Control-Allow-Methods"] = "POST"
            response.headers["Access-Control-Allow-Headers"] = (
                ", ".join(names) or "Authorization, Content-Type"
            )
            response.headers["Access-Control-Max-Age"] = "600"
        return self.add_cors_headers(request, response)


def accepts(request: HttpRequest) -> tuple[bool, bool]:
    """Whether JSON and an event stream are accepted. No Accept header means JSON (RFC 9110, 12.5.1)."""
    return _accepts(request.environ.get("HTTP_ACCEPT", "application/json"))


@functools.lru_cache(maxsize=256)
def _accepts(header: str) -> tuple[bool, bool]:
    kinds = {
        part.split(";")[0].strip().lower()
        for part in header.split(",")
        if not re.search(r";\s*q=0(\.0*)?\s*(;|$)", part)
    }
    return (
        not kinds.isdisjoint({"*/*", "application/*", "application/json"}),
        not kinds.isdisjoint({"*/*", "text/*", "text/event-stream"}),
    )


def parse(raw: bytes) -> dict[str, Any]:
    """One strict JSON object. Raises Refusal (400) otherwise, also for a batch (only 2025-03-26 had them)."""
    try:
        body = strict_json.parse(raw)
    except strict_json.RepeatedMember:
        raise Refusal(
            400, INVALID_REQUEST, "A member appears twice in one JSON object, so its meaning is not clear."
        ) from None
    except ValueError:
        raise Refusal(400, PARSE_ERROR, "The body is not valid JSON.") from None
    if isinstance(body, list):
        raise Refusal(400, INVALID_REQUEST, "Batches are not supported: send one JSON-RPC message a request.")
    if not isinstance(body, dict):
        raise Refusal(400, INVALID_REQUEST, "The body must be one JSON-RPC message, as a JSON object.")
    return body
