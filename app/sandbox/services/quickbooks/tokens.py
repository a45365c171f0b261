"""Intuit's tokens. https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0"""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, make_response, request

from app.sandbox.current import here
from app.sandbox.rules import ServiceGrant, opaque_token

REFRESH_SECONDS = 100 * 86_400
HARD_SECONDS = 5 * 365 * 86_400  # however often it is refreshed, a consent ends after five years
_DESCRIPTIONS = {"invalid_grant": "Incorrect or invalid refresh token"}

# an encrypted JWT: long
access_token = opaque_token("eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0..", 600)


def refresh_token(grant: ServiceGrant) -> str:
    """A token that contains the time of its end, as Intuit's do."""
    return opaque_token(f"RT1-98-H0-{int(here().now().timestamp()) + REFRESH_SECONDS}")(grant)


def refuses(parameters: Mapping[str, str]) -> str | None:
    """Requires a scope, and a redirect address of https or http://localhost, as for development keys."""
    if not parameters.get("scope", "").strip():
        return "The scope query parameter is missing."
    return (
        ("The redirect_uri query parameter value is invalid.")
        if parameters["redirect_uri"].startswith(("http://127.", "http://["))
        else None
    )


def refuses_refresh(record: Mapping[str, Any]) -> bool:
    """With the lever `strict`: whether the token was used a moment ago, as by two parallel refreshes."""
    at = here()
    strict = at.grants.book.find("strict", "seconds")
    return (
        strict is not None
        and record["used"] > record["issued"]
        and at.now().timestamp() - record["used"] < strict["value"]
    )


def token_fields(grant: ServiceGrant, _refreshing: bool) -> dict[str, Any]:
    """The lifetime of the refresh token, from now; the scopes are left out.

    The rest of the five years is told only to a request whose header asks for it.
    """
    fields = {"token_type": "bearer", "x_refresh_token_expires_in": REFRESH_SECONDS, "scope": None}
    if request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true":
        left = HARD_SECONDS - int(here().now().timestamp() - grant.at)
        fields["x_refresh_token_hard_expires_in"] = left
    return fields


def token_error(code: str, description: str) -> Response:
    """The OAuth error. A token that is revoked already gets a 400 without a body."""
    if code == "invalid_token":
        return make_response("", 400)
    if code == "invalid_client":
        return make_response(jsonify(error=code), 401)
    return make_response(jsonify(error=code, error_description=_DESCRIPTIONS.get(code, description)), 400)
