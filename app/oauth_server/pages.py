"""The authorization server's pages: consent, and the attempt log for debugging."""

from flask import Blueprint, Flask, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.database import reading
from app.errors import Forbidden, InvalidInput
from app.oauth_server import attempt_log, authorization_request, housekeeping
from app.web import current
from app.web.headers import allow_form_target
from app.web.limits import limiter
from app.workspaces.guard import ask_to_sign_in, current_member, member

bp = Blueprint("oauth_pages", __name__)


@bp.get("/oauth/authorize")
@limiter.limit("300/minute")
def authorize() -> ResponseReturnValue:
    """RFC 6749 section 3.1. Checks the request before it asks anybody to sign in."""
    checked = authorization_request.read()
    return _ask(checked) if checked.error is None else _refuse(checked)


def _refuse(checked: authorization_request.CheckedRequest) -> ResponseReturnValue:
    """Redirects the error only to a client that this person allowed before; otherwise our own page explains
    it.

    A faulty request never survives the sign-in form, so that page's `form-action` need not admit any client.
    """
    found = current_member()
    if found is not None and authorization_request.is_previously_allowed(checked, found):
        return redirect(checked.error_url, 303)
    return render_template("oauth_server/error.html", checked=checked, bare=True), 400


@member
def _ask(checked: authorization_request.CheckedRequest) -> ResponseReturnValue:
    housekeeping.run_if_due()
    flow_id, ask = authorization_request.begin(checked, g.member)
    if not ask:
        return redirect(f"/integrations?flow={flow_id}", 303)
    view = authorization_request.describe(flow_id, checked)
    allow_form_target(view.redirect_target_for_csp)
    return render_template("oauth_server/consent.html", view=view, bare=True)


@bp.post("/oauth/authorize/submit")
@member
def submit() -> ResponseReturnValue:
    """The person's answer to the consent page."""
    flow_id, decision = request.form.get("flow", ""), request.form.get("decision")
    if decision == "allow":
        authorization_request.allow(flow_id, g.member)
        return redirect(f"/integrations?flow={flow_id}", 303)
    if decision == "cancel":
        return redirect(authorization_request.refuse(flow_id, g.member), 303)
    raise InvalidInput("Choose Allow or Cancel.")


@bp.get("/debug-oauth")
def debug() -> ResponseReturnValue:
    """The latest authorization attempts, by step: owners see their workspace's, operators see all."""
    if not current.settings().debug_oauth:
        abort(404)
    found = current_member()
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    if not current_user.user.is_operator and (found is None or found.role != "owner"):
        raise Forbidden("Only owners and operators may see this.")
    with reading() as db:
        steps = (
            attempt_log.all_latest(db)
            if current_user.user.is_operator or found is None
            else attempt_log.latest_of(db, found.workspace.id)
        )
    return render_template("oauth_server/attempts.html", steps=steps)


def install(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
