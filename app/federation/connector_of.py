"""An MCP server's rows as a `Connector`: a service of its own, or a built-in one with more tools."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from app.connectors.api import Api
from app.connectors.api_rules import bearer
from app.connectors.connector import Connector
from app.connectors.credential_forms import Field, Form, no_credentials, pasted_key
from app.connectors.spec import NO_CONSENT_PAGE
from app.connectors.tool import Tool
from app.federation import built_in, calling, identity, own_client, server_account
from app.federation.definitions import may_only_read
from app.federation.models import McpServer, McpServerTool
from app.federation.oauth_facts import OAuthFacts, binding_of, oauth2_of, own_client_of
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


def extend(server: McpServer, tools: Sequence[McpServerTool]) -> Connector | None:
    """The built-in service with the tools that were allowed, without those that it has itself by now.

    None if this release has no such service, or no more tools of it.
    """
    base = built_in.connector_behind(server)
    if base is None:
        return None
    own = {tool.verb for tool in base.tools}
    known = [tool for tool in tools if tool.verb not in own]
    waiting = sum(1 for tool in tools if _waits(tool))

    def around_call(api: Api, tool: Tool) -> AbstractContextManager[None]:
        if isinstance(tool, RemoteTool):
            return calling.around_call(server.id, api, tool)
        return base.around_call(api, tool)

    return replace(
        base,
        extends=base,
        tools=(*base.tools, *(_live(tool, base) for tool in known if _is_live(tool))),
        withheld=tuple(_withheld(server, tool, base) for tool in known if not _is_live(tool)),
        identify=partial(identity.identify_built_in, server.id, base),
        around_call=around_call,
        look_again=partial(calling.look_again, server.id),
        manage_path=f"{PAGES}/{server.slug}" if tools else "",
        manage_label="More tools",
        notice=_to_review(waiting),
        to_review=waiting,
    )


def _notice(server: McpServer, waiting: int) -> str:
    """What waits on the server's page: tools to review, or the reason why its list is stale."""
    if waiting:
        return _to_review(waiting)
    return "Not answering" if server.problem and server.removed_at is None else ""


def _to_review(waiting: int) -> str:
    return f"{waiting} {'tool' if waiting == 1 else 'tools'} to review" if waiting else ""


def _forms_of(server: McpServer) -> tuple[Form, ...]:
    """None for a server with a consent page."""
    if server.access == "key":
        sent_as = f"the header {server.key_header}" if server.key_header else "a bearer token"
        return (pasted_key(Field("api_key", "API key", help=f"Sent as {sent_as}.")),)
    if server.access == "client":
        return server_account.forms_of(OAuthFacts.of_json(server.oauth))
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


def _live(tool: McpServerTool, base: Connector | None = None) -> RemoteTool:
    """A tool that can be called. `base` is the built-in service that it is one more tool of."""
    definition = tool.definition or {}
    return _remote(tool, definition, tool.reads_only and may_only_read(definition), "", base)


def _withheld(server: McpServer, tool: McpServerTool, base: Connector | None = None) -> RemoteTool:
    """A tool that answers why it cannot be called."""
    definition = tool.definition or {"name": tool.verb}
    return _remote(tool, definition, tool.reads_only, _why_not(server, tool), base)


def _remote(
    tool: McpServerTool,
    definition: Mapping[str, Any],
    reads_only: bool,
    unavailable: str,
    base: Connector | None,
) -> RemoteTool:
    return RemoteTool(
        tool.verb,
        definition,
        tool.digest,
        reads_only=reads_only,
        unavailable=unavailable,
        one_business=base is not None and base.business is not None,
        more=base.more_tools if base is not None else None,
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
