"""A request refused at the HTTP layer: a status, headers and a JSON-RPC error."""

from collections.abc import Mapping
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import RequestId

# Our own, in the range the protocol reserves for implementations (-32000 to -32019).
NOT_ALLOWED = -32003
RATE_LIMITED = -32005
UNAVAILABLE = -32006


class Refusal(MCPError):
    """Raised before or in a handler: the response has its `status` and `headers`, unless streaming."""

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
