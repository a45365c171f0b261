"""MCP servers of deleted workspaces: where to revoke their tokens, kept until that is done.

A workspace takes the rows of its servers with it. Revoking takes as long as a server is away, and any process
may try it, so what it needs is kept apart: addresses and our client, no tool, nothing that a person wrote.
"""

from datetime import timedelta

from sqlalchemy import delete, exists
from sqlmodel import Session, col, select

from app import clock
from app.connectors.connector import Connector
from app.federation import connector_of
from app.federation.models import EndedServer, McpServer
from app.vault.models import PendingRevocation

_AT_LEAST = timedelta(hours=1)  # tokens that arrived while the workspace was deleted are revoked, too
_FACTS = {"name", "url", "access", "oauth", "client_id", "client_kind", "client_issuer", "client_redirect"}


def keep(db: Session, workspace_id: str) -> None:
    """Keep what revoking needs, in the transaction that deletes the workspace."""
    found = select(McpServer).where(
        col(McpServer.workspace_id) == workspace_id, col(McpServer.access) == "oauth"
    )
    for server in db.exec(found).all():
        db.add(
            EndedServer(
                id=server.id,
                workspace_id=workspace_id,
                slug=server.slug,
                facts=server.model_dump(include=_FACTS),
                client_secret_sealed=server.client_secret_sealed,
                ended_at=clock.now(),
            )
        )
    db.flush()


def connectors_of(db: Session, workspace_id: str) -> tuple[Connector, ...]:
    """The services of a deleted workspace at which tokens may still have to be revoked."""
    stored = db.exec(select(EndedServer).where(col(EndedServer.workspace_id) == workspace_id)).all()
    return tuple(connector_of.build(_server_of(each), ()) for each in stored)


def forget_settled(db: Session) -> None:
    """Delete those of which no token waits for being revoked."""
    waits = exists().where(
        col(PendingRevocation.workspace_id) == col(EndedServer.workspace_id),
        col(PendingRevocation.slug) == col(EndedServer.slug),
    )
    db.execute(delete(EndedServer).where(~waits, col(EndedServer.ended_at) < clock.now() - _AT_LEAST))


def _server_of(ended: EndedServer) -> McpServer:
    return McpServer(
        id=ended.id,
        workspace_id=ended.workspace_id,
        slug=ended.slug,
        removed_at=ended.ended_at,
        client_secret_sealed=ended.client_secret_sealed,
        **ended.facts,
    )
