"""Doors of this package: the exchange as FlowPOS' own clients know it. The token endpoint's is in
rfc8693_token_exchange.py.
"""

from flask import Blueprint, Flask, Response, current_app, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from app.config import Settings
from app.errors import InvalidInput
from app.identity_exchange import exchange
from app.identity_exchange.exchange import Issued
from app.identity_exchange.id_tokens import IdTokenRefused
from app.identity_exchange.rfc8693_token_exchange import TokenExchangeGrant
from app.jwks import Certificates
from app.oauth_server import server, whoami
from app.oauth_server.whoami import InvalidToken
from app.web import csrf, json_body
from app.web.limits import limiter

bp = Blueprint("tokens", __name__)
_ID_TOKEN = "firebaseIdToken"


@bp.post("/mcp/token")
@limiter.limit("600/minute")
def token() -> ResponseReturnValue:
    """A token for an ID token."""
    given = json_body.text(json_body.read(request), _ID_TOKEN)
    if not given:
        raise InvalidInput(
            f"{_ID_TOKEN} is missing: send the Firebase ID token of the person.",
            details={"fields": {_ID_TOKEN: "Missing."}},
        )
    return _answer(exchange.exchange(_settings(), given))


@bp.post("/mcp/token/refresh")
@limiter.limit("600/minute")
def refresh() -> ResponseReturnValue:
    """The next token for one that still lives."""
    return _answer(exchange.refresh(_settings(), whoami.caller_of(request)))


@bp.errorhandler(IdTokenRefused)
@bp.errorhandler(InvalidToken)
def _challenge(error: IdTokenRefused | InvalidToken) -> Response:
    """A 401 names a way to authenticate (RFC 9110, 11.6.1)."""
    response = make_response(
        jsonify(error={"code": error.code, "message": error.message, "details": {}}), error.status
    )
    response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response


def _answer(issued: Issued) -> Response:
    reached = [{"id": business.id, "name": business.name} for business in issued.reached.businesses]
    return jsonify(
        accessToken=issued.access_token,
        expiresIn=issued.expires_in,
        role="merchant",
        activeBusinessId=issued.reached.active(issued.chosen),
        authorizedBusinessIds=[business["id"] for business in reached],
        authorizedBusinesses=reached,
        scopes=list(issued.scopes),
    )


def install(app: Flask, settings: Settings) -> None:
    """Register the addresses; and the grant type, where ID tokens are trusted at all."""
    app.extensions["firebase_certificates"] = Certificates(settings.firebase_certs_url)
    if settings.firebase_project_id:
        authorization: server.AuthorizationServer = app.extensions["oauth_server"]
        authorization.register_grant(TokenExchangeGrant)
    app.register_blueprint(csrf.exempt(bp))


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings
