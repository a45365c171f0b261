"""What ends when a membership ends: AI clients, tokens and personal connections in that workspace.

Shared connections stay, because others work with them, and get a new owner.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app import audit
from app.config import Settings
from app.oauth_server import grants
from app.vault import connection_settings, revocation, store
from app.vault.models import Connection


@dataclass(frozen=True)
class EndedAccess:
    """What ended, as counts. Call `finish` after the commit."""

    grants: int = 0
    disconnected: int = 0
    handed_over: int = 0

    def __add__(self, other: "EndedAccess") -> "EndedAccess":
        """Return the sums of both."""
        return EndedAccess(
            self.grants + other.grants,
            self.disconnected + other.disconnected,
            self.handed_over + other.handed_over,
        )

    def finish(self, settings: Settings) -> None:
        """Revoke the disconnected access at the services, in the background. Only after the commit."""
        if self.disconnected:
            revocation.run_soon(settings)


def end_access(
    db: Session, workspace_id: str, user_id: str, *, new_owner_id: str | None, by: str, reason: str
) -> EndedAccess:
    """End a person's access in a workspace. Their membership is already deleted, so nothing new can be added.

    `new_owner_id` becomes the owner of the shared connections; if it is None, they are disconnected too.
    """
    ended = grants.revoke_all(db, workspace_id, user_id, reason)
    # The same order everywhere, so that two removals cannot deadlock.
    owned = select(Connection).where(
        col(Connection.workspace_id) == workspace_id, col(Connection.owner_id) == user_id
    )
    disconnected = handed_over = 0
    for connection in db.scalars(owned.order_by(col(Connection.id))).all():
        if connection.visibility == "shared" and new_owner_id is not None:
            connection_settings.hand_over(db, connection, new_owner_id, by=by)
            handed_over += 1
        else:
            store.disconnect(db, connection, by=by)
            disconnected += 1
    audit.record(
        db,
        "member.access_ended",
        workspace_id=workspace_id,
        user_id=by,
        subject=user_id,
        grants=ended,
        disconnected=disconnected,
        handed_over=handed_over,
    )
    return EndedAccess(ended, disconnected, handed_over)
