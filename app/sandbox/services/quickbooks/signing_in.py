"""Intuit's own ways with tokens. https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0"""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, make_response

from app.sandbox.current import here
from app.sandbox.rules import Grant, opaque_token

REFRESH_SECONDS = 100 * 86_400
_DESCRIPTIONS = {"invalid_grant": "Incorrect or invalid refresh token"}

# an encrypted JWT: long
access_token = opaque_token("eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0..", 600)


def refresh_token(grant: Grant) -> str:
    """A token that tells, as Intuit's do, when it will die."""
    return opaque_token(f"RT1-98-H0-{int(here().now().timestamp()) + REFRESH_SECONDS}")(grant)


def refuses(asked: Mapping[str, str]) -> str | None:
    """A scope must be asked for, and development keys send people back to https or http://localhost only."""
    if not asked.get("scope", "").strip():
        return "The scope query parameter is missing."
    return (
        ("The redirect_uri query parameter value is invalid.")
        if asked["redirect_uri"].startswith(("http://127.", "http://["))
        else None
    )


def refuses_refresh(record: Mapping[str, Any]) -> bool:
    """With the lever `strict`: whether the token was used a moment ago already, as two refreshes at once
    would.
    """
    at = here()
    strict = at.grants.book.find("strict", "seconds")
    return (
        strict is not None
        and record["used"] > record["issued"]
        and at.now().timestamp() - record["used"] < strict["value"]
    )


def token_fields(_grant: Grant, _refreshing: bool) -> dict[str, Any]:
    """How long the refresh token lives, counted anew; the scopes are not repeated."""
    return {"token_type": "bearer", "x_refresh_token_expires_in": REFRESH_SECONDS, "scope": None}


def token_error(code: str, description: str) -> Response:
    """The OAuth error; a token that cannot be revoked any more is a 400 without a word."""
    if code == "invalid_token":
        return make_response("", 400)
    if code == "invalid_client":
        return make_response(jsonify(error=code), 401)
    return make_response(jsonify(error=code, error_description=_DESCRIPTIONS.get(code, description)), 400)
