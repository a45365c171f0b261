"""Writes that wait for an approval: what an AI client requests on a connection set to "Ask before writing".

May import everything up to `activity`. `mcp_server` requests an approval here and registers what carries it
out (`carrying_out.register`), so this package knows nothing of MCP. Start reading in `requests.py` (a write
waits, its outcome is delivered), then `decisions.py` (approve, reject, and who carries it out), then
`carrying_out.py`.

Decided:
- An approval on the page carries the write out at once, in a thread of its own: whoever presses Approve
  expects it done, and the AI client may be gone by then. The client that calls again within 24 hours receives
  the outcome, once. The other design, doing it at the client's next call, would leave "approved, but nothing
  happened" on the page.
- Exactly once is one conditional UPDATE from `waiting` to `running`, whichever of page, mail, chat or process
  makes it. From `running` a row returns to `waiting` only if it is certain that nothing was sent to the
  service to change anything; otherwise it ends. A row whose process died ends as `unknown` and is never run
  again; an answer that arrives after all still counts.
- What is carried out is what is sealed in the row and displayed: the checked arguments with their defaults,
  the connection and the business by their ids. If the tool understands them differently by then, it is
  refused.
- The same call of the same AI client finds its own row (`open_key`, unique), so that a loop of calls waits
  once. Another AI client of the same person makes its own request.
- The person whose AI client asks may decide: the level asks whether this is what the person wants; it is no
  four-eyes control. For a shared connection its owner and the workspace's owners and admins may decide too,
  as they may change its level. Mail goes only to the person whose client asks.
- It is carried out with the rights the AI client has at that moment: grant, membership, scope, level, limits.
- What is displayed is looked up at the service once, before the row is made (`Tool.preview`), and sealed into
  it: what cannot work is never asked, a repeated call costs no look-up, and what was read stays on record.
- An answer in the chat counts only from a client that a person allowed on the consent page. Whoever holds a
  personal token, API key or service token could answer for the person, so these are approved on the page.
- Arguments, previews and outcomes are stored for 30 days. The audit trail names the tool and the account,
  never an argument. An email has the headline besides, as it goes to the person who is asked; other pages
  show a headline to those who may decide.
- Characters that could hide something are drawn as their code points: what is read must be what is sent.
"""
