"""The members of a workspace: roles, handing over ownership, removing, leaving. An owner always remains.

Each change locks the workspace's row and then reads the rights of both people again, so that concurrent
changes see each other: of two owners who leave at once, one is refused. Every function runs in the caller's
transaction. For those that return an EndedAccess, call its `finish` after the commit.
"""

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from app import audit
from app.accounts.models import User
from app.errors import InvalidInput, NotFound, PatchbayError
from app.team import invitations, rights
from app.team.access_removal import EndedAccess, end_access
from app.workspaces import members
from app.workspaces.models import Membership, Workspace


class LastOwner(PatchbayError):
    """The workspace would be left without an owner."""

    code = "LAST_OWNER"
    status = 409
    message = (
        "A workspace needs an owner, and this is the only one. Hand over ownership to another member first."
    )


class NoSuchMember(NotFound):
    """No member has that id here."""

    message = "This person is not a member of the workspace. Reload the page."


@dataclass(frozen=True)
class SoleOwnership:
    """A workspace nobody else owns. `others` counts the members who could take it over."""

    workspace: Workspace
    others: int


def change_role(db: Session, workspace_id: str, user_id: str, role: str, *, by: str) -> None:
    """Change a member's role, from their next request on.

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
    """Make another member the owner in one's place; one stays as an admin.

    Raises OwnersOnly, NoSuchMember, InvalidInput.
    """
    actor, target = _both(db, workspace_id, by, user_id)
    if actor.role != "owner":
        raise rights.OwnersOnly("Only an owner can hand over ownership of this workspace.")
    if user_id == by:
        raise InvalidInput("You are already an owner. Choose another member.")
    if not _is_active(db, user_id):
        raise InvalidInput("That account is disabled, so it can't own a workspace. Choose another member.")
    before, target.role, actor.role = target.role, "owner", "admin"
    audit.record(
        db, "workspace.handed_over", workspace_id=workspace_id, user_id=by, subject=user_id, before=before
    )


def remove(db: Session, workspace_id: str, user_id: str, *, by: str) -> EndedAccess:
    """Remove a member, from their next request on, and end their access here (see `access_removal`).

    Raises InvalidInput for oneself (use `leave`), NotForYou, OwnersOnly, NoSuchMember, LastOwner.
    """
    actor, target = _both(db, workspace_id, by, user_id)
    rights.check_touches(actor.role, target.role)
    if user_id == by:
        raise InvalidInput("To remove yourself, use “Leave workspace”.")
    ended = _end_membership(db, target, new_owner_id=by, by=by, reason="You were removed from the workspace.")
    invitations.withdraw_all_of(db, workspace_id, user_id, by=by)
    audit.record(
        db, "member.removed", workspace_id=workspace_id, user_id=by, subject=user_id, role=target.role
    )
    return ended


def leave(db: Session, workspace_id: str, user_id: str) -> EndedAccess:
    """Leave, from the next request on, and end one's access here (see `access_removal`).

    Raises NoSuchMember, LastOwner.
    """
    members.lock(db, workspace_id)
    membership = _get(db, workspace_id, user_id)
    ended = _end_membership(
        db,
        membership,
        new_owner_id=_find_new_owner(db, workspace_id, user_id),
        by=user_id,
        reason="You left the workspace.",
    )
    audit.record(
        db, "member.left", workspace_id=workspace_id, user_id=user_id, subject=user_id, role=membership.role
    )
    return ended


def leave_all(db: Session, user_id: str) -> EndedAccess:
    """Leave every workspace, to delete an account. Raises LastOwner unless `sole_ownerships` is empty."""
    ended = EndedAccess()
    for workspace in sorted(members.list_of(db, user_id), key=lambda each: each.id):
        ended += leave(db, workspace.id, user_id)
    return ended


def sole_ownerships(db: Session, user_id: str) -> list[SoleOwnership]:
    """Return the workspaces that would have no owner without this person, by name.

    Each must be handed over or deleted first.
    """
    owned = select(Membership.workspace_id).where(
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
        .where(col(Workspace.id).in_(owned), others.c.owners.is_(None))
        .order_by(col(Workspace.name), col(Workspace.id))
    )
    return [SoleOwnership(workspace, people) for workspace, people in db.exec(query)]


def _end_membership(
    db: Session, membership: Membership, *, new_owner_id: str | None, by: str, reason: str
) -> EndedAccess:
    if membership.role == "owner":
        _check_another_owner(db, membership.workspace_id, membership.user_id)
    db.delete(membership)
    db.flush()
    return end_access(
        db, membership.workspace_id, membership.user_id, new_owner_id=new_owner_id, by=by, reason=reason
    )


def _both(db: Session, workspace_id: str, actor_id: str, user_id: str) -> tuple[Membership, Membership]:
    """Return the actor and the target, freshly read. Raises NotForYou before it reveals the target."""
    members.lock(db, workspace_id)
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


def _find_new_owner(db: Session, workspace_id: str, user_id: str) -> str | None:
    """Return who takes over from somebody: the longest-serving other owner, else an admin, else None."""
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
