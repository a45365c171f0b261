"""What connecting, testing and judging a connection ask an MCP server: who it is, and what it lists.

A server names no account, so a connection is told from others by the person's own label. Only where nobody
signs in every connection is the same one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app import database, workspace_versions
from app.connectors import mcp
from app.connectors.api import Api
from app.connectors.connector import LACKS, Connector
from app.connectors.spec import Account
from app.errors import NotConnected
from app.federation import changes, pins, self_description, tool_lists
from app.federation.models import McpServer
from app.federation.refreshing import REFRESHER
from app.mcp_client import ServerFacts


def identify(server_id: str) -> Callable[[Api, Mapping[str, Any]], Account]:
    """The server's `Connector.identify`. The account's facts name the tools that its authorization lacks."""

    def ask(api: Api, raw: Mapping[str, Any]) -> Account:
        client = mcp.client_of(api)
        is_stored = "connection" in api.about
        try:
            facts = client.connect()
            listed = client.list_tools()
        finally:
            if not is_stored:  # nobody else knows this session
                client.end()
        findings = pins.judge_of(server_id, listed.tools)
        with database.transaction() as db:
            server = changes.lock_server(db, server_id)
            if server is None or server.removed_at is not None:
                raise NotConnected(f"{api.service.name} was removed from this workspace.")
            if _describe(server, facts):
                changes.touch(db, server.workspace_id)
            row = None
            if is_stored:
                row = tool_lists.locked(db, server.workspace_id, api.about["connection"])
            if row is not None:
                tool_lists.put(db, server, row, listed, findings)
            else:
                tool_lists.take(db, server, listed, findings, connection_id="")
            tools = tool_lists.tools_listed(db, server.id)
            workspace_id, version = server.workspace_id, tool_lists.version_of(db, server.workspace_id)
        workspace_versions.note(workspace_id, version)  # for the rest of this request
        return Account(
            key=server.id if server.access == "none" else "",
            name=server.name,
            facts={LACKS: tool_lists.lacking(tools, {str(tool.get("name")) for tool in listed.tools})},
        )

    return ask


def identify_built_in(server_id: str, base: Connector, api: Api, raw: Mapping[str, Any]) -> Account:
    """`Connector.identify` of a built-in service with more tools: testing a connection reads those again."""
    account = base.identify(api, raw)
    if "connection" in api.about:
        REFRESHER.read_again(server_id, api)
    return account


def _describe(server: McpServer, facts: ServerFacts) -> bool:
    """Store what the server says of itself. Returns whether that has changed."""
    before = (server.revision, server.info)
    server.revision = facts.revision
    server.info = self_description.of(facts)
    return before != (server.revision, server.info)
