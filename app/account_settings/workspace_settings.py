"""What owners and admins change about their workspace: its name and its time zone."""

from sqlalchemy import update
from sqlmodel import Session, col

from app import audit
from app.errors import Forbidden
from app.workspaces.guard import Member
from app.workspaces.models import Workspace


def change(db: Session, member: Member, *, name: str, timezone: str) -> bool:
    """Set name and time zone. Returns False if nothing changed. Raises Forbidden for members."""
    if not member.manages:
        raise Forbidden()
    before = member.workspace
    values = {"name": name, "timezone": timezone}
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
        )
    return bool(changed)
