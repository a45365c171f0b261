"""A way back in the chat for a service that is not connected, or whose sign-in has ended.

By what the client can do: a question with a URL (2026-07-28), the error that carries one (2025-11-25),
else a result whose text holds the link. The link works once, for the same person, signed in.
"""

import json
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS, is_version_at_least

from app.config import Settings
from app.connectors.connector import Connector
from app.crypto import digest
from app.database import transaction
from app.errors import ToolError
from app.mcp_server.protocol.exchange import Exchange
from app.oauth_server.callers import Caller
from app.vault import links
from app.vault.models import Connection

_QUESTION = "connect"
_FIRST_WITH_URLS = "2025-11-25"


class Asked(Exception):
    """The answer to this call is a question to the person, in the modern way."""

    def __init__(self, result: InputRequiredResult) -> None:
        self.result = result
        super().__init__("the person is asked to connect")


def make_link(
    settings: Settings, caller: Caller, connector: Connector, connection: Connection | None, wants: str
) -> str:
    """The address of a new one-time link for this person."""
    with transaction() as db:
        link_id = links.create(
            db,
            workspace_id=caller.workspace_id,
            user_id=caller.user_id,
            slug=connector.slug,
            connection_id=connection.id if connection else None,
            wants=wants,
            client_name=caller.client_name,
        )
    return f"{settings.public_url}/integrations/connect/{link_id}"


def offer(
    settings: Settings,
    ctx: ServerRequestContext[Any, Exchange],
    params: CallToolRequestParams,
    caller: Caller,
    connector: Connector,
    error: ToolError,
    *,
    connection: Connection | None,
    wants: str,
) -> ToolError:
    """The error with the link in its words, for clients that can do no better.

    Raises Asked or UrlElicitationRequiredError for those that can. A person who was asked already and came
    back without connecting gets the same link in words: the question is put once.
    """
    asked = _asked_before(params)
    url = asked or make_link(settings, caller, connector, connection, wants)
    verb = "reconnect" if connection else "connect"
    sentence = f"{error.message} Open this link to {verb} {connector.name}, signed in as {caller.email}."
    if asked is None and _can_show_urls(ctx):
        if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            question = ElicitRequest(params=ElicitRequestURLParams(message=sentence, url=url))
            raise Asked(
                InputRequiredResult(
                    input_requests={_QUESTION: question}, request_state=json.dumps({"url": url})
                )
            )
        if is_version_at_least(ctx.protocol_version, _FIRST_WITH_URLS):
            elicitation = ElicitRequestURLParams(message=sentence, url=url, elicitation_id=digest(url)[:32])
            raise UrlElicitationRequiredError([elicitation], sentence)
    if asked is not None and _declined(params):
        error.message = f"{error.message} The person chose not to {verb} now."
        error.details = {**error.details, "service": connector.slug}
    else:
        error.message = f"{sentence[:-1]}: {url} . Afterwards call {params.name} again."
        error.details = {**error.details, "service": connector.slug, "connect_url": url}
    return error


def _asked_before(params: CallToolRequestParams) -> str | None:
    """The link of an earlier round of this call. The state was sealed by us and came back unchanged."""
    if params.request_state is None:
        return None
    url: str | None = json.loads(params.request_state).get("url")
    return url


def _declined(params: CallToolRequestParams) -> bool:
    answer = (params.input_responses or {}).get(_QUESTION)
    return isinstance(answer, ElicitResult) and answer.action != "accept"


def _can_show_urls(ctx: ServerRequestContext[Any, Exchange]) -> bool:
    capabilities = ctx.session.client_capabilities
    return (
        capabilities is not None
        and capabilities.elicitation is not None
        and capabilities.elicitation.url is not None
    )
