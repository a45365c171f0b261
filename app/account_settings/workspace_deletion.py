"""Deleting a workspace: its connections end at their services, its members and AI clients are out at their
next request.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from app import audit
from app.account_settings import letters
from app.accounts.models import User
from app.config import Settings
from app.database import transaction
from app.errors import Forbidden
from app.mail import Mailer
from app.oauth_server.models import Grant
from app.vault import revocation, workspace_removal
from app.workspaces import members
from app.workspaces.guard import Member
from app.workspaces.models import Membership, Workspace


@dataclass(frozen=True)
class Closed:
    """What ended with a workspace."""

    name: str
    connections: int

    @property
    def sentence(self) -> str:
        """What to tell the owner: what is done, and what goes on by itself."""
        if not self.connections:
            return f"{self.name} is deleted."
        many = "1 connection has" if self.connections == 1 else f"{self.connections:,} connections have"
        return (
            f"{self.name} is deleted. {many} ended here; access at the services is being ended in the "
            "background, "
            "again and again until each has confirmed it. You need not wait."
        )


def check_owns(member: Member) -> None:
    """Raises Forbidden unless the member owns the workspace."""
    if member.role != "owner":
        raise Forbidden(
            "Only an owner can delete the workspace. Ask an owner to do it, or leave it on the team page."
        )


def delete_workspace(settings: Settings, mailer: Mailer, member: Member) -> Closed:
    """Delete the workspace the owner works in, and tell its other members by mail. Raises Forbidden,
    NotFound.
    """
    with transaction() as db:
        members.hold(db, member.workspace.id)
        membership = db.get(Membership, (member.workspace.id, member.user.id), populate_existing=True)
        if membership is None or membership.role != "owner":  # no longer, since the page was drawn
            raise Forbidden("Only an owner can delete the workspace.")
        others = _addresses(db, member)
        closed = end(db, member.workspace, by=member.user.id)
    revocation.run_soon(settings)
    letter = letters.workspace_deleted(settings, closed.name)
    for address in others:
        mailer.send(address, letter.subject, letter.text)
    return closed


def end(db: Session, workspace: Workspace, *, by: str) -> Closed:
    """Delete a workspace whose row the caller holds. Call `revocation.run_soon` after the commit.

    Grants, invitations, notes, memberships and all else that belongs to it go with its row. Of it stay the
    audit trail and the usage rows, which hold ids.
    """
    connections = workspace_removal.end_all(db, workspace.id, by=by)
    gone = {
        "connections": connections,
        "members": _count(db, Membership, workspace.id),
        "grants": _count(db, Grant, workspace.id),
    }
    db.execute(delete(Workspace).where(col(Workspace.id) == workspace.id))
    audit.record(db, "workspace.deleted", workspace_id=workspace.id, user_id=by, subject=workspace.id, **gone)
    return Closed(workspace.name, connections)


def _count(db: Session, table: type[Membership] | type[Grant], workspace_id: str) -> int:
    counted: int = db.execute(
        select(func.count()).select_from(table).where(col(table.workspace_id) == workspace_id)
    ).scalar_one()
    return counted


def _addresses(db: Session, member: Member) -> list[str]:
    """Where to tell the others."""
    query = (
        select(col(User.email))
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(
            col(Membership.workspace_id) == member.workspace.id,
            col(User.id) != member.user.id,
            col(User.disabled_at).is_(None),
        )
        .order_by(col(User.email))
    )
    return list(db.scalars(query))
