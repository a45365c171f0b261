"""The tools of a built-in service that its connector does not have, but its MCP server lists."""

from collections.abc import Callable
from dataclasses import dataclass

from app.connectors.api import Api
from app.mcp_client import McpClient


def _business_of_call(api: Api) -> str | None:
    return api.business.id if api.business is not None else None


@dataclass(frozen=True)
class MoreTools:
    """That a workspace may have further tools of a service, as its MCP server lists them.

    They are reviewed like those of a server added by URL (`app/federation`). What the connector stands for
    itself, or keeps from AI clients, is `known` by the server's names for it.
    """

    known: frozenset[str]
    client_of: Callable[[Api], McpClient]  # the client of a call, in a session that is in the call's business
    # What its tools may call the argument that names the business: it is filled in, so nobody else gives it.
    business_arguments: frozenset[str] = frozenset()
    business_id: Callable[[Api], str | None] = _business_of_call  # None: nothing is filled in
