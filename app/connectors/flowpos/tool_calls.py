"""Calls FlowPOS' tools, each in the business of the call.

FlowPOS keeps the active business with the MCP session, and may lose it while the session goes on. So every
business has a session of its own, and each call of ours chooses the business again before its first request,
and in every session that replaces a lost one: neither another AI client nor a forgotten choice can put it
into the wrong business.
"""

from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.flowpos import endpoint, listed_tools
from app.connectors.flowpos.listed_tools import SET_ACTIVE_BUSINESS
from app.errors import PermissionDenied, ProviderError, ReconnectNeeded
from app.mcp_client import McpClient

WHOLE_TOKEN = "token"  # the id of the one business of a token whose businesses FlowPOS does not name
BUSINESSES = "businesses"  # the fact that holds id and name of each
BUSINESS_ARGUMENT = "businessId"


def call(
    api: Api,
    name: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    wrote: bool = False,
    may_be_words: bool = False,
) -> Any:
    """What the tool answers in the call's business (`endpoint.call_tool`). Raises a ToolError."""
    business = _business_id(api)
    tool = listed_tools.find(api, name)
    given = dict(arguments or {})
    if tool.takes_argument(BUSINESS_ARGUMENT) and business != WHOLE_TOKEN:
        given[BUSINESS_ARGUMENT] = business
    sent = tool.fill_in(given)
    session = _session(api, business)
    return endpoint.call_tool(session, name, sent, wrote=wrote, may_be_words=may_be_words)


def client_of(api: Api) -> McpClient:
    """The client of a call, in the session of its business. Raises a ToolError."""
    return _session(api, _business_id(api))


def named_business(api: Api) -> str | None:
    """The id of the call's business at FlowPOS. None where FlowPOS names none."""
    business = _business_id(api)
    return None if business == WHOLE_TOKEN else business


def _session(api: Api, business: str) -> McpClient:
    """The session of the business, with it as the active one."""
    choice = listed_tools.of_connection(api).get(SET_ACTIVE_BUSINESS)
    if choice is None or business == WHOLE_TOKEN:
        _check_only(api, business)
        return endpoint.client(api)
    if business not in api.memo:
        chosen = choice.fill_in({BUSINESS_ARGUMENT: business})

        def choose(session: McpClient) -> None:
            answer = endpoint.call_tool(session, SET_ACTIVE_BUSINESS, chosen, may_be_words=True)
            _check_chosen(answer, business)

        api.memo[business] = endpoint.client(api, business, choose)
    session: McpClient = api.memo[business]
    return session


def _check_chosen(answer: Any, business: str) -> None:
    """Raises ProviderError if FlowPOS names another business as the active one."""
    active = answer.get("activeBusinessId") if isinstance(answer, Mapping) else None
    if isinstance(active, str) and active not in {"", business}:
        raise ProviderError(
            "FlowPOS switched to a different business than this call is for, so the call was not sent. "
            "Please try again."
        )


def _check_only(api: Api, business: str) -> None:
    """Raises PermissionDenied unless it is the only business, as FlowPOS offers no choice."""
    known = [each["id"] for each in api.facts.get(BUSINESSES, ())] or list(api.reach or ())
    if known not in ([], [business]):
        raise PermissionDenied(
            "FlowPOS lets this connection choose among businesses no more. Test it on the Integrations page "
            "to see which one is left, or reconnect FlowPOS."
        )


def _business_id(api: Api) -> str:
    if api.business is None:
        raise ReconnectNeeded("This FlowPOS connection no longer reaches a business. Reconnect FlowPOS.")
    return api.business.id
