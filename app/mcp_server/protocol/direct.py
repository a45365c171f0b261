"""Handlers whose results are JSON already.

The SDK validates, copies and serializes what a handler returns, because it cannot know what that is. The
results of our own typed code need neither: they go into the response as they are. Everything else stays the
SDK's: how parameters are read, sealed states, questions, errors, the other methods.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from mcp.server.context import ServerRequestContext

from app.mcp_server.protocol.exchange import Exchange


class DirectResult(ABC):
    """A complete result."""

    @abstractmethod
    def as_json(self, meta: bytes | None) -> bytes | None:
        """The result as the SDK would send it; None if that is for the SDK to say.

        `meta` is the JSON of `_meta`; None for a handshake revision, whose results have neither that nor a
        `resultType`.
        """

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """The result for the SDK, which shapes it for the revision."""


class DirectHandler:
    """A handler of an SDK server that `Runner` calls itself, with the SDK's parameters but not its context.

    The SDK's server calls it for a request with a sealed state, and to shape what is no `DirectResult` or has
    no JSON.
    """

    def __init__(self, handle: Callable[[Exchange, Any], Any]) -> None:
        self.handle = handle

    async def __call__(self, ctx: ServerRequestContext[Any, Exchange], params: Any) -> Any:
        """The handler as the SDK calls it."""
        exchange = ctx.request
        if exchange is None:
            raise RuntimeError("a request reached a handler without its exchange")
        result = self.handle(exchange, params) if exchange.result is None else exchange.result
        return result.as_dict() if isinstance(result, DirectResult) else result
