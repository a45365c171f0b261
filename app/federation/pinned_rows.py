"""The rows of an MCP server's tools, and what a definition is compared with before it becomes one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from app import audit, clock
from app.connectors.services import services_of
from app.federation import built_in, naming, schema_gate
from app.federation.changes import touch
from app.federation.definitions import digest_of
from app.federation.models import McpServer, McpServerTool, McpToolList
from app.vault import connection_state
from app.vault.models import Connection

HELD, APPROVED, OFF = "held", "approved", "off"
MOST_TOOLS = 500  # of one server
_MOST_IN_TRAIL = 20
_READ_WITHIN = timedelta(minutes=10)  # of connecting, by the job that keeps lists up to date
_UNUSABLE = "It can't be used here. {}"
_TAKEN = "Another service in this workspace has a tool with this name, so this one can't be used."
_TWICE = "The server lists two different tools with this name, so neither can be used."
_BUILT_IN = "{} already has a built-in tool with this name, so this one can't be used."


def lock(db: Session, server: McpServer) -> None:
    """Wait until nobody else changes the server's tools, and until the end of the transaction keep others
    from it. Several lists may arrive at once.
    """
    db.exec(select(McpServer.id).where(col(McpServer.id) == server.id).with_for_update()).one_or_none()


def load(db: Session, server: McpServer) -> dict[str, McpServerTool]:
    """The server's rows by the tools' names there, as they are now."""
    rows = db.exec(
        select(McpServerTool)
        .where(col(McpServerTool.server_id) == server.id)
        .order_by(col(McpServerTool.first_seen_at), col(McpServerTool.name))
        .execution_options(populate_existing=True)
    ).all()
    return {row.name: row for row in rows}


def new(server: McpServer, name: str, verb: str) -> McpServerTool:
    """The row of a tool that is seen for the first time."""
    return McpServerTool(
        server_id=server.id,
        name=name,
        workspace_id=server.workspace_id,
        verb=verb,
        state=HELD,
        first_seen_at=clock.now(),
    )


def by_name(definitions: Sequence[Any], known: Collection[str] = ()) -> dict[str, Mapping[str, Any]]:
    """The definitions that have a name to be stored by. Two different ones of a name are one, unusable.

    Without those that are `known`: its connector has them itself.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for definition in definitions:
        name = definition.get("name") if isinstance(definition, Mapping) else None
        if not isinstance(name, str) or not naming.is_storable(name) or name in known:
            continue
        if name in found and digest_of(found[name]) != digest_of(definition):
            found[name] = {"name": name, "_meta": _TWICE}
        elif name not in found and len(found) < MOST_TOOLS:
            found[name] = definition
    return found


def problem_with(server: McpServer, definition: Mapping[str, Any], verb: str, foreign: set[str]) -> str:
    """Why the definition cannot be used, as a sentence; "" if it can."""
    if problem := problem_in(definition):
        return problem
    if verb in built_in.verbs_of_its_own(server):
        return _BUILT_IN.format(server.name)
    return _TAKEN if naming.full_name(server.slug, verb) in foreign else ""


def problem_in(definition: Mapping[str, Any]) -> str:
    """Why a definition of `by_name` cannot be used in any workspace, as a sentence; "" if it can."""
    if definition.get("_meta") == _TWICE:
        return _TWICE
    problem = schema_gate.check(definition)
    return _UNUSABLE.format(problem) if problem else ""


def foreign_names(db: Session, server: McpServer) -> set[str]:
    """The full names of all other services' tools in the workspace."""
    others = db.exec(
        select(McpServer.slug, McpServerTool.verb)
        .join(McpServerTool, col(McpServerTool.server_id) == col(McpServer.id))
        .where(
            col(McpServer.workspace_id) == server.workspace_id,
            col(McpServer.id) != server.id,
            col(McpServer.removed_at).is_(None),
        )
    ).all()
    connector = built_in.connector_behind(server)
    own = {tool.name_in(connector.slug) for tool in connector.tools} if connector is not None else set()
    return services_of(None).tool_names - own | {naming.full_name(slug, verb) for slug, verb in others}


def connections_of(server: McpServer) -> tuple[ColumnElement[bool], ...]:
    """The conditions for a `Connection` of the server."""
    return col(Connection.workspace_id) == server.workspace_id, col(Connection.slug) == server.slug


def digests_elsewhere(db: Session, server: McpServer, connection_id: str | None) -> dict[str, set[str]]:
    """The digests of each tool in the lists of the server's other connections. None: of no connection, as the
    list is the same for all.
    """
    if connection_id is None:
        return {}
    lists = db.exec(
        select(McpToolList.tools)
        .join(Connection, col(Connection.id) == col(McpToolList.connection_id))
        .where(*connections_of(server), col(Connection.id) != connection_id)
    ).all()
    found: dict[str, set[str]] = {}
    for name, digest in (pair for tools in lists for pair in tools.items()):
        found.setdefault(name, set()).add(digest)
    return found


def is_some_list_unread(db: Session, server: McpServer, connection_id: str | None) -> bool:
    """Whether another connection was made so recently that its list has not been read yet, or is being read
    for the first time. None: of no connection, as the list is the same for all.
    """
    if connection_id is None:
        return False
    unread = (
        select(Connection.id)
        .outerjoin(McpToolList, col(McpToolList.connection_id) == col(Connection.id))
        .where(
            *connections_of(server),
            col(Connection.id) != connection_id,
            col(Connection.state) == connection_state.CONNECTED,
            col(Connection.connected_at) > clock.now() - _READ_WITHIN,
            col(McpToolList.fetched_at).is_(None),
            or_(col(McpToolList.expires_at).is_(None), col(McpToolList.claim).is_not(None)),
        )
    )
    return db.exec(unread.limit(1)).first() is not None


def record(
    db: Session, server: McpServer, action: str, rows: Iterable[McpServerTool], *, by: str | None
) -> None:
    """An entry of the trail about these tools, and a `touch`. Nothing for none."""
    names = sorted(naming.full_name(server.slug, row.verb) for row in rows)
    if not names:
        return
    touch(db, server.workspace_id)
    shortened = [*names[:_MOST_IN_TRAIL], f"{len(names) - _MOST_IN_TRAIL} more"]
    tools = names if len(names) <= _MOST_IN_TRAIL else shortened
    audit.record(db, action, **audit.about(server, by), slug=server.slug, tools=tools)
