"""The exchange as FlowPOS' own clients know it. The token endpoint's is rfc8693_token_exchange.py."""

from flask import Blueprint, Flask, Response, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from app.config import Settings
from app.errors import InvalidInput
from app.identity_exchange import exchange
from app.identity_exchange.exchange import Issued
from app.identity_exchange.firebase_tokens import IdTokenRefused
from app.identity_exchange.rfc8693_token_exchange import TokenExchangeGrant
from app.oauth_server import server, whoami
from app.oauth_server.whoami import InvalidToken
from app.web import csrf, current, json_body
from app.web.limits import limiter

bp = Blueprint("tokens", __name__)
_ID_TOKEN = "firebaseIdToken"


@bp.post("/mcp/token")
@limiter.limit("600/minute")
def token() -> ResponseReturnValue:
    """Exchanges an ID token for a token of ours."""
    given = json_body.text(json_body.read(request), _ID_TOKEN)
    if not given:
        raise InvalidInput(
            f"{_ID_TOKEN} is missing: send the Firebase ID token of the person.",
            details={"fields": {_ID_TOKEN: "Missing."}},
        )
    return _answer(exchange.exchange(current.settings(), current.mailer(), given))


@bp.post("/mcp/token/refresh")
@limiter.limit("600/minute")
def refresh() -> ResponseReturnValue:
    """Exchanges a live token for the next one."""
    return _answer(exchange.refresh(current.settings(), whoami.caller_of(request)))


@bp.errorhandler(IdTokenRefused)
@bp.errorhandler(InvalidToken)
def _challenge(error: IdTokenRefused | InvalidToken) -> Response:
    """A 401 names an authentication scheme (RFC 9110, 11.6.1)."""
    response = make_response(
        jsonify(error={"code": error.code, "message": error.message, "details": {}}), error.status
    )
    response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response


def _answer(issued: Issued) -> Response:
    authorized = [{"id": business.id, "name": business.name} for business in issued.reachable.businesses]
    return jsonify(
        accessToken=issued.access_token,
        expiresIn=issued.expires_in,
        role="merchant",
        activeBusinessId=issued.reachable.active(issued.active_businesses),
        authorizedBusinessIds=[business["id"] for business in authorized],
        authorizedBusinesses=authorized,
        scopes=list(issued.scopes),
    )


def install(app: Flask, settings: Settings) -> None:
    """Registers the routes, and the grant type if ID tokens are accepted at all."""
    if settings.firebase_project_id:
        authorization: server.AuthorizationServer = app.extensions["oauth_server"]
        authorization.register_grant(TokenExchangeGrant)
    app.register_blueprint(csrf.exempt(bp))
