"""The authorization server's pages: consent, and the attempt log for debugging."""

from urllib.parse import quote

from flask import Blueprint, Flask, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.database import reading
from app.errors import Forbidden, InvalidInput
from app.oauth_server import attempt_log, authorization_request, housekeeping
from app.oauth_server.consent_choice import ConsentTicks
from app.web import current, local_access
from app.web.headers import allow_form_target
from app.web.limits import limiter
from app.workspaces.guard import ask_to_sign_in, current_member, member, person_or_address

bp = Blueprint("oauth_pages", __name__)


@bp.get("/oauth/authorize")
@limiter.limit("300/minute", key_func=person_or_address)
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
    view = authorization_request.describe(flow_id, checked, g.member)
    for target in (view.redirect_target_for_csp, *(each.origin for each in view.choice.services)):
        allow_form_target(target)
    return render_template("oauth_server/consent.html", view=view, bare=True)


@bp.post("/oauth/authorize/submit")
@member
def submit() -> ResponseReturnValue:
    """The person's answer to the consent page: Allow, alone or with what comes next in the same press.

    307 sends this form on, so that the next step begins with its own checks.
    """
    flow_id, decision = request.form.get("flow", ""), request.form.get("decision")
    slug = request.form.get("connect", "")
    if decision in {"allow", "continue"} or slug:
        authorization_request.allow(flow_id, g.member, ConsentTicks.of_form(request.form))
        if decision == "allow":
            return redirect(f"/integrations?flow={flow_id}", 303)
        return redirect(f"/integrations/{quote(slug, safe='')}" if slug else "/integrations/complete", 307)
    if decision == "cancel":
        return redirect(authorization_request.refuse(flow_id, g.member), 303)
    raise InvalidInput("Choose Allow or Cancel.")


@bp.get("/debug-oauth")
def debug() -> ResponseReturnValue:
    """The latest authorization attempts, by step: owners see their workspace's, operators see all."""
    settings = current.settings()
    if not settings.debug_oauth or not local_access.may_debug(settings, request.environ):
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
