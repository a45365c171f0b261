"""An MCP server's rows as a `Connector`."""

from collections.abc import Sequence

from app.connectors.connector import Connector
from app.connectors.spec import NO_CONSENT_PAGE, Account
from app.federation.models import McpServer, McpServerTool


def build(server: McpServer, tools: Sequence[McpServerTool]) -> Connector:
    """The server as the rest of the product sees it."""
    return Connector(
        slug=server.slug,
        name=server.name,
        summary="",
        base_url=server.url,
        workspace_id=server.workspace_id,
        may_be_private=True,
        auth=NO_CONSENT_PAGE,
        identify=lambda api, raw: Account(key=server.url, name=server.name),
        tools=(),
        is_offered=server.removed_at is None,
    )
