"""Doors of this package: JSON in, JSON out. Nothing here reads a cookie, so nothing here needs a form
token.
"""

from dataclasses import replace

from flask import Blueprint, Flask, Response, current_app, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from app.accounts import browsers
from app.accounts.browsers import Browser
from app.accounts.codes import LIFETIME
from app.config import Settings
from app.onboarding import activating, registering, services
from app.onboarding.activating import SetupTokenRefused
from app.onboarding.forms import Confirmation, Registration
from app.web import csrf, json_body
from app.web.limits import limiter

bp = Blueprint("onboarding", __name__)


@bp.post("/api/register")
@limiter.limit("300/minute")
def register() -> ResponseReturnValue:
    """Mail a code to whoever speaks for a company. The answer is the same for every address."""
    form = Registration(json_body.read(request))
    mailer = current_app.extensions["mailer"]
    registering.register(_settings(), mailer, _caller(), company=form.company.data, email=form.email.data)
    sentence = "We mailed a 6-digit code to this address. Send it to /api/confirm."
    return jsonify(email=form.email.data, message=sentence, expires_in=int(LIFETIME.total_seconds())), 201


@bp.post("/api/confirm")
@limiter.limit("300/minute")
def confirm() -> ResponseReturnValue:
    """The code for a setup token."""
    form = Confirmation(json_body.read(request))
    setup = registering.confirm(_settings(), _caller(), email=form.email.data, digits=form.code.data)
    return jsonify(setup_token=setup.token, expires_in=setup.seconds)


@bp.post("/api/activate")
@limiter.limit("300/minute")
def activate() -> ResponseReturnValue:
    """Credentials of a service for a workspace with it connected, and a token for its tools."""
    settings, body = _settings(), json_body.read(request)
    setup = activating.find_setup(_bearer())
    chosen = services.choose(settings, body)
    done = activating.activate(settings, current_app.extensions["mailer"], _caller().source, setup, chosen)
    workspace = {"id": done.workspace.id, "name": done.workspace.name}
    return jsonify(
        workspace=workspace, mcp_url=settings.mcp_url, access_token=done.access_token, expires_in=done.seconds
    )


@bp.errorhandler(SetupTokenRefused)
def _challenge(error: SetupTokenRefused) -> Response:
    """RFC 6750 section 3."""
    response = make_response(
        jsonify(error={"code": error.code, "message": error.message, "details": {}}), error.status
    )
    response.headers["WWW-Authenticate"] = "Bearer" + (
        ' error="invalid_token"' if request.headers.get("Authorization") else ""
    )
    return response


def install(app: Flask, settings: Settings) -> None:
    """Register the addresses."""
    app.register_blueprint(csrf.exempt(bp))


def _caller() -> Browser:
    """Where the request comes from. Cookies do not count here."""
    return replace(browsers.read(request, _settings()), holder="", known="", session="")


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings
