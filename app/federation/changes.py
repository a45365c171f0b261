"""A change of a workspace's MCP servers, made known to every process.

Apart from `source.py`, which reads what changed: whoever changes a server must not depend on who reads it.
"""

from sqlalchemy import update
from sqlmodel import Session, col

from app.workspaces.models import Workspace


def touch(db: Session, workspace_id: str) -> None:
    """Make every process load the workspace's services anew. Call it in the transaction that changes them."""
    db.execute(
        update(Workspace)
        .where(col(Workspace.id) == workspace_id)
        .values(services_version=col(Workspace.services_version) + 1)
        .execution_options(synchronize_session=False)
    )
