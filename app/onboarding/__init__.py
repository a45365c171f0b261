"""A company signs up by API: register, confirm, activate. It needs no page and no operator.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`, `oauth_server`. Start reading
in `registering.py`, then `services.py` and `activating.py`.

Decided: nothing is created before the credentials are checked. The registration travels with the mailed code
and then with the setup token. Person, workspace, connection and access token are created in one transaction,
which also spends the setup token. Refused credentials leave nothing behind, and the setup token can be used
again.

Decided: an address that has an account gets a code like any other, with a mail that says so: whoever reads it
is that person, and activating adds one more workspace to their account. So responses and work are the same
for every address. Only a disabled person gets no mail, and no code that would work.

Decided: of several codes for one address the newest counts, since no browser tells them apart. A wrong, an
old and a never mailed code are refused with the same sentence, which does not reveal whether somebody is
registering that address.

Decided: the first successful activation spends a setup token; of parallel ones, one succeeds. If that
response gets lost, the person signs in by a mailed code and creates a token on the AI clients page.

Decided: the access token is a personal token for a month: visible and revocable on the AI clients page.
"""
