"""The integrations hub: cards, and the OAuth handshake with a service.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`, `oauth_server`, `usage`,
`notifications`. Never `mcp_server`. Start reading in `routes.py`, then `cards.py`, `handshake.py` and
`credential_form.py`.

Decided:
- A handshake with a service is a row, consumed in its own transaction before the code is spent. Its outcome
  stays for two hours, so that a reload displays the same banner and a banner never repeats text from a URL.
- A credential form of ours is a handshake too, which ends once something is connected. So it returns to its
  flow or chat, reconnects the connection it was opened for, and displays the same after a reload as OAuth.
- Who did not allow access at the service is not told of a failure: the outcome is `denied`, not `failed`.
- Permission levels apply when one is pressed, never on arrow keys, and say beforehand where they lead to the
  service (WCAG 3.2.2).
- "Getting started" is ticked by rows that exist anyway. Its end is a column of the membership, which comes
  with every request's member: afterwards it costs no query.
- We request read and write scopes at once, so that raising a permission later needs no second consent page,
  unless the person chose reading only. What AI clients may do still starts at `read`.
- The board polls every four seconds and gets 204 when nothing changed: no connection is held open per tab,
  and any worker on any host can answer.
"""
