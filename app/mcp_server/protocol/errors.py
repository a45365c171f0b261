"""A request refused at the HTTP layer: a status, headers, and the JSON-RPC error that goes with them."""

from collections.abc import Mapping
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import RequestId

# Ours, in the band the protocol leaves to implementations (-32000 to -32019).
NOT_ALLOWED = -32003
RATE_LIMITED = -32005
UNAVAILABLE = -32006


class Refusal(MCPError):
    """Raise it before or inside a handler: the answer carries `status` and `headers`, unless a stream has
    begun.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        data: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        request_id: RequestId | None = None,
    ) -> None:
        super().__init__(code, message, data)
        self.status = status
        self.headers = dict(headers or {})
        self.request_id = request_id
