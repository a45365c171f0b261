"""Endpoints of this package: JSON in, JSON out. They read no cookie, so they need no CSRF token."""

from dataclasses import replace

from flask import Blueprint, Flask, Response, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from app.accounts import browsers
from app.accounts.browsers import Browser
from app.accounts.codes import LIFETIME
from app.config import Settings
from app.onboarding import activating, registering, services
from app.onboarding.activating import SetupTokenRefused
from app.onboarding.forms import Confirmation, Registration
from app.web import csrf, current, json_body
from app.web.limits import limiter

bp = Blueprint("onboarding", __name__)


@bp.post("/api/register")
@limiter.limit("300/minute")
def register() -> ResponseReturnValue:
    """Email a code to the first person of a company. The response is the same for every address."""
    form = Registration(json_body.read(request))
    mailer = current.mailer()
    registering.register(
        current.settings(), mailer, _caller(), company=form.company.data, email=form.email.data
    )
    sentence = "We sent a 6-digit code to this email. Send it to /api/confirm."
    return jsonify(email=form.email.data, message=sentence, expires_in=int(LIFETIME.total_seconds())), 201


@bp.post("/api/confirm")
@limiter.limit("300/minute")
def confirm() -> ResponseReturnValue:
    """Exchange the code for a setup token."""
    form = Confirmation(json_body.read(request))
    setup = registering.confirm(current.settings(), _caller(), email=form.email.data, digits=form.code.data)
    return jsonify(setup_token=setup.token, expires_in=setup.seconds)


@bp.post("/api/activate")
@limiter.limit("300/minute")
def activate() -> ResponseReturnValue:
    """Exchange a service's credentials for a workspace with it connected, and a token for its tools."""
    settings, body = current.settings(), json_body.read(request)
    setup = activating.find_setup(_bearer())
    choice = services.choose(settings, body)
    activated = activating.activate(settings, current.mailer(), _caller().source, setup, choice)
    workspace = {"id": activated.workspace.id, "name": activated.workspace.name}
    return jsonify(
        workspace=workspace,
        mcp_url=settings.mcp_url,
        access_token=activated.access_token,
        expires_in=activated.seconds,
        **({"permission": activated.permission} if choice.permission else {}),
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
    """Register the endpoints."""
    app.register_blueprint(csrf.exempt(bp))


def _caller() -> Browser:
    """Return where the request comes from. Cookies do not count here."""
    return replace(browsers.read(request, current.settings()), holder="", known="", session="")


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
