"""The page of one connection: its health, what it may do, who may use it, its tools; and "Try it".

May import everything below it, the hub and the MCP server included: a tool tried here goes through the very
door an AI client's call goes through (`app/mcp_server/calls/browser_call.py`), so there is one set of rules.

Start at `routes.py`. Of the connection's page: `page.py` and what it puts together (`health.py`,
`access.py`, `tool_rows.py`), and `changes.py` for what a person changes there. Of "Try it": `try_page.py`,
with `fields.py` and `form_values.py` (a form made from a JSON Schema, and back) and `result_view.py` (an
envelope as a table).

Decided: a form that does not fit is not a call and is not counted. A write is previewed first, and the
button that runs it carries the arguments signed, so what runs is what was previewed. Everything is decided by
a tool's schemas, so that services that are data can be tried too.
"""
