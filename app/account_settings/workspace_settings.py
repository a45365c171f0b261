"""What owners and admins change about their workspace: its name, its time zone, who may add MCP servers."""

from sqlalchemy import update
from sqlmodel import Session, col

from app import audit
from app.errors import Forbidden
from app.workspaces.guard import Member
from app.workspaces.models import Workspace

# Who may add MCP servers, as `Workspace.who_adds_servers` has it, and as people read it.
SERVER_POLICIES = {
    "managers": "Owners and admins",
    "owners": "Owners only",
    "nobody": "Nobody",
}


def change(
    db: Session, member: Member, *, name: str, timezone: str, who_adds_servers: str | None = None
) -> bool:
    """Set name and time zone, and for owners who may add MCP servers; None leaves that as it is.

    Returns False if nothing changed. Raises Forbidden.
    """
    if not member.manages:
        raise Forbidden()
    before = member.workspace
    values = {"name": name, "timezone": timezone}
    if who_adds_servers not in {None, before.who_adds_servers}:
        if member.role != "owner":
            raise Forbidden("Only an owner of the workspace can change who can add MCP servers.")
        values["who_adds_servers"] = str(who_adds_servers)
    changed = sorted(field for field, value in values.items() if getattr(before, field) != value)
    if changed:
        db.execute(update(Workspace).where(col(Workspace.id) == before.id).values(values))
        audit.record(
            db,
            "workspace.changed",
            workspace_id=before.id,
            user_id=member.user.id,
            subject=before.id,
            changed=changed,
            **({"policy": SERVER_POLICIES[str(who_adds_servers)]} if "who_adds_servers" in changed else {}),
        )
    return bool(changed)
