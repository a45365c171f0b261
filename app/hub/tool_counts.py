"""How many tools a service has, and how many of them AI clients can use on one connection."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.connectors.connector import Connector
from app.connectors.tool import Tool
from app.hub import scope_choice
from app.vault.models import Connection


@dataclass(frozen=True)
class ToolCounts:
    """Tools by what they do; `on` are those that AI clients can use now."""

    reads: int
    changes: int
    on: int
    to_review: int = 0  # those that nobody can use yet

    @property
    def words(self) -> str:
        """The tools in a line: "14 tools: 9 read, 5 change"."""
        total = self.reads + self.changes
        if total:
            return f"{_counted(total)}: {self.reads} read, {self.changes} change"
        if self.to_review:
            return f"{_counted(self.to_review)} {'waits' if self.to_review == 1 else 'wait'} for review"
        return "No tools yet"

    @property
    def on_words(self) -> str:
        """How many are on, unless all are: "9 on"; "" for all."""
        if self.on == self.reads + self.changes:
            return ""
        return f"{self.on} on" if self.on else "all off"


def _counted(count: int) -> str:
    return f"{count} {'tool' if count == 1 else 'tools'}"


def of_service(connector: Connector) -> ToolCounts:
    """The tools of a service that is not connected: all count as on."""
    reads = len(titles(connector, reads_only=True))
    return ToolCounts(reads, len(connector.tools) - reads, len(connector.tools), connector.to_review)


def of_connection(connector: Connector, connection: Connection) -> ToolCounts:
    """The same for a connection, by its level, its hidden tools and what the service granted."""
    counts = of_service(connector)
    granted = frozenset(connection.scopes.split())
    on = sum(_is_on(connector, tool, connection, granted) for tool in connector.tools)
    return replace(counts, on=on)


def titles(connector: Connector, *, reads_only: bool) -> Sequence[str]:
    """The titles of its tools that only read, or of those that change something."""
    return tuple(tool.title for tool in connector.tools if tool.reads_only == reads_only)


def _is_on(connector: Connector, tool: Tool, connection: Connection, granted: frozenset[str]) -> bool:
    """The rule of `mcp_server/account_choice.py`, which explains a refusal to AI clients."""
    if connection.permission == "off":
        return False
    if not tool.reads_only and connection.permission not in scope_choice.WRITING_LEVELS:
        return False
    if not {tool.verb, tool.name_in(connector.slug)}.isdisjoint(connection.hidden_tools):
        return False
    return not granted or not tool.needs_scopes or not granted.isdisjoint(tool.needs_scopes)
