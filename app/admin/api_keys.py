"""Operators' API keys: bearer tokens for any workspace, one at a time, while their creator is an operator."""

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from app.errors import InvalidArguments, InvalidInput, NotFound, WorkspaceInactive
from app.oauth_server import grants
from app.oauth_server.callers import API_KEY
from app.oauth_server.models import Grant
from app.workspaces.models import Workspace

DAYS = {"1": "1 day", "7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}
_DAY = 86_400


def create(db: Session, by: str, *, name: str, scopes: str, days: str, workspace: str) -> str:
    """Creates a key that starts in a workspace, named by its id or exact name. Returns its clear text, which
    exists only now.

    Raises InvalidInput.
    """
    if days not in DAYS:
        raise InvalidInput("Choose when the key expires.")
    try:
        start = find_workspace(db, workspace)
    except (InvalidArguments, WorkspaceInactive) as refused:
        raise InvalidInput(refused.message) from None
    return grants.issue_by_hand(db, API_KEY, by, start.id, name, scopes, int(days) * _DAY)[1]


def revoke(db: Session, grant_id: str, by: str) -> None:
    """Revokes any operator's key from its next call on. Raises NotFound."""
    found = db.get(Grant, grant_id) if grant_id.isprintable() else None
    if found is None or found.kind != API_KEY:
        raise NotFound()
    grants.revoke(db, found.id, "An operator revoked it.", by=by)


def find_workspace(db: Session, id_or_name: str) -> Workspace:
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
