"""We are the authorization server for AI clients. One file per RFC; `server.py` is the table of contents.

May import: the floor, `web`, `accounts`, `workspaces`, `vault` (for /status). Start reading in
`server.py`, then `asking.py` (from a request to a waiting flow), `flows.py` (from a flow to a code)
and `bearer.py` (from a token to a caller).

Decided: tokens are opaque and stored as digests, so revoking counts at once everywhere. A personal
token and an API key are grants of another kind, so there is one bearer look-up and one list to
revoke from. A redirect is built by us in one place (`rfc9207_issuer.answer`), not by Authlib, so
that `iss` and `state` are there exactly once. docs/ai-clients.md has the other decisions.
"""
