"""The view model of a connection's page, loaded in a fixed number of queries."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app import database
from app.config import Settings
from app.connection_pages import access, health, lookup, scope_words, tool_rows
from app.connection_pages.access import ConnectionAccess
from app.connection_pages.health import ConnectionHealth
from app.connection_pages.lookup import ViewedConnection
from app.connection_pages.tool_rows import ToolBoard
from app.connectors import endpoints
from app.connectors.rows import plain
from app.hub.levels import LEVELS, Level
from app.mcp_server.toolbox import Toolbox
from app.usage.models import CallRow
from app.vault.access import businesses_of
from app.vault.models import Connection
from app.workspaces.guard import Member

_LAST_CALLS = 10
_MOST_SEARCHED = 2_000  # calls of the workspace, so that no page reads a whole history


@dataclass(frozen=True)
class LastCall:
    """A call as a line."""

    call: CallRow
    title: str


@dataclass(frozen=True)
class ConnectionTools:
    """The tools of a connection, for the part of the page that a switch changes."""

    viewed: ViewedConnection
    tools: ToolBoard


@dataclass(frozen=True)
class ConnectionPage:
    """The page's view model."""

    viewed: ViewedConnection
    health: ConnectionHealth
    access: ConnectionAccess
    businesses: tuple[str, ...]
    granted: list[str]
    level: Level | None
    calls: list[LastCall]
    own_calls_only: bool
    tools: ToolBoard
    is_sandbox: bool

    @property
    def connection(self) -> Connection:
        """The connection."""
        return self.viewed.connection


def load(
    settings: Settings, toolbox: Toolbox, member: Member, slug: str, connection_id: str
) -> ConnectionPage:
    """The page. Raises NotFound."""
    with database.reading() as db:
        viewed = lookup.find(db, member, slug, connection_id)
        where = endpoints.resolve(viewed.connector, settings)
        return ConnectionPage(
            viewed,
            health.load(db, member, viewed),
            access.load(db, member, viewed.connection),
            tuple(str(plain(each.name)) for each in businesses_of(viewed.connection)),
            scope_words.describe(viewed.connector, viewed.connection.scopes.split()),
            LEVELS.get(viewed.connection.permission),
            _last_calls(db, member, viewed),
            not member.manages,
            tool_rows.board(toolbox, viewed, member.workspace.id),
            where is not None and where.sandbox,
        )


def load_tools(toolbox: Toolbox, member: Member, slug: str, connection_id: str) -> ConnectionTools:
    """The tools alone, for the fragment after a switch. Raises NotFound."""
    with database.reading() as db:
        viewed = lookup.find(db, member, slug, connection_id)
    return ConnectionTools(viewed, tool_rows.board(toolbox, viewed, member.workspace.id))


def _last_calls(db: Session, member: Member, viewed: ViewedConnection) -> list[LastCall]:
    """The newest calls on the connection among the workspace's latest; a plain member's own only."""
    recent = (
        select(col(CallRow.id))
        .where(col(CallRow.workspace_id) == member.workspace.id)
        .order_by(col(CallRow.id).desc())
        .limit(_MOST_SEARCHED)
        .subquery()
    )
    query = (
        select(CallRow)
        .join(recent, recent.c.id == col(CallRow.id))
        .where(col(CallRow.connection_id) == viewed.connection.id)
        .order_by(col(CallRow.id).desc())
        .limit(_LAST_CALLS)
    )
    if not member.manages:
        query = query.where(col(CallRow.user_id) == member.user.id)
    titles = {tool.name_in(viewed.connector.slug): tool.title for tool in viewed.connector.tools}
    return [LastCall(call, titles.get(call.tool, call.tool)) for call in db.execute(query).scalars()]
