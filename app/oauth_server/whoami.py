"""`GET /status`: describes a bearer token to its holder."""

from typing import Any

from flask import Request

from app.database import reading
from app.errors import PatchbayError
from app.oauth_server import scopes
from app.oauth_server.callers import AuthenticatedCaller, find_caller
from app.vault import store


class InvalidToken(PatchbayError):
    """The request has no live bearer token (RFC 6750 section 3)."""

    code = "INVALID_TOKEN"
    status = 401
    message = (
        "This needs a valid bearer token in the Authorization header. Connect again, or generate a "
        "token on the AI clients page."
    )


def caller_of(request: Request) -> AuthenticatedCaller:
    """The caller of the Authorization header; no token elsewhere counts. Raises InvalidToken."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    caller = find_caller(token.strip()) if scheme.lower() == "bearer" else None
    if caller is None:
        raise InvalidToken()
    return caller


def describe(caller: AuthenticatedCaller) -> dict[str, Any]:
    """Person, workspace, the token's scopes and expiry, and the connections it reaches."""
    with reading() as db:
        connections = store.visible(db, caller.workspace_id, caller.sees_as)
    return {
        "user": {"id": caller.user_id, "email": caller.email, "role": caller.role},
        "workspace": {
            "id": caller.workspace_id,
            "name": caller.workspace_name,
            "active": caller.workspace_active,
            "tier": caller.tier,
        },
        "client": {"id": caller.client_id, "name": caller.client_name, "kind": caller.kind},
        "scopes": sorted(caller.scopes),
        "expires_at": caller.expires_at.isoformat(timespec="seconds"),
        "connections": [
            {
                "id": c.id,
                "service": c.slug,
                "label": c.label,
                "account": c.account_name,
                "state": c.state,
                "permission": c.permission,
            }
            for c in connections
            if scopes.reaches(caller.scopes, c.slug) and caller.selection.includes(c.id)
        ],
    }
