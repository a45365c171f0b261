"""A change of a workspace's MCP servers, made known to every process.

Apart from `source.py`, which reads what changed: whoever changes a server must not depend on who reads it.
"""

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, select

from app.federation.models import McpServer
from app.workspaces.models import Workspace


def lock(db: Session, workspace_id: str) -> None:
    """Lock the workspace before one of its servers: call it first where a server is changed.

    Whatever changes a server touches the workspace in the end, and whoever deletes the workspace locks that
    first. One order everywhere, so that neither waits for the other.
    """
    _lock(db, col(Workspace.id) == workspace_id)


def lock_server(db: Session, server_id: str) -> McpServer | None:
    """Lock a server, and its workspace before it. None if the server is gone."""
    owner = select(McpServer.workspace_id).where(col(McpServer.id) == server_id)
    _lock(db, col(Workspace.id) == owner.scalar_subquery())
    found = select(McpServer).where(col(McpServer.id) == server_id).with_for_update()
    return db.exec(found.execution_options(populate_existing=True)).one_or_none()


def _lock(db: Session, which: ColumnElement[bool]) -> None:
    db.exec(select(Workspace.id).where(which).with_for_update(key_share=True)).first()


def touch(db: Session, workspace_id: str) -> None:
    """Make every process load the workspace's services anew. Call it in the transaction that changes them."""
    db.execute(
        update(Workspace)
        .where(col(Workspace.id) == workspace_id)
        .values(services_version=col(Workspace.services_version) + 1)
        .execution_options(synchronize_session=False)
    )
