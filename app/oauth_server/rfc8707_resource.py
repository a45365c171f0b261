"""RFC 8707: resource indicators. Every token is for one resource, our MCP endpoint."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import OAuth2Error

from app.web import current

# the endpoint's address may end with this (compact mode); it is the same resource
COMPACT_QUERY = "?tools=compact"


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]
    """Section 2: the requested resource is invalid, missing, unknown, or malformed."""

    error = "invalid_target"
    description = "The resource is unknown. Use the URL of the MCP endpoint."


class ResourceIndicators:
    """Binds code and tokens to the requested resource; an absent one means the MCP endpoint."""

    def __call__(self, grant: Any) -> None:
        """Hook into both steps of the code grant."""
        grant.register_hook("after_validate_authorization_request_payload", self.check_at_authorization)
        grant.register_hook("after_validate_token_request", self.check_at_token)

    def check_at_authorization(self, grant: Any, _result: Any) -> None:
        """Section 2.1."""
        grant.request.resource = canonical(grant.request.payload.data.get("resource"))

    def check_at_token(self, grant: Any, _result: Any) -> None:
        """Section 2.2: the resource must be the one the code was issued for."""
        same_as_granted(grant.request, grant.request.authorization_code.resource)


def same_as_granted(request: Any, granted: str) -> None:
    """Raises InvalidTargetError when a token request names another resource than the grant's."""
    requested = request.payload.data.get("resource")
    if requested is not None and canonical(requested) != granted:
        raise InvalidTargetError()


def canonical(resource: str | None) -> str:
    """The resource as stored. Any case of scheme and host, one trailing slash and `?tools=compact` name the
    same resource.

    Raises InvalidTargetError for any other.
    """
    ours: str = current.settings().mcp_url
    if resource is None:
        return ours
    resource = resource.removesuffix(COMPACT_QUERY)
    try:
        parts = urlsplit(resource)
        named = f"{parts.scheme}://{parts.netloc.lower()}{parts.path.removesuffix('/')}"
    except ValueError:
        raise InvalidTargetError() from None
    if named != ours or "#" in resource or "?" in resource or not resource.isascii():
        raise InvalidTargetError()
    return ours


def ending_as_typed(path: str, query: str) -> str:
    """The ending of the endpoint's address as the person typed it: the metadata has to repeat it."""
    return ("/" if path.endswith("/") else "") + (COMPACT_QUERY if wants_compact(query) else "")


def wants_compact(query: str) -> bool:
    """Whether the query of the address asks for compact mode. Of a repeated name, the first counts."""
    return bool(query) and dict(reversed(parse_qsl(query, True))).get("tools") == "compact"
