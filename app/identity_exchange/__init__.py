"""Identity-token exchange: an ID token of Firebase becomes a token of ours, with which FlowPOS' users call
the tools.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`, `oauth_server`. Start reading
in `exchange.py`, then `id_tokens.py` and `certificates.py`. `rfc8693_token_exchange.py` is the same exchange
at the token endpoint.

Decided: the ID token goes nowhere. It was made out to the project in FIREBASE_PROJECT_ID; who that is here we
say, and which businesses the person may work in FlowPOS says, through the connections their workspace has. So
`authorizedBusinesses` are those that set_active_business takes, and none while FlowPOS is not connected.

Decided: a person is an issuer and a subject. The first time, the verified address of the ID token finds the
account that login stands for from then on; a second login with the same address is refused. Membership is
ours: of a workspace that is active. Who has none, gets a 403 whatever the reason.

Decided: `role` is always "merchant", as FlowPOS' clients expect of whoever is no operator; what somebody may
do here is their role in the workspace and the level of each connection, and both are read at every call.

Decided: the token holds FlowPOS' five scopes and no others. Whoever runs a FlowPOS front end sees its users'
ID tokens; these must not open the mailboxes that happen to be connected in the same workspace.

Decided: one grant a person, workspace and client, however often they exchange: it keeps the chosen business,
and there is one line to revoke. It ends OAUTH_REFRESH_TTL after the last ID token; refreshing alone does not
prolong it.
"""
