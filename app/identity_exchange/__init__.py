"""Identity-token exchange: a Firebase ID token becomes a token of ours, with which FlowPOS' users call the
tools.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`, `oauth_server`. Start reading
in `exchange.py`, then `firebase_tokens.py`, app/id_tokens.py and app/jwks.py. `rfc8693_token_exchange.py` is
the same exchange at the token endpoint.

Decided: its audience is the project in FIREBASE_PROJECT_ID, with the sandbox on the sandbox's
(app/firebase_settings.py). We decide which person it means; FlowPOS decides which businesses they may work
in, through their workspace's connections. So `authorizedBusinesses` are those that set_active_business
accepts, and none while FlowPOS is not connected.

Decided: a person of whom FlowPOS itself says that they have no business is refused (403), as FlowPOS refuses
them. While no connection can say so, the ID token is sent to FlowPOS' own exchange, which it was issued for,
and to nobody else (`memberships.py`). Silence is not an answer: whoever has yet to connect FlowPOS gets a
token, to connect it with.

Decided: issuer and subject identify a person. On the first exchange the ID token's verified email address
finds the account, if its person has proved that address here, too. The login is linked, the person mailed,
and it is on their account page. A second login with the same address is refused. A login whose person removed
it, revoked what it was exchanged for, or signed out everywhere is refused until they allow it again, signed
in; a new address of the account ends what the old one had linked. See `accounts/linked_logins.py`.

Decided: membership is ours: of an active workspace. Whoever has none gets a 403, whatever the reason.

Decided: `role` is always "merchant", as FlowPOS' clients expect of everybody but operators. What a person may
do here depends on their role in the workspace and each connection's level, and every call reads both.

Decided: the token has FlowPOS' five scopes and no others. Whoever runs a FlowPOS front end sees its users' ID
tokens; these must not open mailboxes that happen to be connected in the same workspace.

Decided: one grant per person, workspace and client, however often they exchange: it stores the active
business, and there is one entry to revoke. It ends OAUTH_REFRESH_TTL after the last ID token; refreshing
alone does not extend it.
"""
