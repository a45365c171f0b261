"""Stand-ins for the model APIs, so that agents run without an account anywhere: the model asks for one tool,
then says what it was told.

OpenAI's Responses API calls MCP servers from OpenAI's side; this one does the same.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from tests.support.waiting import AT_MOST_SECONDS

TOOL = "hub_list_connections"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(_gemini(body) if "generateContent" in self.path else _openai(body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None: ...


@contextlib.contextmanager
def run() -> Iterator[str]:
    """The address of a model server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _openai(body: dict[str, Any]) -> dict[str, Any]:
    items = body["input"] if isinstance(body["input"], list) else []
    results = [each["output"] for each in items if each.get("type") == "function_call_output"]
    remote = [tool for tool in body["tools"] if tool["type"] == "mcp"]
    if remote:
        output = _message(_call_from_outside(remote[0]))
    elif results:
        output = _message(json.dumps(results[0]))
    else:
        assert TOOL in {tool["name"] for tool in body["tools"]}, body["tools"]
        output = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": TOOL,
            "arguments": "{}",
            "status": "completed",
        }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body["model"],
        "output": [output],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "usage": {
            "input_tokens": 1,
            "output_tokens": 1,
            "total_tokens": 2,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def _message(text: str) -> dict[str, Any]:
    content = {"type": "output_text", "text": text, "annotations": []}
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }


def _call_from_outside(tool: dict[str, Any]) -> str:
    """What OpenAI's servers do with an entry of type mcp: they go to the address with the headers."""
    headers = {**tool["headers"], "Accept": "application/json, text/event-stream"}
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "openai-mcp", "version": "1"},
    }
    begun = requests.post(
        tool["server_url"], json=_rpc("initialize", hello), headers=headers, timeout=AT_MOST_SECONDS
    )
    session = {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-06-18"}
    called = requests.post(
        tool["server_url"],
        json=_rpc("tools/call", {"name": TOOL, "arguments": {}}),
        headers={**headers, **session},
        timeout=AT_MOST_SECONDS,
    )
    line = next((line for line in called.text.splitlines() if line.startswith("data: {")), called.text)
    return json.dumps(json.loads(line.removeprefix("data: "))["result"]["structuredContent"])


def _rpc(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _gemini(body: dict[str, Any]) -> dict[str, Any]:
    parts = [part for content in body["contents"] for part in content["parts"]]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    if results:
        part: dict[str, Any] = {"text": json.dumps(results[0]["response"])}
    else:
        assert TOOL in json.dumps(body["tools"]), body["tools"]
        part = {"functionCall": {"name": TOOL, "args": {}}}
    content = {"role": "model", "parts": [part]}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "usageMetadata": usage}
