"""RFC 8707: resource indicators. Every token is for one resource, our MCP endpoint."""

from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import OAuth2Error
from flask import Request, current_app

# the endpoint's address may end so: a shorter list of tools, the same resource
COMPACT_QUERY = "?tools=compact"


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]
    """Section 2: the requested resource is invalid, missing, unknown, or malformed."""

    error = "invalid_target"
    description = "The resource is not known here. Use the address of the MCP endpoint."


class ResourceIndicators:
    """Binds code and tokens to the resource that was asked for; an absent one means the MCP endpoint."""

    def __call__(self, grant: Any) -> None:
        """Hook into both steps of the code grant."""
        grant.register_hook("after_validate_authorization_request_payload", self.check_at_authorization)
        grant.register_hook("after_validate_token_request", self.check_at_token)

    def check_at_authorization(self, grant: Any, _result: Any) -> None:
        """Section 2.1."""
        grant.request.resource = canonical(grant.request.payload.data.get("resource"))

    def check_at_token(self, grant: Any, _result: Any) -> None:
        """Section 2.2: what is asked for here must be what the code was given for."""
        same_as_granted(grant.request, grant.request.authorization_code.resource)


def same_as_granted(request: Any, granted: str) -> None:
    """Raises InvalidTargetError when a token request names another resource than the grant's."""
    asked = request.payload.data.get("resource")
    if asked is not None and canonical(asked) != granted:
        raise InvalidTargetError()


def canonical(resource: str | None) -> str:
    """The resource as we store it. Scheme and host in any case, one trailing slash and `?tools=compact` are
    the same resource.

    Raises InvalidTargetError for any other.
    """
    ours: str = current_app.extensions["patchbay"].mcp_url
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


def ending_as_typed(request: Request) -> str:
    """How the person's own address of the endpoint ends, by what came of it: metadata has to repeat it."""
    return ("/" if request.path.endswith("/") else "") + (COMPACT_QUERY if wants_compact(request) else "")


def wants_compact(request: Request) -> bool:
    """Whether the address asks for the compact list of tools."""
    return request.args.get("tools") == "compact"
