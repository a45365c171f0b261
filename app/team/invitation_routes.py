"""The pages `/invitations/…`, for people who were invited. Opening a link changes nothing."""

from urllib.parse import quote

from flask import Blueprint, flash, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import browsers, known_browsers, sessions, signing_in
from app.accounts.sign_in_pages import refuse, to_code_page
from app.database import reading, transaction
from app.errors import PatchbayError
from app.team import acceptance
from app.team.acceptance import InvitationGone, MeantForAnother, OpenedInvitation
from app.team.forms import JoinForm
from app.web import current
from app.web.limits import limiter
from app.workspaces import registration

bp = Blueprint("invitations", __name__)


@bp.get("/invitations")
def resume() -> ResponseReturnValue:
    """Return to the invitation this browser opened, after signing in. Only the browser keeps its link."""
    token = session.get("invitation")
    return redirect(f"/invitations/{quote(token, safe='')}" if token else "/integrations", 303)


@bp.get("/invitations/<token>")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def show(token: str) -> ResponseReturnValue:
    """The invitation, and how to accept it: join, sign in, or create an account."""
    try:
        invitation = _open(token)
    except InvitationGone as error:
        return _invalid_page(error)
    if invitation.joined:
        return _joined(invitation.workspace.name)
    session["invitation"] = token
    if current_user.is_authenticated and current_user.user.email != invitation.email:
        return _meant_for_another(MeantForAnother(invitation.email), token)
    return render_template("team/invitation.html", invitation=invitation, token=token)


@bp.post("/invitations/<token>")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def accept(token: str) -> ResponseReturnValue:
    """Join, as the person signed in."""
    if not current_user.is_authenticated:
        return redirect(f"/invitations/{quote(token, safe='')}", 303)
    try:
        with transaction() as db:
            workspace = acceptance.accept_signed_in(db, token, current_user.user, current_user.session)
    except InvitationGone as error:
        return _invalid_page(error)
    except MeantForAnother as error:
        return _meant_for_another(error, token)
    return _joined(workspace.name)


@bp.post("/invitations/<token>/other-account")
def other_account(token: str) -> ResponseReturnValue:
    """Sign out, to come back as the invited person."""
    if current_user.is_authenticated:
        signing_in.sign_out(current_user.session)
    response = make_response(redirect(f"/invitations/{quote(token, safe='')}", 303))
    sessions.forget_cookie(response, current.settings())
    return response


@bp.get("/invitations/<token>/register")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def show_register(token: str) -> ResponseReturnValue:
    """Create an account for the invited address, and join with it."""
    if current_user.is_authenticated:
        return redirect(f"/invitations/{quote(token, safe='')}", 303)
    try:
        invitation = _open(token)
    except InvitationGone as error:
        return _invalid_page(error)
    session["invitation"] = token
    return _register_page(token, invitation, JoinForm())


@bp.post("/invitations/<token>/register")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def register(token: str) -> ResponseReturnValue:
    """Email the code that proves the address, and ask for it."""
    try:
        invitation = _open(token)
    except InvitationGone as error:
        return _invalid_page(error)
    settings, form = current.settings(), JoinForm(invitation.email, invitation.workspace.name)
    if not form.validate():
        return _register_page(token, invitation, form), 422
    browser, terms = (
        browsers.with_holder(browsers.read(request, settings)),
        {"invitation": invitation.id, "email": invitation.email},
    )
    try:
        code = registration.begin(
            settings,
            current.mailer(),
            browser,
            **terms,
            password=form.password.data,
            next_path="/invitations",
        )
    except PatchbayError as refused:
        form.password.errors = [refused.message]
        return refuse(refused, make_response(_register_page(token, invitation, form)))
    return to_code_page(settings, browser, code)


def _open(token: str) -> OpenedInvitation:
    with reading() as db:
        return acceptance.open_link(
            db, token, current_user.get_id() if current_user.is_authenticated else None
        )


def _joined(workspace_name: str) -> ResponseReturnValue:
    session.pop("invitation", None)
    flash(f"You joined {workspace_name}.", "good")
    return redirect("/integrations", 303)


def _invalid_page(error: InvitationGone) -> ResponseReturnValue:
    session.pop("invitation", None)
    return render_template("team/invitation_over.html", sentence=error.message), error.status


def _meant_for_another(error: MeantForAnother, token: str) -> ResponseReturnValue:
    return render_template("team/other_account.html", email=error.email, token=token), error.status


def _register_page(token: str, invitation: OpenedInvitation, form: JoinForm) -> str:
    return render_template("team/register.html", token=token, invitation=invitation, form=form)
