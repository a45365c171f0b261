"""The integrations hub: cards, and the sign-in dance with a service.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`, `oauth_server`.
Never `mcp_server`. Start reading in `routes.py`, then `cards.py`, `handshake.py` and `keys.py`.

Decided:
- A trip to a service is a row, consumed in its own transaction before the code is spent. Its outcome
  stays for two hours, so that a reload says the same and a banner never repeats what an address says.
- A form we show ourselves is a trip too, over once something was connected: so it comes back to its flow or
  chat, mends the connection it was opened for, and says the same after a reload as a sign-in elsewhere does.
- We ask for reading and writing at once, so that raising a permission later needs no second consent,
  unless the person chose reading only. What AI clients may do still starts at `read`.
- The board asks every four seconds whether anything changed, and gets 204 when not: no connection is
  held open per tab, and any worker on any host can answer.
"""
