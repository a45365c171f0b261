"""FlowPOS' MCP endpoint: its address, and the requests we send there."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.flowpos import results
from app.connectors.flowpos.values import unreadable
from app.connectors.mcp import client_of
from app.mcp_client import McpClient
from app.mcp_client.errors import NotMcp


def client(api: Api, purpose: str = "", prepare: Callable[[McpClient], None] | None = None) -> McpClient:
    """The client of the endpoint."""
    return client_of(api, purpose, prepare=prepare)


def list_tools(session: McpClient) -> list[dict[str, Any]]:
    """The definitions of the tools that FlowPOS lists now."""
    with _understood():
        return session.list_tools().tools


def call_tool(
    session: McpClient,
    name: str,
    arguments: Mapping[str, Any],
    *,
    wrote: bool = False,
    may_be_words: bool = False,
) -> Any:
    """What the tool of that name answers (`results.read`). Raises a ToolError."""
    with _understood():
        result = session.call_tool(name, arguments, safe=not wrote)
    return results.read(result, wrote=wrote, may_be_words=may_be_words)


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """A page in place of an answer is an outage: nobody typed this address."""
    try:
        yield
    except NotMcp:
        raise unreadable() from None
