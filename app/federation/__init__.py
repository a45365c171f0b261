"""MCP servers that a workspace added by URL, under the same rules as the built-in services.

A server is rows: `McpServer` with its addresses and our client there, one `McpServerTool` per pinned
definition. `source.py` turns them into a `Connector` of the workspace (`connector_of.py`), so hub, vault,
permissions, approvals, usage and audit need not know that it is one.

Decided: a definition is used only as an owner or admin approved it. What the server changes later is held,
and the approved one stays pinned, so that no server can change what a person agreed to.
"""
