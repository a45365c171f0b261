"""The services of a workspace that are MCP servers, or built-in ones with more tools, kept in memory per
process.

`workspaces.services_version` grows with every change of a server or its tools (`changes.touch`). Each request
notes the version it read with its workspace (`app/workspace_versions.py`), so a change in any process counts
from the next request on, and a call costs no query.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from sqlmodel import Session, col, select

from app import database, workspace_versions
from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.federation import built_in, connector_of, contents, ended, refreshing
from app.federation.changes import touch
from app.federation.models import McpServer, McpServerTool
from app.workspaces.models import Workspace

__all__ = ["SOURCE", "McpServers", "touch"]

_MOST = 1_000  # workspaces one process remembers
_FRESH_SECONDS = 10.0  # for work without a request, which notes no version


@dataclass(frozen=True)
class _Loaded:
    version: int
    at: float  # on the monotonic clock
    connectors: tuple[Connector, ...]
    by_server: Mapping[
        str, tuple[object, Connector | None]
    ]  # what each was made of, so that it stays the same object


class McpServers:
    """The `ServiceSource` of MCP servers. One per process."""

    def __init__(self) -> None:
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Forget everything: this process begins with another database."""
        with self._lock:
            self._loaded.clear()
        workspace_versions.forget()

    def connectors_of(self, workspace_id: str) -> tuple[Connector, ...]:
        """The workspace's MCP servers and built-in services with more tools, in the order they came."""
        known = self._loaded.get(workspace_id)
        if known is not None and _is_current(known, workspace_id):
            return known.connectors
        loaded = _load(workspace_id, known)
        with self._lock:  # of two that loaded at once, one version of the objects stays
            known = self._loaded.get(workspace_id)
            if known is not None and known.version >= loaded.version and _is_current(known, workspace_id):
                return known.connectors
            if len(self._loaded) >= _MOST and workspace_id not in self._loaded:
                self._loaded.clear()
            self._loaded[workspace_id] = loaded
        return loaded.connectors

    def keep_for_revoking(self, db: Session, workspace_id: str) -> None:
        """See `ServiceSource`."""
        ended.keep(db, workspace_id)

    def on_connected(self, settings: Settings, workspace_id: str, slug: str, connection_id: str) -> None:
        """Read the contents of an MCP server, or the tools that a built-in service lists beside its own."""
        connector = services_of(workspace_id).find(slug)
        if connector is not None and connector.workspace_id is not None:
            contents.read_now(settings, connection_id)
        elif connector is not None and connector.more_tools is not None:
            refreshing.read_now(settings, workspace_id, connector, connection_id)


SOURCE = McpServers()


def count_at_once(workspace_id: str) -> None:
    """Make this process load the workspace's services anew now, after a commit that touched them.

    The next request would do it by itself; call this where the same request goes on with what it changed.
    """
    with database.reading() as db:
        version = db.exec(
            select(Workspace.services_version).where(col(Workspace.id) == workspace_id)
        ).one_or_none()
    if version is not None:
        workspace_versions.note(workspace_id, version)


def _is_current(known: _Loaded, workspace_id: str) -> bool:
    noted = workspace_versions.latest(workspace_id)
    if noted is not None and noted[0] != known.version:
        return noted[0] < known.version
    return monotonic() - max(known.at, noted[1] if noted else 0.0) < _FRESH_SECONDS


def _load(workspace_id: str, known: _Loaded | None) -> _Loaded:
    """The workspace's servers as they are now; those that did not change stay the same objects."""
    at = monotonic()
    with database.snapshot() as db:
        version = db.exec(
            select(Workspace.services_version).where(col(Workspace.id) == workspace_id)
        ).one_or_none()
        if known is not None and version == known.version:
            return _Loaded(known.version, at, known.connectors, known.by_server)
        if version is None:  # the workspace was deleted
            left = known.connectors if known is not None else ended.connectors_of(db, workspace_id)
            return _Loaded(known.version if known is not None else 0, at, left, {})
        servers = db.exec(
            select(McpServer)
            .where(col(McpServer.workspace_id) == workspace_id)
            .order_by(col(McpServer.added_at), col(McpServer.id))
        ).all()
        tools = db.exec(
            select(McpServerTool)
            .where(col(McpServerTool.workspace_id) == workspace_id)
            .order_by(col(McpServerTool.first_seen_at), col(McpServerTool.name))
        ).all()
    by_server: dict[str, tuple[object, Connector | None]] = {}
    for server in servers:
        own = [tool for tool in tools if tool.server_id == server.id]
        made_of = (server.model_dump(exclude={"checked_at"}), [tool.model_dump() for tool in own])
        before = known.by_server.get(server.id) if known is not None else None
        same = before is not None and before[0] == made_of
        make = connector_of.extend if server.access == built_in.ACCESS else connector_of.build
        by_server[server.id] = (made_of, before[1] if same and before is not None else make(server, own))
    connectors = tuple(connector for _, connector in by_server.values() if connector is not None)
    return _Loaded(version, at, connectors, by_server)
