"""Deleting a workspace: its connections end at their services, members and AI clients lose access at their
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
class DeletedWorkspace:
    """What was deleted with a workspace."""

    name: str
    connections: int

    @property
    def sentence(self) -> str:
        """The notice for the owner: what is done, and what continues in the background."""
        if not self.connections:
            return f"{self.name} is deleted."
        many = "1 connection was" if self.connections == 1 else f"{self.connections:,} connections were"
        return (
            f"{self.name} is deleted. {many} disconnected. We're revoking the access at each service in the "
            "background."
        )


def check_owns(member: Member) -> None:
    """Raises Forbidden unless the member owns the workspace."""
    if member.role != "owner":
        raise Forbidden(
            "Only an owner can delete the workspace. Ask an owner to do it, or leave it on the team page."
        )


def delete_workspace(settings: Settings, mailer: Mailer, member: Member) -> DeletedWorkspace:
    """Delete the owner's current workspace and mail its other members. Raises Forbidden, NotFound."""
    with transaction() as db:
        members.lock(db, member.workspace.id)
        membership = db.get(Membership, (member.workspace.id, member.user.id), populate_existing=True)
        if membership is None or membership.role != "owner":  # changed since the page was rendered
            raise Forbidden("Only an owner can delete the workspace.")
        others = _addresses(db, member)
        deleted = end(db, member.workspace, by=member.user.id)
    revocation.run_soon(settings)
    for address in others:
        mailer.send(address, *letters.workspace_deleted(settings, deleted.name))
    return deleted


def end(db: Session, workspace: Workspace, *, by: str) -> DeletedWorkspace:
    """Delete a workspace whose lock the caller holds. Call `revocation.run_soon` after the commit.

    Grants, invitations, notes, memberships and everything else that belongs to it are deleted with its row.
    The audit trail, with the arguments of changes, and the usage rows stay; people are ids in them.
    """
    connections = workspace_removal.end_all(db, workspace.id, by=by)
    counts = {
        "connections": connections,
        "members": _count(db, Membership, workspace.id),
        "grants": _count(db, Grant, workspace.id),
    }
    db.execute(delete(Workspace).where(col(Workspace.id) == workspace.id))
    audit.record(
        db, "workspace.deleted", workspace_id=workspace.id, user_id=by, subject=workspace.id, **counts
    )
    return DeletedWorkspace(workspace.name, connections)


def _count(db: Session, table: type[Membership] | type[Grant], workspace_id: str) -> int:
    counted: int = db.execute(
        select(func.count()).select_from(table).where(col(table.workspace_id) == workspace_id)
    ).scalar_one()
    return counted


def _addresses(db: Session, member: Member) -> list[str]:
    """Return the addresses of the other members."""
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
