"""The MCP endpoint's protocol layer: the official SDK's server driven from the request's own thread.

Imports nothing of the product, so the official conformance suite runs on the very same adapter
(tests/mcp_server/conformance_app.py). Start reading in `adapter.py`: what is HTTP. `request_checks.py`
rejects what is not MCP, `revisions.py` tells the protocol revisions apart, `exchange.py` is a request under
way, `event_stream.py` its stream, `client_replies.py` how a client's reply meets the worker that asked.
"""
