"""An MCP server of 2025-11-25 without sign-in that answers whatever a test wants, as no SDK would."""

import json
from typing import Any

from tests.support.scripted_http import ScriptedServer, Sent, Written

CALM = {"name": "look_up", "description": "Look something up.", "inputSchema": {"type": "object"}}


class EvilServer:
    """`results` are by JSON-RPC method, or what makes one of the message. A text stands for itself: JSON that
    Python would not write.
    """

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.url = f"{server.url}/mcp"
        self.results: dict[str, Any] = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
                "serverInfo": {"name": "Harbour", "version": "1"},
            },
            "tools/list": {"tools": [CALM]},
            "tools/call": {"content": [{"type": "text", "text": "found"}]},
        }
        self.errors: dict[str, tuple[int, Any]] = {}  # status and JSON-RPC error by method
        server.script = {("POST", "/mcp"): self._answer}

    def _answer(self, sent: Sent) -> Written:
        body = json.loads(sent.body)
        if "id" not in body:
            return Written(202)
        method, envelope = body["method"], {"jsonrpc": "2.0", "id": body["id"]}
        if method in self.errors:
            status, error = self.errors[method]
            return Written(status, {**envelope, "error": error})
        if method not in self.results:
            return Written(200, {**envelope, "error": {"code": -32601, "message": "Method not found"}})
        result = self.results[method]
        if callable(result):
            result = result(body)
        written = result if isinstance(result, str) else json.dumps(result)
        return Written(200, f'{json.dumps(envelope)[:-1]}, "result": {written}}}'.encode())
