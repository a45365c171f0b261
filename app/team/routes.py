"""The pages `/team`, for members. Opening a confirmation changes nothing."""

from urllib.parse import quote

from flask import (
    Blueprint,
    Flask,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue

from app.accounts import sessions
from app.accounts.sign_in_pages import id_in, refuse
from app.config import Settings
from app.database import transaction
from app.errors import InvalidInput, NotFound, TooManyRequests
from app.team import acceptance, invitation_routes, invitations, letters, members, page
from app.team.forms import InviteForm
from app.web import current
from app.web.fragments import wants_fragment
from app.web.limits import limiter
from app.workspaces import registration
from app.workspaces.guard import ask_for_proof, member, person_or_address

bp = Blueprint("team", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the pages, and let invited people join when they register."""
    app.register_blueprint(bp)
    app.register_blueprint(invitation_routes.bp)
    registration.register_joiner(acceptance.accept)


# --- members ------------------------------------------------------------------------------------


@bp.get("/team")
@member
def show() -> ResponseReturnValue:
    """Everybody in the workspace; for managers also the invitations."""
    return _page()


@bp.post("/team/members/<user_id>/role")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def change_role(user_id: str) -> ResponseReturnValue:
    """Change a member's role."""
    role = request.form.get("role", "")
    if role == "owner" and not sessions.is_proved(g.member.session):
        return ask_for_proof("/team")
    with transaction() as db:
        members.change_role(db, g.member.workspace.id, user_id, role, by=g.member.user.id)
    return _done("Role changed. It applies immediately.", changed_id=user_id)


@bp.get("/team/members/<user_id>/remove")
@member
def ask_remove(user_id: str) -> ResponseReturnValue:
    """Ask to confirm removing a member."""
    return _page(confirming="remove", member_id=user_id)


@bp.post("/team/members/<user_id>/remove")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def remove(user_id: str) -> ResponseReturnValue:
    """Remove a member."""
    with transaction() as db:
        ended = members.remove(db, g.member.workspace.id, user_id, by=g.member.user.id)
    ended.finish(current.settings())
    return _done("Removed. Their AI clients and tokens no longer work here.")


@bp.get("/team/members/<user_id>/hand-over")
@member
def ask_hand_over(user_id: str) -> ResponseReturnValue:
    """Ask to confirm handing over the ownership. Needs a recent sign-in."""
    team = page.load(g.member, confirming="hand-over", member_id=user_id)
    if not sessions.is_proved(g.member.session):
        return ask_for_proof(f"/team/members/{quote(user_id, safe='')}/hand-over")
    return _render(team)


@bp.post("/team/members/<user_id>/hand-over")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def hand_over(user_id: str) -> ResponseReturnValue:
    """Make another member the owner in one's place."""
    if not sessions.is_proved(g.member.session):
        return ask_for_proof(f"/team/members/{quote(user_id, safe='')}/hand-over")
    with transaction() as db:
        members.hand_over(db, g.member.workspace.id, user_id, by=g.member.user.id)
    return _done("Ownership handed over. You are an admin now.")


@bp.get("/team/leave")
@member
def ask_leave() -> ResponseReturnValue:
    """Ask to confirm leaving the workspace."""
    return _page(confirming="leave")


@bp.post("/team/leave")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def leave() -> ResponseReturnValue:
    """Leave the current workspace. The form names it, because another tab may have switched meanwhile."""
    if id_in(request.form, "workspace") != g.member.workspace.id:
        raise NotFound(
            "You switched to another workspace, so you didn't leave. Reload the page and try again."
        )
    with transaction() as db:
        ended = members.leave(db, g.member.workspace.id, g.member.user.id)
    ended.finish(current.settings())
    flash(f"You left {g.member.workspace.name}.", "good")
    return redirect("/integrations" if len(g.member.workspaces) > 1 else "/account", 303)


# --- inviting -----------------------------------------------------------------------------------


@bp.post("/team/invitations")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def invite() -> ResponseReturnValue:
    """Invite an address by email."""
    form = InviteForm()
    try:
        email = form.checked()
        with transaction() as db:
            sent = invitations.send(
                db, current.settings(), g.member.workspace.id, email, form.role.data, by=g.member.user.id
            )
    except (InvalidInput, TooManyRequests) as refused:
        if wants_fragment():
            raise
        return refuse(refused, make_response(_page(form.refused(refused.message))))
    letters.mail(current.settings(), current.mailer(), sent)
    return _done(f"Invitation sent to {sent.invitation.email}. Its link works once, for 7 days.")


@bp.post("/team/invitations/<invitation_id>/resend")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def resend(invitation_id: str) -> ResponseReturnValue:
    """Email an invitation again, with a new link."""
    with transaction() as db:
        sent = invitations.send_again(
            db, current.settings(), g.member.workspace.id, invitation_id, by=g.member.user.id
        )
    letters.mail(current.settings(), current.mailer(), sent)
    return _done(f"Sent again to {sent.invitation.email}. The earlier link no longer works.")


@bp.post("/team/invitations/<invitation_id>/withdraw")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def withdraw(invitation_id: str) -> ResponseReturnValue:
    """Withdraw an invitation."""
    with transaction() as db:
        email = invitations.withdraw(db, g.member.workspace.id, invitation_id, by=g.member.user.id)
    return _done(f"Invitation to {email} withdrawn. Its link no longer works.")


def _page(form: InviteForm | None = None, *, confirming: str = "", member_id: str = "") -> str:
    return _render(page.load(g.member, confirming=confirming, member_id=member_id), form)


def _render(team: page.TeamPage, form: InviteForm | None = None) -> str:
    if wants_fragment():
        return render_template("team/_team.html", team=team, notice="")
    return render_template("team/show.html", team=team, form=form or InviteForm())


def _done(sentence: str, *, changed_id: str = "") -> ResponseReturnValue:
    """The current team for htmx; for everyone else a redirect to the page, with the notice."""
    if wants_fragment():
        return render_template(
            "team/_team.html", team=page.load(g.member, changed_id=changed_id), notice=sentence
        )
    flash(sentence, "good")
    return redirect("/team", 303)
