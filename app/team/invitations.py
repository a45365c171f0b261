"""Sending invitations: one address, one workspace, seven days. The link goes out by mail and is stored
nowhere.

Sending locks the workspace, so an address has one open invitation and the limits are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from app import audit, clock, crypto
from app.accounts import budgets
from app.accounts.addresses import masked
from app.accounts.budgets import Rule
from app.accounts.models import User
from app.config import Settings
from app.errors import Forbidden, InvalidInput, NotFound
from app.team import rights
from app.team.models import Invitation
from app.workspaces import members
from app.workspaces.models import Membership, Workspace

LIFETIME = timedelta(days=7)
MOST_OPEN = 200
_RETENTION = timedelta(days=30)
# How many one workspace and one person may send, and how many one address may receive in total.
_PER_WORKSPACE = Rule("invitation-workspace", 50, 86_400)
_PER_PERSON = Rule("invitation-person", 100, 86_400)
_PER_ADDRESS = Rule("invitation-address", 10, 86_400)


class AlreadyMember(InvalidInput):
    """The invited address belongs to a member of this workspace, whom everybody in it sees anyway."""

    status = 422

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} is already a member of this workspace.")


class TooManyOpen(InvalidInput):
    """The workspace has the maximum of open invitations."""

    status = 422
    message = f"This workspace has {MOST_OPEN} open invitations, which is the limit. Withdraw some first."


@dataclass(frozen=True)
class SentInvitation:
    """An invitation to mail. `token` goes into the mail's link and is stored nowhere."""

    invitation: Invitation
    token: str
    workspace: Workspace
    sender: str


@dataclass(frozen=True)
class PendingInvitation:
    """An invitation nobody has used yet, as those who manage the workspace see it."""

    id: str
    email: str
    role: str
    sender: str
    sent_at: datetime
    expires_at: datetime
    expired: bool


def list_pending(db: Session, workspace_id: str) -> list[PendingInvitation]:
    """Return a workspace's invitations that were neither used nor withdrawn, the most recently sent first."""
    query = (
        select(Invitation, col(User.email))
        .outerjoin(User, col(User.id) == col(Invitation.invited_by))
        .where(col(Invitation.workspace_id) == workspace_id, *_unanswered())
        .order_by(col(Invitation.sent_at).desc(), col(Invitation.id))
    )
    at = clock.now()
    return [
        PendingInvitation(i.id, i.email, i.role, sender or "", i.sent_at, i.expires_at, i.expires_at <= at)
        for i, sender in db.exec(query.where(col(Invitation.sent_at) > at - _RETENTION))
    ]


def send(
    db: Session, settings: Settings, workspace_id: str, email: str, role: str, *, by: str
) -> SentInvitation:
    """Invite a normalised address. Inviting again creates a new link, and the old one stops working.

    The caller mails it after the commit. Raises InvalidInput, NotForYou, AlreadyMember, TooManyOpen,
    BudgetSpent.
    """
    workspace = _hold_for(db, workspace_id, by)
    rights.check_role(role, rights.INVITED_ROLES)
    belongs = select(Membership.user_id).join(User, col(User.id) == col(Membership.user_id))
    if (
        db.exec(belongs.where(col(Membership.workspace_id) == workspace_id, col(User.email) == email)).first()
        is not None
    ):
        raise AlreadyMember(email)
    _forget_old(db, workspace_id)
    open_ones = (col(Invitation.workspace_id) == workspace_id, *_unanswered())
    invitation = db.exec(select(Invitation).where(*open_ones, col(Invitation.email) == email)).first()
    if invitation is None:
        if db.exec(select(func.count()).select_from(Invitation).where(*open_ones)).one() >= MOST_OPEN:
            raise TooManyOpen()
        at = clock.now()
        invitation = Invitation(
            id=crypto.new_id("inv"),
            workspace_id=workspace_id,
            email=email,
            role=role,
            token_digest="",
            created_at=at,
            sent_at=at,
            expires_at=at,
        )
        db.add(invitation)
    invitation.role = role
    return _send(db, settings, workspace, invitation, by, "invitation.sent")


