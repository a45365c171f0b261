"""The members of a workspace: their roles, handing over ownership, removing, leaving. There is always an
owner left.

Each change holds the workspace's row and reads the rights of both people again under it, so that two changes
at the same moment see each other: of two owners who leave, one is refused. Every verb wants the caller's
transaction; those that give a Parting want its `finish` called after the commit.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from app import audit
from app.accounts.models import User
from app.errors import InvalidInput, NotFound, PatchbayError
from app.team import invitations, rights
from app.team.access_removal import Parting, end_access
from app.workspaces import members
from app.workspaces.models import Membership, Workspace


class LastOwner(PatchbayError):
    """The workspace would be left without an owner."""

    code = "LAST_OWNER"
    status = 409
    message = (
        "A workspace needs an owner, and this is the only one. Hand over the ownership to another "
        "member first."
    )


class NoSuchMember(NotFound):
    """Nobody of that id is a member here."""

    message = "There is no such member in this workspace (any more). Reload the page."


@dataclass(frozen=True)
class Colleague:
    """A member as the others see them. `active` is False for an account the operator has disabled."""

    user_id: str
    email: str
    name: str
    role: str
    joined_at: datetime
    active: bool


@dataclass(frozen=True)
class SoleOwnership:
    """A workspace nobody else owns. `others` counts the members who could take it over."""

    workspace: Workspace
    others: int


def list_of(db: Session, workspace_id: str) -> list[Colleague]:
    """Everybody in a workspace: owners, then admins, then members, each by address."""
    query = (
        select(Membership, User)
        .join(User, col(User.id) == col(Membership.user_id))
        .where(col(Membership.workspace_id) == workspace_id)
        .order_by(col(User.email))
    )
    found = [
        Colleague(u.id, u.email, u.name, m.role, m.created_at, u.disabled_at is None)
        for m, u in db.exec(query)
    ]
    return sorted(found, key=lambda each: rights.ROLES.index(each.role))


def change_role(db: Session, workspace_id: str, user_id: str, role: str, *, by: str) -> None:
    """Give a member another role, from their next request on.

    Raises InvalidInput, NotForYou, OwnersOnly, NoSuchMember, LastOwner. Somebody who may no longer invite
    loses the invitations they sent.
    """
    rights.check_role(role)
    actor, target = _both(db, workspace_id, by, user_id)
    rights.check_touches(actor.role, target.role, role)
    before = target.role
    if role == before:
        return
    if before == "owner":
        _check_another_owner(db, workspace_id, user_id)
    target.role = role
    if role == "member":
        invitations.withdraw_all_of(db, workspace_id, user_id, by=by)
    audit.record(
        db,
        "member.role_changed",
        workspace_id=workspace_id,
        user_id=by,
        subject=user_id,
        before=before,
        after=role,
    )


def hand_over(db: Session, workspace_id: str, user_id: str, *, by: str) -> None:
    """Make another member the owner in one's own place; one stays as an admin. Raises OwnersOnly,
    NoSuchMember, InvalidInput.
    """
    actor, target = _both(db, workspace_id, by, user_id)
    if actor.role != "owner":
        raise rights.OwnersOnly("Only an owner can hand over the ownership of this workspace.")
    if user_id == by:
        raise InvalidInput("Choose another member: you are an owner already.")
    if not _is_active(db, user_id):
        raise InvalidInput(
            "The operator has disabled that account, so it cannot own a workspace. Choose another member."
        )
    before, target.role, actor.role = target.role, "owner", "admin"
    audit.record(
        db, "workspace.handed_over", workspace_id=workspace_id, user_id=by, subject=user_id, before=before
    )


def remove(db: Session, workspace_id: str, user_id: str, *, by: str) -> Parting:
    """Put a member out, from their next request on; what they had here ends (see `parting`).

    Raises InvalidInput for oneself (that is `leave`), NotForYou, OwnersOnly, NoSuchMember, LastOwner.
    """
    actor, target = _both(db, workspace_id, by, user_id)
    rights.check_touches(actor.role, target.role)
    if user_id == by:
        raise InvalidInput("To go yourself, use “Leave workspace”.")
    parting = _part(db, target, heir=by, by=by, reason="You were removed from the workspace.")
    invitations.withdraw_all_of(db, workspace_id, user_id, by=by)
    audit.record(
        db, "member.removed", workspace_id=workspace_id, user_id=by, subject=user_id, role=target.role
    )
    return parting


def leave(db: Session, workspace_id: str, user_id: str) -> Parting:
    """Go oneself, from the next request on; what one had here ends (see `parting`). Raises NoSuchMember,
    LastOwner.
    """
    members.hold(db, workspace_id)
    membership = _get(db, workspace_id, user_id)
    parting = _part(
        db, membership, heir=_heir(db, workspace_id, user_id), by=user_id, reason="You left the workspace."
    )
    audit.record(
        db, "member.left", workspace_id=workspace_id, user_id=user_id, subject=user_id, role=membership.role
    )
    return parting


def leave_all(db: Session, user_id: str) -> Parting:
    """Leave every workspace, for somebody whose account is deleted. Raises LastOwner while
    `sole_ownerships` names one.
    """
    parting = Parting()
    for workspace in sorted(members.list_of(db, user_id), key=lambda each: each.id):
        parting += leave(db, workspace.id, user_id)
    return parting


def sole_ownerships(db: Session, user_id: str) -> list[SoleOwnership]:
    """The workspaces that would be left without an owner if this person went, by name. Each must be handed
    over or deleted first.
    """
    mine = select(Membership.workspace_id).where(
        col(Membership.user_id) == user_id, col(Membership.role) == "owner"
    )
    others = (
        select(col(Membership.workspace_id), func.count().label("owners"))
        .join(User, col(User.id) == col(Membership.user_id))
        .where(
            col(Membership.role) == "owner",
            col(Membership.user_id) != user_id,
            col(User.disabled_at).is_(None),
        )
        .group_by(col(Membership.workspace_id))
        .subquery()
    )
    everybody = (
        select(col(Membership.workspace_id), func.count().label("people"))
        .where(col(Membership.user_id) != user_id)
        .group_by(col(Membership.workspace_id))
        .subquery()
    )
    query = (
        select(Workspace, func.coalesce(everybody.c.people, 0))
        .outerjoin(others, others.c.workspace_id == col(Workspace.id))
        .outerjoin(everybody, everybody.c.workspace_id == col(Workspace.id))
        .where(col(Workspace.id).in_(mine), others.c.owners.is_(None))
        .order_by(col(Workspace.name), col(Workspace.id))
    )
    return [SoleOwnership(workspace, people) for workspace, people in db.exec(query)]


def _part(db: Session, membership: Membership, *, heir: str | None, by: str, reason: str) -> Parting:
    if membership.role == "owner":
        _check_another_owner(db, membership.workspace_id, membership.user_id)
    db.delete(membership)
    db.flush()
    return end_access(db, membership.workspace_id, membership.user_id, heir=heir, by=by, reason=reason)


def _both(db: Session, workspace_id: str, actor_id: str, user_id: str) -> tuple[Membership, Membership]:
    """Who acts and on whom, as they are now. Raises NotForYou before it says whether the other is a
    member.
    """
    members.hold(db, workspace_id)
    actor = _get(db, workspace_id, actor_id)
    rights.check_manages(actor.role)
    return actor, _get(db, workspace_id, user_id)


def _get(db: Session, workspace_id: str, user_id: str) -> Membership:
    membership = db.get(Membership, (workspace_id, user_id), populate_existing=True)
    if membership is None:
        raise NoSuchMember()
    return membership


def _check_another_owner(db: Session, workspace_id: str, user_id: str) -> None:
    others = select(User.id).join(Membership, col(Membership.user_id) == col(User.id))
    others = others.where(
        col(Membership.workspace_id) == workspace_id, col(Membership.role) == "owner", col(User.id) != user_id
    )
    if db.exec(others.where(col(User.disabled_at).is_(None)).limit(1)).first() is None:
        raise LastOwner()


def _heir(db: Session, workspace_id: str, user_id: str) -> str | None:
    """Who answers for what somebody leaves behind: of the owners who stay the one here longest, else an
    admin. None when nobody stays.
    """
    stay = select(User.id).join(Membership, col(Membership.user_id) == col(User.id))
    stay = stay.where(
        col(Membership.workspace_id) == workspace_id,
        col(Membership.role).in_(("owner", "admin")),
        col(User.id) != user_id,
    )
    active_first = (
        col(User.disabled_at).is_not(None),
        col(Membership.role).desc(),
        col(Membership.created_at),
        col(User.id),
    )
    return db.exec(stay.order_by(*active_first).limit(1)).first()


def _is_active(db: Session, user_id: str) -> bool:
    return (
        db.exec(select(User.id).where(col(User.id) == user_id, col(User.disabled_at).is_(None))).first()
        is not None
    )
