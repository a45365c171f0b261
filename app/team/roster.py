"""Who is in a workspace, as the page lists them: role, last activity, and the connections they own."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from app.accounts.models import LoginSession, User
from app.oauth_server.models import Grant
from app.team import rights
from app.vault.models import Connection
from app.workspaces.models import Membership


@dataclass(frozen=True)
class TeamMember:
    """A member as the others see them. `active` is False if the operator disabled the account.

    `last_active_at` is when they, or an AI client of theirs, last did something in this workspace.
    """

    user_id: str
    email: str
    name: str
    role: str
    joined_at: datetime
    active: bool
    last_active_at: datetime | None = None
    shared_connections: int = 0
    personal_connections: int = 0


def list_of(db: Session, workspace_id: str) -> list[TeamMember]:
    """Return everybody in a workspace: owners, then admins, then members, each by address. Four queries."""
    query = (
        select(Membership, User)
        .join(User, col(User.id) == col(Membership.user_id))
        .where(col(Membership.workspace_id) == workspace_id)
        .order_by(col(User.email))
    )
    everybody = db.exec(query).all()
    active, owned = _last_active(db, workspace_id), _owned(db, workspace_id)
    members_found = [
        TeamMember(
            u.id,
            u.email,
            u.name,
            m.role,
            m.created_at,
            u.disabled_at is None,
            last_active_at=active.get(u.id),
            shared_connections=owned.get((u.id, "shared"), 0),
            personal_connections=owned.get((u.id, "personal"), 0),
        )
        for m, u in everybody
    ]
    return sorted(members_found, key=lambda each: rights.ROLES.index(each.role))


def _last_active(db: Session, workspace_id: str) -> dict[str, datetime]:
    """When each person was last seen in this workspace: in a browser, or through an AI client."""
    found: dict[str, datetime] = {}
    seen, used = col(LoginSession.last_seen_at), col(Grant.last_used_at)
    # A browser that never switched names no workspace: it works in the person's first one.
    browsers = select(LoginSession.user_id, func.max(seen)).where(
        or_(col(LoginSession.workspace_id) == workspace_id, col(LoginSession.workspace_id).is_(None)),
        col(LoginSession.user_id).in_(
            select(Membership.user_id).where(col(Membership.workspace_id) == workspace_id)
        ),
    )
    clients = select(Grant.user_id, func.max(used)).where(col(Grant.workspace_id) == workspace_id)
    for query in (
        browsers.group_by(col(LoginSession.user_id)),
        clients.group_by(col(Grant.user_id)),
    ):
        for user_id, at in db.exec(query):
            if at is not None:
                found[user_id] = max(at, found.get(user_id, at))
    return found


def _owned(db: Session, workspace_id: str) -> dict[tuple[str, str], int]:
    """How many connections each person owns here, by user id and visibility."""
    key = (col(Connection.owner_id), col(Connection.visibility))
    query = select(*key, func.count()).where(col(Connection.workspace_id) == workspace_id).group_by(*key)
    return {(user_id, visibility): count for user_id, visibility, count in db.exec(query)}
