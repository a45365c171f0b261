"""The tools of a connection with their switches, and what listing them costs an AI client."""

from dataclasses import dataclass

from app.connection_pages import links
from app.connection_pages.lookup import ViewedConnection
from app.connectors.rows import size_in_tokens
from app.connectors.tool import Tool
from app.mcp_server import account_choice
from app.mcp_server.toolbox import Toolbox


@dataclass(frozen=True)
class ToolRow:
    """One tool. `blocked` says why AI clients can't use it although it is on."""

    name: str
    title: str
    sentence: str
    reads_only: bool
    destructive: bool
    is_on: bool
    blocked: str
    path: str


@dataclass(frozen=True)
class ToolGroup:
    """The tools that read, or those that change something."""

    key: str  # read, change
    heading: str
    rows: tuple[ToolRow, ...]

    @property
    def on(self) -> int:
        """How many are switched on."""
        return sum(row.is_on for row in self.rows)


@dataclass(frozen=True)
class ToolBoard:
    """All tools of a connection. `tokens` is about what those that can be used cost in the list."""

    groups: tuple[ToolGroup, ...]
    usable: int
    count: int
    tokens: int


def board(toolbox: Toolbox, viewed: ViewedConnection, workspace_id: str) -> ToolBoard:
    """The tools of a connection. Runs no query."""
    rows, usable, tokens = [], 0, 0
    for tool in viewed.connector.tools:
        row = _row(viewed, tool)
        rows.append(row)
        listed = toolbox.find(workspace_id, row.name)
        if row.is_on and not row.blocked and listed is not None:
            usable += 1
            tokens += size_in_tokens(listed.wire)
    groups = (
        ToolGroup("read", "Read", tuple(row for row in rows if row.reads_only)),
        ToolGroup("change", "Change", tuple(row for row in rows if not row.reads_only)),
    )
    return ToolBoard(
        tuple(group for group in groups if group.rows), usable, len(rows), -(-tokens // 100) * 100
    )


def _row(viewed: ViewedConnection, tool: Tool) -> ToolRow:
    slug, connection = viewed.connector.slug, viewed.connection
    name = tool.name_in(slug)
    is_on = {name, tool.verb}.isdisjoint(connection.hidden_tools)
    return ToolRow(
        name,
        tool.title,
        " ".join(tool.description.split("\n\n", 1)[0].replace("`", "").split()),
        tool.reads_only,
        tool.destructive,
        is_on,
        _blocked(viewed, tool) if is_on else "",
        links.tool_path(slug, connection.id, name),
    )


def _blocked(viewed: ViewedConnection, tool: Tool) -> str:
    """Why a tool that is on can't be used, in a few words; "" if it can."""
    if account_choice.refusal(viewed.connector, tool, viewed.connection, "") is None:
        return ""
    if viewed.connection.permission == "off":
        return "The connection is off"
    if not tool.reads_only and viewed.connection.permission == "read":
        return "The connection is read only"
    return f"{viewed.connector.name} hasn't granted this: reconnect to allow it"
