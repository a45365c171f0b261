"""How an imitated service declares an MCP server: made with the official SDK, behind the service's grants."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from app.sandbox.rules import Access

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.server.mcpserver import MCPServer


@dataclass(frozen=True)
class McpEndpoint:
    """An MCP server under `/<slug><path>`, which speaks both revisions of the protocol.

    `admit(here, request)` gets each request before the SDK, and returns whose token it is or a refusal.
    `build(desk)` makes the SDK's server at the first admitted request, with the `McpDesk` of the service, so
    that a sandbox that needs none starts without the SDK.
    """

    path: str
    admit: Callable[[Any, Request], Access | Response]
    build: Callable[[Any], "MCPServer[Any] | Server[Any]"]


def json_response(status: int, body: Any, **headers: str) -> Response:
    """A JSON response made without Flask. Header names are written with `_`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(body), status, named, mimetype="application/json")


def read_call(body: bytes) -> tuple[str, str]:
    """The method of a JSON-RPC request and the name or URI it is about; empty where there is none."""
    try:
        message = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(message, dict):
        return "", ""
    params = message.get("params")
    subject = (params.get("name") or params.get("uri") or "") if isinstance(params, dict) else ""
    return str(message.get("method", "")), str(subject)
