"""What ends when somebody is no longer a member: their AI clients, tokens and personal connections in that
workspace.

Connections they had shared stay, for the others work with them; whoever answers for them now becomes their
owner.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app import audit
from app.config import Settings
from app.oauth_server import grants
from app.vault import revocation, store
from app.vault.models import Connection


@dataclass(frozen=True)
class Parting:
    """What ended, in numbers. Call `finish` after the commit."""

    grants: int = 0
    disconnected: int = 0
    handed_over: int = 0

    def __add__(self, other: "Parting") -> "Parting":
        """Both together."""
        return Parting(
            self.grants + other.grants,
            self.disconnected + other.disconnected,
            self.handed_over + other.handed_over,
        )

    def finish(self, settings: Settings) -> None:
        """Revoke at the services what was disconnected here, in the background. Only after the commit."""
        if self.disconnected:
            revocation.run_soon(settings)


def end_access(
    db: Session, workspace_id: str, user_id: str, *, heir: str | None, by: str, reason: str
) -> Parting:
    """End what a person had in a workspace. The membership is gone already, so nothing new can come.

    `heir` becomes the owner of the shared connections; without one they are disconnected too.
    """
    ended = grants.revoke_all(db, workspace_id, user_id, reason)
    # In one order everywhere, so that two partings cannot wait for each other.
    mine = select(Connection).where(
        col(Connection.workspace_id) == workspace_id, col(Connection.owner_id) == user_id
    )
    disconnected = handed_over = 0
    for connection in db.scalars(mine.order_by(col(Connection.id))).all():
        if connection.visibility == "shared" and heir is not None:
            store.hand_over(db, connection, heir, by=by)
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
    return Parting(ended, disconnected, handed_over)