def send_again(
    db: Session, settings: Settings, workspace_id: str, invitation_id: str, *, by: str
) -> SentInvitation:
    """Create a new link for an invitation, valid for another seven days; the old link stops working.

    The caller mails it after the commit. Raises NotForYou, NotFound, BudgetSpent.
    """
    workspace = _hold_for(db, workspace_id, by)
    return _send(
        db, settings, workspace, _get_unanswered(db, workspace_id, invitation_id), by, "invitation.sent_again"
    )


def withdraw(db: Session, workspace_id: str, invitation_id: str, *, by: str) -> str:
    """Withdraw an invitation: its link stops working. Returns the address. Raises NotForYou, NotFound."""
    _hold_for(db, workspace_id, by)
    invitation = _get_unanswered(db, workspace_id, invitation_id)
    invitation.withdrawn_at = clock.now()
    audit.record(db, "invitation.withdrawn", **audit.about(invitation, by), email=masked(invitation.email))
    return invitation.email


def withdraw_all_of(db: Session, workspace_id: str, user_id: str, *, by: str) -> int:
    """Withdraw what somebody sent who may no longer invite; the caller holds the lock. Returns the count."""
    sent = (
        col(Invitation.workspace_id) == workspace_id,
        col(Invitation.invited_by) == user_id,
        *_unanswered(),
    )
    withdrawn = db.exec(
        update(Invitation)
        .where(*sent)
        .values(withdrawn_at=clock.now())
        .returning(col(Invitation.id), col(Invitation.email))
        .execution_options(synchronize_session=False)
    ).all()
    for invitation_id, email in withdrawn:
        audit.record(
            db,
            "invitation.withdrawn",
            workspace_id=workspace_id,
            user_id=by,
            subject=invitation_id,
            email=masked(email),
        )
    return len(withdrawn)


def _hold_for(db: Session, workspace_id: str, user_id: str) -> Workspace:
    workspace = members.lock(db, workspace_id)
    membership = db.get(Membership, (workspace_id, user_id), populate_existing=True)
    rights.check_manages(membership.role if membership else "")
    return workspace


def _send(
    db: Session, settings: Settings, workspace: Workspace, invitation: Invitation, by: str, action: str
) -> SentInvitation:
    if workspace.deactivated_at is not None:
        raise Forbidden("This workspace is deactivated, so it can't invite anyone. Ask your operator.")
    budgets.take(db, settings, _PER_WORKSPACE, workspace.id)
    budgets.take(db, settings, _PER_PERSON, by)
    budgets.take(db, settings, _PER_ADDRESS, invitation.email)
    token, at = crypto.new_token(), clock.now()
    invitation.token_digest, invitation.invited_by = crypto.digest(token), by
    invitation.sent_at, invitation.expires_at = at, at + LIFETIME
    db.flush()
    details = {"email": masked(invitation.email), "role": invitation.role}
    audit.record(db, action, workspace_id=workspace.id, user_id=by, subject=invitation.id, **details)
    return SentInvitation(invitation, token, workspace, db.get_one(User, by).email)


def _get_unanswered(db: Session, workspace_id: str, invitation_id: str) -> Invitation:
    query = select(Invitation).where(
        col(Invitation.id) == invitation_id, col(Invitation.workspace_id) == workspace_id, *_unanswered()
    )
    invitation = db.exec(query).first()
    if invitation is None:
        raise NotFound("This invitation no longer exists. It was used or withdrawn. Reload the page.")
    return invitation


def _unanswered() -> Sequence:  # type: ignore[type-arg]
    return (col(Invitation.withdrawn_at).is_(None), col(Invitation.accepted_at).is_(None))


def _forget_old(db: Session, workspace_id: str) -> None:
    """Delete old invitations: what happened to them is in the audit trail."""
    old = col(Invitation.sent_at) < clock.now() - _RETENTION
    db.exec(delete(Invitation).where(col(Invitation.workspace_id) == workspace_id, old))
