"""A yardstick: FastMCP's proxy in front of a server. `python fastmcp_proxy.py PORT UPSTREAM_PORT`."""

import sys

from fastmcp.server import create_proxy

proxy = create_proxy(f"http://127.0.0.1:{sys.argv[2]}/mcp", name="proxy")
proxy.run(
    transport="http",
    host="127.0.0.1",
    port=int(sys.argv[1]),
    log_level="error",
    show_banner=False,
    stateless_http=True,
    json_response=True,
)
