"""The prompt, in the chat, to connect a service that is not connected or whose access has ended.

Depending on the client: an elicitation with a URL (2026-07-28), the error that carries one (2025-11-25), else
a result whose text has the link. The link works once, for the same person, signed in.
"""

import json

from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import is_version_at_least

from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.endpoints import resolve
from app.connectors.rows import plain
from app.crypto import digest
from app.database import transaction
from app.errors import NotConnected, ReconnectNeeded, ToolError
from app.mcp_server.account_choice import BrokenConnection
from app.mcp_server.calls.accounting import ClientInvocation
from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.tools.spec import ListedTool
from app.oauth_server.callers import AuthenticatedCaller
from app.vault import links
from app.vault.models import Connection

_QUESTION = "connect"
_FIRST_WITH_URLS = "2025-11-25"


class UserInputRequired(Exception):
    """The result of this call is a question to the person, for clients of the modern revision."""

    def __init__(self, result: InputRequiredResult) -> None:
        self.result = result
        super().__init__("The person was asked to connect.")


def make_link(
    settings: Settings,
    caller: AuthenticatedCaller,
    connector: Connector,
    connection: Connection | None,
    wants: str,
) -> str:
    """The URL of a new one-time link for this person."""
    with transaction() as db:
        link_id = links.create(
            db,
            workspace_id=caller.workspace_id,
            user_id=caller.user_id,
            slug=connector.slug,
            connection_id=connection.id if connection else None,
            wants=wants,
            client_name=caller.client_name,
            grant_id=caller.grant_id,
        )
    return f"{settings.public_url}/integrations/connect/{link_id}"


def recover(
    settings: Settings,
    invocation: ClientInvocation,
    listed: ListedTool,
    connector: Connector,
    error: ToolError,
    connection: Connection | None,
) -> ToolError:
    """The error with a prompt to connect or reconnect in its message.

    Raises what asks the person instead, if the client supports it; the call is then recorded here.
    """
    if resolve(connector, settings) is None:
        return NotConnected(
            f"{connector.name} is not configured in this installation. Ask your administrator."
        )
    if invocation.caller.is_operator_key:  # a link works for members only
        error.message = (
            f"{error.message} A member of {plain(invocation.caller.workspace_name)} can "
            f"connect it at {settings.public_url}/integrations."
        )
        return error
    invocation.admit()
    target = (
        error.connection
        if isinstance(error, BrokenConnection)
        else connection
        if isinstance(error, ReconnectNeeded)
        else None
    )
    wants = "read" if listed.tool.reads_only else "ask" if target and target.permission == "ask" else "write"
    try:
        return offer(
            settings,
            invocation.exchange,
            invocation.params,
            invocation.caller,
            connector,
            error,
            connection=target,
            wants=wants,
        )
    except (UrlElicitationRequiredError, UserInputRequired):
        invocation.settle(error.code)
        raise


def offer(
    settings: Settings,
    exchange: Exchange,
    params: CallToolRequestParams,
    caller: AuthenticatedCaller,
    connector: Connector,
    error: ToolError,
    *,
    connection: Connection | None,
    wants: str,
) -> ToolError:
    """The error with the link in its message, for clients without URL elicitation.

    Raises UserInputRequired or UrlElicitationRequiredError for clients with it. A person who was asked before
    and returned without connecting gets the same link in the message: the question is sent once.
    """
    earlier = _earlier_url(params)
    url = earlier or make_link(settings, caller, connector, connection, wants)
    verb = "reconnect" if connection else "connect"
    sentence = f"{error.message} Open this link to {verb} {connector.name}, signed in as {caller.email}."
    if earlier is None and can_show_urls(exchange):
        if exchange.is_modern:
            question = ElicitRequest(params=ElicitRequestURLParams(message=sentence, url=url))
            raise UserInputRequired(
                InputRequiredResult(
                    input_requests={_QUESTION: question}, request_state=json.dumps({"url": url})
                )
            )
        if is_version_at_least(exchange.version, _FIRST_WITH_URLS):
            elicitation = ElicitRequestURLParams(message=sentence, url=url, elicitation_id=digest(url)[:32])
            raise UrlElicitationRequiredError([elicitation], sentence)
    if earlier is not None and _declined(params):
        error.message = f"{error.message} The person chose not to {verb} it now."
        error.details = {**error.details, "service": connector.slug}
    else:
        error.message = f"{sentence[:-1]}: {url} . Afterwards call {params.name} again."
        error.details = {**error.details, "service": connector.slug, "connect_url": url}
    return error


def _earlier_url(params: CallToolRequestParams) -> str | None:
    """The link of an earlier round of this call. The state is sealed, so it comes back unaltered."""
    if params.request_state is None:
        return None
    url: str | None = json.loads(params.request_state).get("url")
    return url


def _declined(params: CallToolRequestParams) -> bool:
    answer = (params.input_responses or {}).get(_QUESTION)
    return isinstance(answer, ElicitResult) and answer.action != "accept"


def can_show_urls(exchange: Exchange) -> bool:
    """Whether the client opens pages for the person when asked."""
    capabilities = exchange.client_capabilities
    return (
        capabilities is not None
        and capabilities.elicitation is not None
        and capabilities.elicitation.url is not None
    )
