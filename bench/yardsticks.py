"""What we measure against: a bare Flask JSON route, and the official SDK's own server without any auth.

Their answers are as long as ours: BENCH_ANSWER_BYTES is the length of the route's body, BENCH_TEXT_BYTES that
of the text which the SDK's tool returns.
"""

import os
import socket
import sys

from flask import Flask, jsonify, request

bare = Flask("bare")
_text = ""


@bare.post("/json")
def answer():
    """Read JSON, answer JSON: the least a Flask application can do."""
    return jsonify(id=request.get_json()["id"], result={"content": [{"type": "text", "text": _text}]})


_empty = len(bare.test_client().post("/json", json={"id": 1}).data)
_text = "x" * (int(os.environ.get("BENCH_ANSWER_BYTES", "0")) - _empty)


def serve_sdk(port: int, workers: int) -> None:
    """The SDK's streamable HTTP server under uvicorn, stateless and answering JSON."""
    import uvicorn

    # A socket opened with the protocol named has TCP_NODELAY set by uvicorn; otherwise its medians are 44 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config("bench.yardsticks:sdk_app", factory=True, workers=workers, log_level="error")
    if workers == 1:
        uvicorn.Server(config).run([listener])
        return
    from uvicorn.supervisors import Multiprocess

    Multiprocess(config, sockets=[listener]).run()


def sdk_app():
    """The ASGI application: one tool that answers at once."""
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("yardstick", log_level="ERROR")
    status = "x" * int(os.environ.get("BENCH_TEXT_BYTES", "0"))

    @server.tool()
    def ping() -> dict[str, str]:
        """Answer."""
        return {"status": status}

    return server.streamable_http_app(stateless_http=True, json_response=True)


if __name__ == "__main__":
    serve_sdk(int(sys.argv[1]), int(sys.argv[2]))
