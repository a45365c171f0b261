"""Connections and their sealed tokens; refresh exactly once.

May import: the floor, `workspaces`, `connectors`. Never Flask. Start reading in `refresh.py`, then
`claims.py`; `store.py` holds the verbs on connections, `access.py` opens a service's API for a call.

Decided: a refresh is claimed in a short transaction (row lock on PostgreSQL, BEGIN IMMEDIATE on
SQLite), called with no transaction and no database connection held, and stored by comparing the
generation only. Being still the claim's owner is not asked for: a slow answer may hold the only
living refresh token. If the database is away when the answer comes, storing it is tried until it
is back.

Decided: only an `invalid_grant` for the generation that is still stored ends a sign-in. Everything
else leaves it alive and rests the service for a while.

Decided: what a person filled in (`exchange.py`) is renewed by the same claim as a refresh token. A pasted
key has no successor: when the service rejects it, the connection needs its person at once, and neither
keep-alive nor the debug tool touches it. There the client is the workspace's own, so `invalid_client` or a
401 in JSON ends the sign-in too.

Decided: a dead claim owner on the same machine is recognised by its process, so that a crash costs
the next caller no wait; from another machine the claim's deadline has to pass.
"""
