"""The MCP endpoint's protocol layer: the official SDK's server, run in the request's own thread.

Imports nothing of the product, so the official conformance suite runs on the very same adapter
(tests/mcp_server/conformance_app.py). Start reading in `adapter.py`, the HTTP side. `request_checks.py`
rejects requests that are not MCP, `revisions.py` tells the protocol revisions apart, `exchange.py` is the
request being handled, `event_stream.py` its response stream, and `client_replies.py` delivers a client's
reply to the worker that waits for it.
"""
