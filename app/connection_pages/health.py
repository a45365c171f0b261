"""The health of a connection in words."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app import clock
from app.connection_pages.lookup import ViewedConnection
from app.notifications.lines import notified_lines
from app.vault import access_end, connection_state
from app.workspaces.guard import Member


@dataclass(frozen=True)
class ConnectionHealth:
    """The state of a connection. `tone` is one of good, warning, bad."""

    words: str
    tone: str
    reason: str  # why it does not work; "" if it does
    notified: str  # who was told about it, and when
    ends_at: datetime | None
    ends_words: str
    try_again_at: datetime | None
    can_be_tested: bool


def load(db: Session, member: Member, viewed: ViewedConnection) -> ConnectionHealth:
    """The health now. One query at most, for who was notified."""
    connection = viewed.connection
    works = connection.state == connection_state.CONNECTED
    paused = not works and not connection_state.has_ended(connection)
    ends_at = connection.signin_ends_at
    notified = (
        "" if works else notified_lines(db, [connection], viewer_id=member.user.id).get(connection.id, "")
    )
    return ConnectionHealth(
        "Connected" if works else "Paused" if paused else "Reconnect needed",
        "good" if works else "warning" if paused else "bad",
        "" if works else connection.last_error or f"{viewed.connector.name} ended our access.",
        notified,
        ends_at if works and ends_at and ends_at > clock.now() else None,
        _ends_words(viewed),
        connection.try_again_at if paused else None,
        not connection_state.has_ended(connection),
    )


def _ends_words(viewed: ViewedConnection) -> str:
    """What happens at the end of the access."""
    if viewed.connection.signin_ends_at is None:
        return "Renewed automatically. It has no end date."
    if access_end.can_be_prolonged(viewed.connector, viewed.connection):
        return "Renewed automatically while it's used."
    return "Reconnect before then to keep using it."
