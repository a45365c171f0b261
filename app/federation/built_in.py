"""The rows of built-in services whose own MCP servers list more tools than their connectors have.

Such a service has one row per workspace among the MCP servers, under its own slug, so everything that holds
for a server's tools holds for these. It is nobody's to rename or remove: it stays as long as the workspace.
"""

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app import clock, crypto, database
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.federation import changes
from app.federation.models import McpServer
from app.vault import connection_state
from app.vault.models import Connection

ACCESS = "built-in"
IS_ADDED = col(McpServer.access) != ACCESS  # in a query: it is a server that somebody added by URL
_MOST_AT_ONCE = 500


def connector_behind(server: McpServer) -> Connector | None:
    """The built-in service whose more tools these are. None for a server that was added by URL."""
    connector = services_of(None).find(server.slug) if server.access == ACCESS else None
    return connector if connector is not None and connector.more_tools is not None else None


def names_known_to(server: McpServer) -> frozenset[str]:
    """The tools at the server that its connector has itself; none for a server that was added by URL."""
    connector = connector_behind(server)
    return connector.more_tools.known if connector and connector.more_tools else frozenset()


def verbs_of_its_own(server: McpServer) -> frozenset[str]:
    """The verbs of its connector's tools, which no other can have; none for a server added by URL."""
    connector = connector_behind(server)
    return frozenset(tool.verb for tool in connector.tools) if connector else frozenset()


def id_for(workspace_id: str, connector: Connector) -> str | None:
    """The id of the service's row in the workspace, made if need be.

    None if the slug belongs to a server that was added before the service was built in, or the workspace is
    gone.
    """
    new = McpServer(
        id=crypto.new_id("mcp"),
        workspace_id=workspace_id,
        slug=connector.slug,
        name=connector.name,
        url=connector.base_url + connector.mcp_path,
        access=ACCESS,
        added_at=clock.now(),
    )
    mine = select(McpServer.id).where(
        col(McpServer.workspace_id) == workspace_id,
        col(McpServer.slug) == connector.slug,
        col(McpServer.access) == ACCESS,
    )
    try:
        with database.transaction() as db:
            if (known := db.exec(mine).first()) is not None:
                return known
            changes.lock(db, workspace_id)
            adding = database.upsert_into(McpServer).values(**new.model_dump())
            db.execute(adding.on_conflict_do_nothing())
            changes.touch(db, workspace_id)
            return db.exec(mine).first()
    except IntegrityError:  # the workspace was deleted meanwhile
        return None


def make_due() -> None:
    """Make the rows of connected services that have none yet: those that were connected without a page."""
    more = {connector.slug: connector for connector in services_of(None) if connector.more_tools is not None}
    with database.reading() as db:
        found = db.exec(
            select(Connection.workspace_id, Connection.slug)
            .outerjoin(
                McpServer,
                (col(McpServer.workspace_id) == col(Connection.workspace_id))
                & (col(McpServer.slug) == col(Connection.slug)),
            )
            .where(
                col(Connection.slug).in_(more),
                col(Connection.state) == connection_state.CONNECTED,
                col(McpServer.id).is_(None),
            )
            .distinct()
            .limit(_MOST_AT_ONCE)
        ).all()
    for workspace_id, slug in found:
        id_for(workspace_id, more[slug])
