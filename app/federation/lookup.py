"""Finding a server and its tools, always through the workspace that owns them."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from app.errors import NotFound
from app.federation import built_in, changes
from app.federation.models import McpServer, McpServerTool


def get_server(
    db: Session, workspace_id: str, slug: str, *, lock: bool = False, even_removed: bool = False
) -> McpServer:
    """The server with that slug. `lock`: until the transaction ends, as `changes.lock` does it.

    Raises NotFound, also once removed, unless `even_removed`.
    """
    if lock:
        changes.lock(db, workspace_id)
    query = select(McpServer).where(col(McpServer.workspace_id) == workspace_id, col(McpServer.slug) == slug)
    found = db.exec(query.with_for_update() if lock else query).first()
    if found is None or (found.removed_at is not None and not even_removed):
        raise NotFound("This MCP server doesn't exist in this workspace. It may have been removed.")
    return found


def get_added(
    db: Session, workspace_id: str, slug: str, *, lock: bool = False, even_removed: bool = False
) -> McpServer:
    """The same, of a server that was added by URL. Raises NotFound for a built-in service too."""
    server = get_server(db, workspace_id, slug, lock=lock, even_removed=even_removed)
    if server.access == built_in.ACCESS:
        raise NotFound(
            f"{server.name} is built in, so it can't be changed or removed. Disconnect it instead."
        )
    return server


def tools_of(db: Session, server: McpServer) -> Sequence[McpServerTool]:
    """Its tools, in the order they were first seen."""
    return db.exec(
        select(McpServerTool)
        .where(col(McpServerTool.server_id) == server.id)
        .order_by(col(McpServerTool.first_seen_at), col(McpServerTool.name))
    ).all()


def servers_at(db: Session, workspace_id: str, url: str) -> Sequence[McpServer]:
    """The workspace's servers at that address."""
    return db.exec(
        select(McpServer)
        .where(
            col(McpServer.workspace_id) == workspace_id,
            col(McpServer.url) == url,
            col(McpServer.removed_at).is_(None),
            built_in.IS_ADDED,
        )
        .order_by(col(McpServer.added_at))
    ).all()
