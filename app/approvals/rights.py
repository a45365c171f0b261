"""Who may decide: the AI client's person; for a shared connection also its owner, and owners and admins."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlmodel import Session, col

from app import clock
from app.accounts.models import User
from app.approvals import models
from app.approvals.models import Approval
from app.errors import NotFound
from app.vault.models import Connection
from app.workspaces.guard import Member


def decidable_by(member: Member) -> Select[Any]:
    """The requests the member may decide, each with its connection (or None) and whose AI client sent it."""
    found: Any = (
        select(Approval, Connection, User)
        .outerjoin(Connection, and_(col(Connection.id) == col(Approval.connection_id), _same_workspace()))
        .join(User, col(User.id) == col(Approval.user_id))
        .where(*_allowed(member))
    )
    return found  # type: ignore[no-any-return]


def get(db: Session, member: Member, approval_id: str) -> Approval:
    """One request the member may decide. Raises NotFound for any other id, whatever the reason."""
    row = db.execute(decidable_by(member).where(col(Approval.id) == approval_id)).first()
    if row is None:
        raise NotFound(
            "There's no such request here. It may belong to another of your workspaces, or have been deleted "
            "after 30 days."
        )
    approval: Approval = row[0]
    return approval


def count_waiting(db: Session, member: Member) -> int:
    """How many requests wait for this member."""
    waiting = (
        select(func.count())
        .select_from(Approval)
        .outerjoin(Connection, and_(col(Connection.id) == col(Approval.connection_id), _same_workspace()))
        .where(*_allowed(member), col(Approval.state) == models.WAITING, col(Approval.until) > clock.now())
    )
    counted: int = db.execute(waiting).scalar_one()
    return counted


def _allowed(member: Member) -> tuple[ColumnElement[bool], ...]:
    mine = col(Approval.user_id) == member.user.id
    shared: ColumnElement[bool] = col(Connection.visibility) == "shared"
    if not member.manages:
        shared = and_(shared, col(Connection.owner_id) == member.user.id)
    return col(Approval.workspace_id) == member.workspace.id, or_(mine, shared)


def _same_workspace() -> ColumnElement[bool]:
    return col(Connection.workspace_id) == col(Approval.workspace_id)
