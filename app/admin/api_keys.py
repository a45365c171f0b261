"""Operators' API keys: bearer tokens for any workspace, one at a time, while their creator is an operator."""

from sqlmodel import Session

from app.errors import InvalidArguments, InvalidInput, NotFound, WorkspaceInactive
from app.oauth_server import grants
from app.oauth_server.callers import API_KEY
from app.oauth_server.models import Grant
from app.workspaces import finding

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
        start = finding.find_active(db, workspace)
    except (InvalidArguments, WorkspaceInactive) as refused:
        raise InvalidInput(refused.message) from None
    return grants.issue_by_hand(db, API_KEY, by, start.id, name, scopes, int(days) * _DAY)[1]


def revoke(db: Session, grant_id: str, by: str) -> None:
    """Revokes any operator's key from its next call on. Raises NotFound."""
    found = db.get(Grant, grant_id) if grant_id.isprintable() else None
    if found is None or found.kind != API_KEY:
        raise NotFound()
    grants.revoke(db, found.id, "An operator revoked it.", by=by)
