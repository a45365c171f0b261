"""A company gets in by API: register, confirm, activate. No page and no operator is needed.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`, `oauth_server`. Start reading
in `registering.py`, then `services.py` and `activating.py`.

Decided: nothing exists before the credentials were checked. What was registered travels with the mailed code
and then with the setup token; person, workspace, connection and access token are made in one transaction,
together with the end of the setup token. Credentials that are refused leave nothing, and the setup token can
be used again.

Decided: an address that has an account gets a code like any other, with a letter that says so: whoever reads
it is that person, and activating gives their account one more workspace. So answers and work are the same for
every address. Only somebody who was disabled gets no letter, and no code that would do.

Decided: of several codes for one address the newest counts, since there is no browser to tell them apart. A
wrong, an old and a never mailed code are refused with one sentence: it does not tell whether somebody
registers that address.

Decided: a setup token is used up by the activation that succeeds, of any number at once by one. When that
answer gets lost, the person signs in by a mailed code and makes a token on the AI clients page.

Decided: the access token is a personal token of a month: visible and revocable on the AI clients page.
"""
