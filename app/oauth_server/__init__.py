"""The authorization server for AI clients (OAuth 2.1). One file per RFC; `server.py` is the table of
contents.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors` and `vault` (for /status and the consent
page). Start reading in `server.py`,
then `authorization_request.py` (from a request to a waiting flow), `flows.py` (from a flow to a code) and
`callers.py` (from a bearer token to its caller).

Decided: tokens are opaque and stored as digests, so a revocation takes effect everywhere at once. A personal
token and an API key are other kinds of grant, so there is one bearer look-up and one list to revoke from.
`rfc9207_issuer.answer` builds every redirect, not Authlib, so that `iss` and `state` appear exactly once.
A `Selection` is part of the grant and loaded with it, so it costs a call no statement; it only narrows what
scopes and permission levels allow. docs/ai-clients.md has the other decisions.
"""
