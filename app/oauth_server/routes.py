"""The authorization server's endpoints for programs. Pages are in pages.py."""

from flask import Blueprint, Flask, Response, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from app import metrics
from app.config import Settings
from app.errors import PatchbayError, TooManyRequests
from app.oauth_server import (
    attempt_log,
    client_documents,
    housekeeping,
    pages,
    rfc8414_metadata,
    rfc8707_resource,
    rfc9728_protected_resource,
    server,
    whoami,
)
from app.oauth_server.aliases import Aliases
from app.web import csrf, current, limits
from app.web.limits import limiter

# Nothing here reads a cookie, so other origins may call it and forms need no CSRF token.
bp = Blueprint("oauth", __name__)
# Like `bp`, but for servers and scripts only: without CORS headers for browsers of other origins.
direct = Blueprint("oauth_direct", __name__)

_OAUTH_CODES = {429: "temporarily_unavailable", 503: "temporarily_unavailable"}


@bp.post("/oauth/token")
def token() -> ResponseReturnValue:
    """RFC 6749 section 3.2. Only failures count against their address, and only they are refused for it: one
    sender must not end the access of everyone who shares the address.
    """
    housekeeping.run_if_due()
    response = make_response(server.current().create_token_response())
    if response.status_code >= 400:
        with limiter.limit("600/minute"):
            pass
    return response


@bp.post("/oauth/register")
@limiter.limit("60/minute;200 per 15 minutes")
def register() -> ResponseReturnValue:
    """RFC 7591 section 3."""
    return server.current().create_endpoint_response("client_registration")


@bp.post("/oauth/revoke")
@limiter.limit("120/minute")
def revoke() -> ResponseReturnValue:
    """RFC 7009 section 2."""
    return server.current().create_endpoint_response("revocation")


@direct.post("/oauth/introspect")
@limiter.limit("600/minute")
def introspect() -> ResponseReturnValue:
    """RFC 7662 section 2."""
    return server.current().create_endpoint_response("introspection")


@bp.get("/.well-known/oauth-authorization-server")
@bp.get("/.well-known/oauth-authorization-server/mcp")
@bp.get("/.well-known/openid-configuration")
@bp.get("/.well-known/openid-configuration/mcp")
@bp.get("/mcp/.well-known/oauth-authorization-server")
@bp.get("/mcp/.well-known/openid-configuration")
def authorization_server_metadata() -> ResponseReturnValue:
    """RFC 8414 section 3, at every address clients try."""
    attempt_log.note_discovery("metadata", "Read how to register and sign in.")
    return _public(rfc8414_metadata.metadata(current.settings()))


@bp.get("/.well-known/oauth-protected-resource")
@bp.get("/.well-known/oauth-protected-resource/mcp")
@bp.get("/.well-known/oauth-protected-resource/mcp/", endpoint="protected_resource_metadata_with_slash")
@bp.get("/mcp/.well-known/oauth-protected-resource")
def protected_resource_metadata() -> ResponseReturnValue:
    """RFC 9728 section 3, at every address clients try."""
    attempt_log.note_discovery("resource", "Got the address of the authorization server.")
    ending = rfc8707_resource.ending_as_typed(request.path, request.query_string.decode("latin-1"))
    return _public(rfc9728_protected_resource.metadata(current.settings(), ending))


@direct.get("/status")
def status() -> ResponseReturnValue:
    """Describes the bearer token's holder."""
    return jsonify(whoami.describe(whoami.caller_of(request)))


@direct.errorhandler(whoami.InvalidToken)
def _challenge(error: whoami.InvalidToken) -> Response:
    """RFC 6750 section 3: no error code when the request had no token."""
    response = make_response(
        jsonify(error={"code": error.code, "message": error.message, "details": {}}), 401
    )
    problem = ', error="invalid_token"' if request.headers.get("Authorization") else ""
    where = f"{current.settings().public_url}/.well-known/oauth-protected-resource/mcp"
    response.headers["WWW-Authenticate"] = f'Bearer resource_metadata="{where}"{problem}'
    return response


@bp.errorhandler(PatchbayError)
def _as_oauth(error: PatchbayError) -> Response:
    """RFC 6749 section 5.2: our own errors, in the shape OAuth clients read."""
    kind = _OAUTH_CODES.get(error.status, "invalid_request" if error.status < 500 else "server_error")
    response = make_response(jsonify(error=kind, error_description=error.message), error.status)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


@bp.errorhandler(429)
def _over_the_limit(_refusal: Exception) -> Response:
    """Flask-Limiter's refusal by address, in the same shape."""
    metrics.LIMITS_HIT.labels("address").inc()
    return _as_oauth(TooManyRequests(retry_after_seconds=limits.seconds_to_wait()))


@bp.after_request
def _cors(response: Response) -> Response:
    """Lets browser-based clients, such as the Inspector, call cross-origin. Flask answers OPTIONS."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, MCP-Protocol-Version, *"
    response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, Retry-After"
    response.headers["Access-Control-Max-Age"] = "86400"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _public(document: dict[str, object]) -> Response:
    response = jsonify(document)
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def install(app: Flask, settings: Settings) -> None:
    """Registers the routes of this package."""
    client_documents.check(settings)
    server.install(app, settings)
    app.register_blueprint(csrf.exempt(bp))
    app.register_blueprint(csrf.exempt(direct))
    pages.install(app)
    app.wsgi_app = Aliases(app.wsgi_app)  # type: ignore[method-assign]
