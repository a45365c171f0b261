"""Who may change a connection: whoever made it; for a shared one also the workspace's owner and admins."""

from app.errors import Forbidden
from app.vault.models import Connection
from app.workspaces.guard import Member


def may_change(member: Member, connection: Connection) -> bool:
    """Whether this member may disconnect or reconnect it, or change what AI clients may do with it."""
    return connection.owner_id == member.user.id or member.role in {"owner", "admin"}


def check(member: Member, connection: Connection) -> None:
    """Raises Forbidden with a sentence that names whom to ask."""
    if not may_change(member, connection):
        raise Forbidden(
            "Only the person who connected this account, or an owner or admin of your workspace, can "
            "change it."
        )
