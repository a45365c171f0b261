"""Writes that wait for a yes: what an AI client asked for on a connection set to "Ask before writing".

May import everything up to `activity`; `mcp_server` asks for a yes here and registers what carries one out
(`carrying_out.register`), so this package knows nothing of MCP. Start reading in `requests.py` (a write
begins to wait, its end is told), then `decisions.py` (yes, no, and who carries it out), then
`carrying_out.py`.

Decided:
- A yes on the page carries the write out at once, in a thread of its own: whoever presses Approve expects it
  done, and the AI client may be gone by then. The client that calls again within 24 hours is told the end,
  once. The other design, doing it at the client's next call, would leave "approved, but nothing happened" on
  the page.
- Exactly once is one conditional UPDATE, from `waiting` to `running`, whichever of page, mail, chat or
  process makes it. From `running` a row goes back to `waiting` only if it is certain that nothing was sent to
  the service to change anything; otherwise it ends. A row whose process died ends as `unknown` and is never
  run again; an answer that comes after all still counts.
- What is carried out is what is stored sealed in the row and shown: the checked arguments, defaults included,
  the connection and the business by their ids. If the tool understands them differently by then, it is
  refused.
- The same call of the same AI client finds its own row (`open_key`, unique), so that a loop of calls waits
  once. Another AI client of the same person asks for itself.
- Whose AI client asks may decide: the level asks whether this is what the person wants, it is no four-eyes
  control. For a shared connection whoever connected it and the owners and admins may decide too, as they may
  change its level. Mail goes to the person who asks alone.
- It is carried out with the rights the AI client has at that moment: grant, membership, scope, level, limits.
- Arguments and outcomes are kept for 30 days. Mails and the audit trail name the tool and the account, never
  an argument.
- Invisible and direction-changing characters are drawn as their code points: what is read must be what is
  sent.
"""
