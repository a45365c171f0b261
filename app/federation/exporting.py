"""The MCP servers that a person added and the tools they reviewed, in the download of their data."""

from collections.abc import Iterator
from typing import Any

from app.account_settings import export
from app.federation.models import McpServer, McpServerTool

_server, _tool = McpServer.__table__.c, McpServerTool.__table__.c  # type: ignore[attr-defined]


def register() -> None:
    """Add the sections to the document."""
    export.add_section("mcp_servers_added", _added)
    export.add_section("mcp_tools_reviewed", _reviewed)


def _added(user_id: str) -> Iterator[list[dict[str, Any]]]:
    # without the URL, which may hold a secret of the workspace
    columns = (_server.id, _server.workspace_id, _server.slug, _server.name)
    times = (_server.added_at, _server.removed_at)
    return export.pages_by_key(_server.id, (*columns, *times), _server.added_by == user_id)


def _reviewed(user_id: str) -> Iterator[list[dict[str, Any]]]:
    columns = (_tool.workspace_id, _tool.server_id, _tool.name)
    decision = (_tool.state, _tool.reads_only, _tool.decided_at)
    key = _tool.server_id.concat(_tool.name)
    return export.pages_by_key(key, (*columns, *decision), _tool.decided_by == user_id)
