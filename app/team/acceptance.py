"""Joining by an invitation: only with its link, only with the address it was mailed to, only once.

Opening a link changes nothing, because mail scanners open links too. The person presses a button.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from app import audit, clock, crypto
from app.accounts import sessions
from app.accounts.models import LoginSession, User
from app.errors import Forbidden, PatchbayError
from app.oauth_server import grants
from app.team.models import Invitation
from app.workspaces import members
from app.workspaces.models import Membership, Workspace


class InvitationGone(PatchbayError):
    """The link is unknown, replaced, used, withdrawn or expired."""

    code = "INVITATION_GONE"
    status = 410
    message = (
        "This invitation link doesn't work. It may be incomplete or replaced by a newer one. "
        "Open the link in the latest email, or ask for a new invitation."
    )


class InvitationUsed(InvitationGone):
    """Somebody joined with it."""

    message = (
        "This invitation was already used. If that was you, sign in. Otherwise, ask for a new invitation."
    )


class InvitationWithdrawn(InvitationGone):
    """It was withdrawn."""

    message = (
        "This invitation was withdrawn. If that is a mistake, ask the person who invited you for a new one."
    )


class InvitationExpired(InvitationGone):
    """It is older than seven days."""

    message = "This invitation expired after 7 days. Ask the person who invited you to resend it."


class MeantForAnother(Forbidden):
    """The signed-in person is not the invited one. `email` is the address it was mailed to."""

    def __init__(self, email: str) -> None:
        self.email = email
        super().__init__(f"This invitation is for {email}. Sign in as {email} to use it.")


@dataclass(frozen=True)
class OpenedInvitation:
    """What the holder of the link may see."""

    id: str
    email: str
    role: str
    workspace: Workspace
    sender: str
    expires_at: datetime
    joined: bool  # this person has used it and is a member


def open_link(db: Session, token: str, user_id: str | None) -> OpenedInvitation:
    """Return what a link offers to the person with that id, or to somebody signed out. Changes nothing.

    Raises InvitationGone, or the subclass that gives the reason.
    """
    invitation = db.exec(
        select(Invitation).where(col(Invitation.token_digest) == crypto.digest(token))
    ).first()
    if invitation is None:
        raise InvitationGone()
    joined = user_id is not None and _has_joined(db, invitation, user_id)
    if not joined:
        _check_open(invitation)
    workspace = db.get_one(Workspace, invitation.workspace_id)
    sender = db.get(User, invitation.invited_by) if invitation.invited_by else None
    return OpenedInvitation(
        invitation.id,
        invitation.email,
        invitation.role,
        workspace,
        sender.email if sender else "",
        invitation.expires_at,
        joined,
    )


def accept(db: Session, invitation_id: str, user: User) -> Workspace:
    """Add a person whose address is proved. Repeating it changes nothing.

    Raises InvitationGone, MeantForAnother.
    """
    unlocked = db.get(Invitation, invitation_id)
    if unlocked is None:
        raise InvitationGone()
    workspace = members.lock(db, unlocked.workspace_id)
    invitation = db.get_one(Invitation, invitation_id, populate_existing=True)
    if _has_joined(db, invitation, user.id):
        return workspace
    _check_open(invitation)
    if invitation.email != user.email:
        raise MeantForAnother(invitation.email)
    invitation.accepted_at, invitation.accepted_by = clock.now(), user.id
    if members.join(db, workspace.id, user.id, invitation.role):
        # A grant made in the last moment of an earlier membership must not become valid again.
        grants.revoke_all(db, workspace.id, user.id, "You left the workspace.")
        audit.record(
            db,
            "member.joined",
            workspace_id=workspace.id,
            user_id=user.id,
            subject=user.id,
            role=invitation.role,
        )
    audit.record(db, "invitation.accepted", workspace_id=workspace.id, user_id=user.id, subject=invitation.id)
    return workspace


def accept_signed_in(db: Session, token: str, user: User, session: LoginSession) -> Workspace:
    """Add somebody signed in by a link, and switch their session to that workspace.

    Raises InvitationGone, MeantForAnother.
    """
    invitation_id = db.exec(
        select(Invitation.id).where(col(Invitation.token_digest) == crypto.digest(token))
    ).first()
    workspace = accept(db, invitation_id or "", user)
    sessions.switch(db, session, workspace.id)
    return workspace


def _has_joined(db: Session, invitation: Invitation, user_id: str) -> bool:
    return (
        invitation.accepted_by == user_id
        and db.get(Membership, (invitation.workspace_id, user_id)) is not None
    )


def _check_open(invitation: Invitation) -> None:
    if invitation.accepted_at is not None:
        raise InvitationUsed()
    if invitation.withdrawn_at is not None:
        raise InvitationWithdrawn()
    if invitation.expires_at <= clock.now():
        raise InvitationExpired()
