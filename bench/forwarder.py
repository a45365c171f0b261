"""A yardstick: a bare Flask route that forwards a request with the HTTP client that the product uses."""

import os

from flask import Flask, Response, request

from app import outbound
from app.outbound import guarded_http

app = Flask("forwarder")
_URL = os.environ.get("FORWARD_TO", "")
_SENT = ("Content-Type", "Accept", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name")
guarded_http.allow_private(["127.0.0.1"])


@app.post("/mcp")
def forward() -> Response:
    """Send on what came, and answer what comes back."""
    headers = {name: request.headers[name] for name in _SENT if name in request.headers}
    answer = outbound.send(
        "POST", _URL, body=request.get_data(), headers=headers, guarded=True, may_be_private=True
    )
    return Response(answer.content, answer.status, content_type=answer.headers.get("Content-Type"))
