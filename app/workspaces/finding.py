"""Finds a workspace by what an operator calls it."""

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from app.errors import InvalidArguments, WorkspaceInactive
from app.workspaces.models import Workspace


def find_active(db: Session, id_or_name: str) -> Workspace:
    """The active workspace of that id or exact name. Raises InvalidArguments, listing several of one name,
    and WorkspaceInactive.
    """
    id_or_name = " ".join(id_or_name.split())
    found: list[Workspace] = []
    if id_or_name and id_or_name.isprintable():
        by_id = db.get(Workspace, id_or_name)
        same = (
            select(Workspace)
            .where(
                or_(col(Workspace.name) == id_or_name, func.lower(col(Workspace.name)) == id_or_name.lower())
            )
            .order_by(col(Workspace.id))
            .limit(20)
        )
        found = [by_id] if by_id else list(db.scalars(same))
    if not found:
        raise InvalidArguments(
            "There is no workspace of that id or name. list_tenants and the page of workspaces show them all."
        )
    if len(found) > 1:
        choices = [{"id": each.id, "name": each.name} for each in found]
        raise InvalidArguments(
            f"{len(found)} workspaces have that name: give the id of one.", details={"tenants": choices}
        )
    if found[0].deactivated_at is not None:
        raise WorkspaceInactive("That workspace is deactivated. Activate it on the page of workspaces first.")
    return found[0]
