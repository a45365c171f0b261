"""Faithful imitations of the services, as a process of its own. Never part of production.

Imports nothing of the product, and nothing of the product imports it: the two meet over HTTP only,
so that neither can exhaust the other's threads and the connectors' code is what runs for real.

Start reading in `server.py` (the table of contents), then `service.py` (how a service is
declared), then one service. Adding a service is one module in `services/` with a `SERVICE`.

A service may also be an MCP server (`ImitatedService.mcp`, `mcp_endpoint.py`): the official SDK's own, which
`mcp_bridge.py` runs in one event loop beside the threads. Its tools reach the records through `mcp_desk.py`.

Decided: one process with threads, because the state is one set of dictionaries behind one lock. Every
change is also written to one SQLite file, so that a restart loses no connection and no record.
Waiting (the levers `slow` and `hang`) happens outside the lock. Tokens are stored as digests even here,
so that a search of the disk finds no secret.
"""
