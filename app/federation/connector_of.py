"""An MCP server's rows as a `Connector`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from app.connectors.api_rules import bearer
from app.connectors.connector import Connector
from app.connectors.credential_forms import Field, Form, no_credentials, pasted_key
from app.connectors.spec import NO_CONSENT_PAGE
from app.federation import calling, contents, identity, own_client
from app.federation.definitions import may_only_read
from app.federation.models import McpServer, McpServerTool
from app.federation.oauth_facts import binding_of, oauth2_of, own_client_of
from app.federation.pinned_rows import APPROVED, OFF
from app.federation.remote_tool import RemoteTool

PAGES = "/integrations/servers"  # one page per server, by slug


def build(server: McpServer, tools: Sequence[McpServerTool]) -> Connector:
    """The server as the rest of the product sees it. A removed one has no tools."""
    known = tools if server.removed_at is None else ()
    has_consent_page = server.access == "oauth" and bool(server.oauth)
    waiting = sum(1 for tool in known if _waits(tool))
    return Connector(
        slug=server.slug,
        name=server.name,
        summary=f"MCP server at {urlsplit(server.url).hostname}",
        base_url=server.url,
        workspace_id=server.workspace_id,
        may_be_private=True,
        bound_to=binding_of(server),
        auth=oauth2_of(server) if has_consent_page else NO_CONSENT_PAGE,
        own_client=own_client_of(server) if has_consent_page else None,
        prepare_client=own_client.prepare_of(server) if has_consent_page else None,
        forms=_forms_of(server),
        authorization=_authorization_of(server),
        identify=identity.identify(server.id),
        on_connected=contents.read_now,
        around_call=partial(calling.around_call, server.id),
        look_again=partial(calling.look_again, server.id),
        tools=tuple(_live(tool) for tool in known if _is_live(tool)),
        withheld=tuple(_withheld(server, tool) for tool in known if not _is_live(tool)),
        asks_while_running=server.revision in HANDSHAKE_PROTOCOL_VERSIONS,
        manage_path=f"{PAGES}/{server.slug}",
        notice=_notice(server, waiting),
        to_review=waiting,
        is_offered=server.removed_at is None,
    )


def _notice(server: McpServer, waiting: int) -> str:
    """What waits on the server's page: tools to review, or the reason why its list is stale."""
    if waiting:
        return f"{waiting} {'tool' if waiting == 1 else 'tools'} to review"
    return "Not answering" if server.problem and server.removed_at is None else ""


def _forms_of(server: McpServer) -> tuple[Form, ...]:
    """None for a server with a consent page."""
    if server.access == "key":
        sent_as = f"the header {server.key_header}" if server.key_header else "a bearer token"
        return (pasted_key(Field("api_key", "API key", help=f"Sent as {sent_as}.")),)
    return (no_credentials(),) if server.access == "none" else ()


def _authorization_of(server: McpServer) -> Callable[[str], Mapping[str, str]]:
    """The headers that carry the token; none where anybody may use the server."""
    if server.access == "none":
        return lambda token: {}
    if server.access == "key" and (header := server.key_header):
        return lambda token: {header: token}
    return bearer


def _is_live(tool: McpServerTool) -> bool:
    return tool.state == APPROVED and tool.listed and tool.definition is not None


def _waits(tool: McpServerTool) -> bool:
    return tool.state not in {APPROVED, OFF} and tool.listed


def _live(tool: McpServerTool) -> RemoteTool:
    definition = tool.definition or {}
    return RemoteTool(tool.verb, definition, tool.digest, tool.reads_only and may_only_read(definition))


def _withheld(server: McpServer, tool: McpServerTool) -> RemoteTool:
    """A tool that answers why it cannot be called."""
    return RemoteTool(
        tool.verb,
        tool.definition or {"name": tool.verb},
        tool.digest,
        reads_only=tool.reads_only,
        unavailable=_why_not(server, tool),
    )


def _why_not(server: McpServer, tool: McpServerTool) -> str:
    """The sentence of a tool that cannot be called."""
    if tool.state == OFF:
        return f"An owner or admin turned this {server.name} tool off for everyone."
    if not tool.listed:
        return f"{server.name} no longer offers this tool."
    if tool.definition is not None:
        return (
            f"{server.name} changed this tool, so it can't be used until an owner or admin allows the change."
        )
    return f"{server.name} offers this tool, but no owner or admin has allowed it yet."
