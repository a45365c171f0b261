"""What the tools of an imitated MCP server work with: records and the caller. They run outside of Flask."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.sandbox.current import Here
from app.sandbox.rules import Access
from app.sandbox.service import ImitatedService
from app.sandbox.state import State

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

SCOPE_KEY = "sandbox.access"  # the member of the ASGI scope that says whose token came with the request


class McpDesk:
    """One service, for code in the event loop's thread."""

    def __init__(self, state: State, service: ImitatedService) -> None:
        self._state = state
        self._service = service

    @contextmanager
    def open(self) -> Iterator[Here]:
        """The service under the sandbox's lock. Wait for nothing inside: everybody else waits meanwhile."""
        with self._state.lock:
            try:
                yield Here(self._state, self._service)
            finally:
                self._state.store.commit()


def caller(context: "ServerRequestContext[Any, Any]") -> Access:
    """Whose token came with the request that a tool, resource or prompt answers."""
    if context.request is None:
        raise LookupError("The message came without an HTTP request.")
    access: Access = context.request.scope[SCOPE_KEY]
    return access
