"""`/mcp/token`: exchanges an ID token for an access token, and renews that until an hour after it expired."""

from flask import Blueprint, Response, jsonify, request

from app.sandbox.current import Here, here
from app.sandbox.grants import digest
from app.sandbox.rules import ServiceGrant
from app.sandbox.services.flowpos.identity import verify
from app.sandbox.services.flowpos.people import EVERYTHING, PEOPLE, memberships
from app.sandbox.services.flowpos.wire import body, refusal

bp = Blueprint("token_exchange", __name__)

TOKEN_SECONDS = 86_400
_GRACE_SECONDS = 3600


@bp.post("/mcp/token")
def exchange() -> Response:
    """Exchange a Firebase ID token for an access token with every scope."""
    at, token = here(), body().get("firebaseIdToken")
    name = verify(token if isinstance(token, str) else "", at.now())
    if not memberships(at, name):
        raise refusal(403, "No active business memberships")
    at.log.counts["exchanges"] += 1
    return _answer(at, at.grants.open(name, PEOPLE[name].email, EVERYTHING, {}))


@bp.post("/mcp/token/refresh")
def refresh() -> Response:
    """Exchange an access token, which may have expired up to an hour ago, for a new one."""
    at = here()
    grant = _grant_of(at, request.headers.get("Authorization", "").partition(" ")[2].strip())
    if grant is None:
        at.log.counts["refresh_refusals"] += 1
        raise refusal(401, "Invalid or expired token")
    if not memberships(at, grant.company):
        at.log.counts["refresh_refusals"] += 1
        raise refusal(403, "No active business memberships")
    at.log.counts["refreshes"] += 1
    return _answer(at, grant)


def _grant_of(at: Here, token: str) -> ServiceGrant | None:
    grants = at.grants
    record = grants.book.find("access", digest(token))
    if record is not None:
        grant = grants.get(record["grant"])
        return None if grant.revoked or record["until"] + _GRACE_SECONDS <= grants.now else grant
    access = grants.find_access(token)
    if access is None or token.startswith("fp_mcp_"):
        return None
    return grants.open(access.company, access.person, sorted(access.scopes), {})


def _answer(at: Here, grant: ServiceGrant) -> Response:
    mine = memberships(at, grant.company)
    answer = jsonify(
        accessToken=at.grants.new_access(grant),
        expiresIn=TOKEN_SECONDS,
        role="merchant",
        activeBusinessId=mine[0].id,
        authorizedBusinessIds=[business.id for business in mine],
        authorizedBusinesses=[{"id": business.id, "name": business.name} for business in mine],
        scopes=[scope for scope in EVERYTHING if scope in grant.scopes],
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
