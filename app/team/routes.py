"""The pages `/team`, for members, and `/invitations/…`, for those who were invited. Opening a link or a
question changes nothing.
"""

from urllib.parse import quote

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import browsers, sessions, signing_in
from app.accounts.sign_in_pages import id_in, refuse, to_code_page
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput, NotFound, PatchbayError, TooManyRequests
from app.team import acceptance, invitations, letters, members, page
from app.team.acceptance import InvitationGone, MeantForAnother, Opened
from app.team.forms import InviteForm, JoinForm
from app.web.fragments import wants_fragment
from app.web.limits import limiter
from app.workspaces import registration
from app.workspaces.guard import ask_for_proof, member

bp = Blueprint("team", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the pages, and let people who were invited join as they register."""
    app.register_blueprint(bp)
    registration.expect_invitations(acceptance.accept)


# --- members ------------------------------------------------------------------------------------


@bp.get("/team")
@member
def show() -> ResponseReturnValue:
    """Everybody in the workspace; for those who manage it also the invitations."""
    return _page()


@bp.post("/team/members/<user_id>/role")
@limiter.limit("120/minute")
@member
def change_role(user_id: str) -> ResponseReturnValue:
    """Give a member another role."""
    role = request.form.get("role", "")
    if role == "owner" and not sessions.is_proved(g.member.session):
        return _prove("/team")
    with transaction() as db:
        members.change_role(db, g.member.workspace.id, user_id, role, by=g.member.user.id)
    return _done("The role is changed. It counts from the next click or call.")


@bp.get("/team/members/<user_id>/remove")
@member
def ask_remove(user_id: str) -> ResponseReturnValue:
    """Whether to remove a member, to be confirmed."""
    return _page(asked="remove", about=user_id)


@bp.post("/team/members/<user_id>/remove")
@limiter.limit("120/minute")
@member
def remove(user_id: str) -> ResponseReturnValue:
    """Remove a member."""
    with transaction() as db:
        parting = members.remove(db, g.member.workspace.id, user_id, by=g.member.user.id)
    parting.finish(_settings())
    return _done("Removed. Their AI clients and tokens stopped working here at once.")


@bp.get("/team/members/<user_id>/hand-over")
@member
def ask_hand_over(user_id: str) -> ResponseReturnValue:
    """Whether to hand the ownership to a member, to be confirmed by somebody who signed in recently."""
    team = page.load(g.member, asked="hand-over", about=user_id)
    if not sessions.is_proved(g.member.session):
        return _prove(f"/team/members/{quote(user_id, safe='')}/hand-over")
    return _render(team)


@bp.post("/team/members/<user_id>/hand-over")
@limiter.limit("120/minute")
@member
def hand_over(user_id: str) -> ResponseReturnValue:
    """Make another member the owner in one's own place."""
    if not sessions.is_proved(g.member.session):
        return _prove(f"/team/members/{quote(user_id, safe='')}/hand-over")
    with transaction() as db:
        members.hand_over(db, g.member.workspace.id, user_id, by=g.member.user.id)
    return _done("The ownership is handed over. You are an admin now.")


@bp.get("/team/leave")
@member
def ask_leave() -> ResponseReturnValue:
    """Whether to leave the workspace, to be confirmed."""
    return _page(asked="leave")


@bp.post("/team/leave")
@limiter.limit("120/minute")
@member
def leave() -> ResponseReturnValue:
    """Leave the workspace one works in. The form names it: another tab may have switched meanwhile."""
    if id_in(request.form, "workspace") != g.member.workspace.id:
        raise NotFound(
            "You work in another workspace now, so you left none. Reload the page and look which one it is."
        )
    with transaction() as db:
        parting = members.leave(db, g.member.workspace.id, g.member.user.id)
    parting.finish(_settings())
    flash(f"You have left {g.member.workspace.name}.", "good")
    return redirect("/integrations" if len(g.member.workspaces) > 1 else "/account", 303)


# --- inviting -----------------------------------------------------------------------------------


@bp.post("/team/invitations")
@limiter.limit("120/minute")
@member
def invite() -> ResponseReturnValue:
    """Invite an address by mail."""
    form = InviteForm()
    try:
        email = form.checked()
        with transaction() as db:
            sent = invitations.send(
                db, _settings(), g.member.workspace.id, email, form.role.data, by=g.member.user.id
            )
    except (InvalidInput, TooManyRequests) as refused:
        if wants_fragment():
            raise
        return refuse(refused, make_response(_page(form.refused(refused.message))))
    letters.mail(_settings(), current_app.extensions["mailer"], sent)
    return _done(f"Invitation sent to {sent.invitation.email}. Its link works once, for 7 days.")


@bp.post("/team/invitations/<invitation_id>/resend")
@limiter.limit("120/minute")
@member
def resend(invitation_id: str) -> ResponseReturnValue:
    """Mail an invitation again, with a new link."""
    with transaction() as db:
        sent = invitations.send_again(
            db, _settings(), g.member.workspace.id, invitation_id, by=g.member.user.id
        )
    letters.mail(_settings(), current_app.extensions["mailer"], sent)
    return _done(f"Sent again to {sent.invitation.email}. The link mailed before works no longer.")


@bp.post("/team/invitations/<invitation_id>/withdraw")
@limiter.limit("120/minute")
@member
def withdraw(invitation_id: str) -> ResponseReturnValue:
    """Take an invitation back."""
    with transaction() as db:
        email = invitations.withdraw(db, g.member.workspace.id, invitation_id, by=g.member.user.id)
    return _done(f"The invitation to {email} is withdrawn. Its link works no longer.")


# --- being invited ------------------------------------------------------------------------------


@bp.get("/invitations")
def go_on() -> ResponseReturnValue:
    """Back to the invitation this browser opened, after signing in. Its link is in the browser alone,
    never in a stored row.
    """
    token = session.get("invitation")
    return redirect(f"/invitations/{quote(token, safe='')}" if token else "/integrations", 303)


@bp.get("/invitations/<token>")
@limiter.limit("300/minute")
def show_invitation(token: str) -> ResponseReturnValue:
    """What one is invited to, and the way in: join, sign in, or create an account."""
    try:
        opened = _open(token)
    except InvitationGone as gone:
        return _gone(gone)
    if opened.joined:
        return _joined(opened.workspace.name)
    session["invitation"] = token
    if current_user.is_authenticated and current_user.user.email != opened.email:
        return _meant_for_another(MeantForAnother(opened.email), token)
    return render_template("team/invitation.html", opened=opened, token=token)


@bp.post("/invitations/<token>")
@limiter.limit("300/minute")
def accept(token: str) -> ResponseReturnValue:
    """Join, as the person signed in."""
    if not current_user.is_authenticated:
        return redirect(f"/invitations/{quote(token, safe='')}", 303)
    try:
        with transaction() as db:
            workspace = acceptance.accept_here(db, token, current_user.user, current_user.session)
    except InvitationGone as gone:
        return _gone(gone)
    except MeantForAnother as another:
        return _meant_for_another(another, token)
    return _joined(workspace.name)


@bp.post("/invitations/<token>/other-account")
def other_account(token: str) -> ResponseReturnValue:
    """Sign out, to come back as the person who was invited."""
    if current_user.is_authenticated:
        signing_in.sign_out(current_user.session)
    response = make_response(redirect(f"/invitations/{quote(token, safe='')}", 303))
    sessions.forget_cookie(response, _settings())
    return response


@bp.get("/invitations/<token>/register")
@limiter.limit("300/minute")
def show_register(token: str) -> ResponseReturnValue:
    """Create an account for the invited address, and join with it."""
    if current_user.is_authenticated:
        return redirect(f"/invitations/{quote(token, safe='')}", 303)
    try:
        opened = _open(token)
    except InvitationGone as gone:
        return _gone(gone)
    session["invitation"] = token
    return _register_page(token, opened, JoinForm())


@bp.post("/invitations/<token>/register")
@limiter.limit("300/minute")
def register(token: str) -> ResponseReturnValue:
    """Mail the code that proves the address, and ask for it."""
    try:
        opened = _open(token)
    except InvitationGone as gone:
        return _gone(gone)
    settings, form = _settings(), JoinForm(opened.email, opened.workspace.name)
    if not form.validate():
        return _register_page(token, opened, form), 422
    browser, wanted = (
        browsers.with_holder(browsers.read(request, settings)),
        {"invitation": opened.id, "email": opened.email},
    )
    try:
        code = registration.begin_invited(
            settings,
            current_app.extensions["mailer"],
            browser,
            **wanted,
            password=form.password.data,
            next_path="/invitations",
        )
    except PatchbayError as refused:
        form.password.errors = [refused.message]
        return refuse(refused, make_response(_register_page(token, opened, form)))
    return to_code_page(settings, browser, code)


def _open(token: str) -> Opened:
    with reading() as db:
        return acceptance.open_link(
            db, token, current_user.get_id() if current_user.is_authenticated else None
        )


def _joined(workspace_name: str) -> ResponseReturnValue:
    session.pop("invitation", None)
    flash(f"You are a member of {workspace_name} now.", "good")
    return redirect("/integrations", 303)


def _gone(gone: InvitationGone) -> ResponseReturnValue:
    session.pop("invitation", None)
    return render_template("team/gone.html", sentence=gone.message), gone.status


def _meant_for_another(another: MeantForAnother, token: str) -> ResponseReturnValue:
    return render_template("team/another.html", email=another.email, token=token), another.status


def _register_page(token: str, opened: Opened, form: JoinForm) -> str:
    return render_template("team/register.html", token=token, opened=opened, form=form)


def _page(form: InviteForm | None = None, *, asked: str = "", about: str = "") -> str:
    return _render(page.load(g.member, asked=asked, about=about), form)


def _render(team: page.Team, form: InviteForm | None = None) -> str:
    if wants_fragment():
        return render_template("team/_team.html", team=team, notice="")
    return render_template("team/team.html", team=team, form=form or InviteForm())


def _done(sentence: str) -> ResponseReturnValue:
    """The team as it is now for htmx; for everyone else back to the page, which says what happened."""
    if wants_fragment():
        return render_template("team/_team.html", team=page.load(g.member), notice=sentence)
    flash(sentence, "good")
    return redirect("/team", 303)


def _prove(target: str) -> ResponseReturnValue:
    """To the sign-in page, and back to a path of ours; with htmx as a whole page."""
    answer = ask_for_proof(target)
    return ("", 204, {"HX-Redirect": answer.headers["Location"]}) if wants_fragment() else answer


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings
