"""The integrations hub: cards, and the OAuth handshake with a service.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`, `oauth_server`. Never
`mcp_server`. Start reading in `routes.py`, then `cards.py`, `handshake.py` and `credential_form.py`.

Decided:
- A handshake with a service is a row, consumed in its own transaction before the code is spent. Its outcome
  stays for two hours, so that a reload displays the same banner and a banner never repeats text from a URL.
- A credential form of ours is a handshake too, which ends once something is connected. So it returns to its
  flow
  or chat, reconnects the connection it was opened for, and displays the same after a reload as OAuth does.
- We request read and write scopes at once, so that raising a permission later needs no second consent page,
  unless the person chose reading only. What AI clients may do still starts at `read`.
- The board polls every four seconds and gets 204 when nothing changed: no connection is held open per tab,
  and
  any worker on any host can answer.
"""
