"""Connections and their sealed tokens; each token is refreshed exactly once.

May import: the floor, `workspaces`, `connectors`. Never Flask. Start reading in `refresh.py`, then
`claims.py` (the lease on a refresh) and `token_answers.py` (what an answer means). `store.py` holds the verbs
on connections, `connection_state.py` every change of state, `access.py` opens a service's API for a call,
`access_end.py` knows when access ends.

Decided: a refresh is claimed in a short transaction (row lock on PostgreSQL, BEGIN IMMEDIATE on SQLite). The
service is called with no transaction and no database connection held. The answer is stored if the generation
is still the one that was claimed; the claim itself need not be held any more, because a slow answer may
contain the only living refresh token. If the database is away when the answer arrives, storing is retried
until it is back.

Decided: only an `invalid_grant` for the generation that is still stored ends the access. Every other failure
leaves it alive and pauses calls to the service's token endpoint. If a service refuses for an hour without
saying why, or rejects tokens it has just issued, the connection is suspended: its person is asked to
reconnect, and calls still try again from time to time (`connection_state.py`).

Decided: what a person filled in (`form_exchange.py`) is renewed under the same claim as a refresh token. A
pasted key has no successor: when the service rejects it, the connection is suspended at once, and neither
keep-alive nor the debug tool touches it. With a form the client is the workspace's own, so `invalid_client`
ends the access too, and so does the refusal that the form declares; a bare 401 may be a gateway's.

Decided: on the same machine a dead claim owner is recognised by its process, so that a crash costs the next
caller no wait. A claim from another machine ends at its deadline.
"""
