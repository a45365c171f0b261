"""The authorization server's pages: asking the person, and the trail for finding faults."""

from flask import Blueprint, Flask, abort, current_app, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts import login
from app.database import reading
from app.errors import Forbidden, InvalidInput
from app.oauth_server import attempt_log, authorization_request, housekeeping
from app.web.headers import allow_form_target
from app.web.limits import limiter
from app.workspaces.guard import ask_to_sign_in, current_member, member

bp = Blueprint("oauth_pages", __name__)


@bp.get("/oauth/authorize")
@limiter.limit("300/minute")
def authorize() -> ResponseReturnValue:
    """RFC 6749 section 3.1. The request is checked before anybody is asked to sign in for it."""
    asked = authorization_request.read()
    return _ask(asked) if asked.error is None else _refuse(asked)


def _refuse(asked: authorization_request.Asked) -> ResponseReturnValue:
    """Straight back only to a client that the person in front of us allowed before; otherwise our own page
    says what is wrong.

    No faulty request outlives the sign-in form, so its `form-action` need not admit any client.
    """
    found = current_member()
    if found is not None and authorization_request.has_met(asked, found):
        return redirect(asked.error_url, 303)
    return render_template("oauth_server/refused.html", asked=asked, bare=True), 400


@member
def _ask(asked: authorization_request.Asked) -> ResponseReturnValue:
    housekeeping.run_if_due()
    flow_id, ask = authorization_request.begin(asked, g.member)
    if not ask:
        return redirect(f"/integrations?flow={flow_id}", 303)
    view = authorization_request.describe(flow_id, asked)
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
    """The last authorization attempts, step by step. Owners see their workspace's, operators all, also one
    who is in no workspace.
    """
    if not current_app.extensions["patchbay"].debug_oauth:
        abort(404)
    found, person = current_member(), login.current()
    if person is None:
        return ask_to_sign_in()
    if not person.user.is_operator and (found is None or found.role != "owner"):
        raise Forbidden("Only owners and operators may see this.")
    with reading() as db:
        shown = (
            attempt_log.all_latest(db)
            if person.user.is_operator or found is None
            else attempt_log.latest_of(db, found.workspace.id)
        )
    return render_template("oauth_server/debug.html", steps=shown)


def install(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
