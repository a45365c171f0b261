"""Harbour CRM: an MCP server made with the official SDK, for people who want to see one added by URL.

It is not the imitation of a product. Add `<sandbox>/harbour_crm/mcp`: its sign-in is discovered (RFC 9728 and
8414), clients register themselves, writes need the scope `crm.write`.

Start with `service.py`, then `crm.py` (the server and what levers do to it), `reading.py`, `writing.py` and
`content.py`. Levers of its own: `forget_clients`; `change_tool` (`{"tool": "list_deals", "patch":
{"description": "…"}}`, a merge patch of the listed definition, whose `name` renames the tool; `{"like":
"list_deals", "tool": "list_leads"}` adds one; `{}` undoes all); `spoil` (`{"how": "lie"}` or `{"how":
"flood", "characters": 5000000}`: the next call's result). The framework's `forget_sessions` restarts it.
"""

from app.sandbox.services.harbour_crm.service import crm_service

SERVICE = crm_service("harbour_crm", "Harbour CRM")
