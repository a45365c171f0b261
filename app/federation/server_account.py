"""Server accounts: a program's own access to an MCP server, without a person who signs in.

RFC 6749 section 4.4 with the authorization server that was discovered. Each connection has a client ID of its
own, with a secret or with a private key that signs an assertion (RFC 7523 section 2.2).
"""

from collections.abc import Mapping
from typing import Any

from app.connectors.credential_forms import Field, Form, client_credentials
from app.federation.oauth_facts import OAuthFacts, ProgramAuth

_METHODS: dict[str, ProgramAuth] = {
    "client_secret_basic": "basic",
    "client_secret_post": "post",
    "private_key_jwt": "key",
}

_CLIENT_ID = Field("client_id", "Client ID", secret=False)
_INTRO = "Create a client for programs (client credentials) at the server, then paste it here."


def proofs_in(metadata: Mapping[str, Any]) -> tuple[ProgramAuth, ...]:
    """How a program may prove who it is, by an authorization server's metadata; empty: no program gets in."""
    grants = metadata.get("grant_types_supported")
    if not isinstance(grants, list) or "client_credentials" not in grants:
        return ()
    named = metadata.get("token_endpoint_auth_methods_supported")
    if not isinstance(named, list) or not named:
        return ("basic",)
    return tuple(auth for method, auth in _METHODS.items() if method in named)


def forms_of(facts: OAuthFacts) -> tuple[Form, ...]:
    """A form for each proof that the authorization server takes. Empty if it lets no programs in."""
    sent = {"resource": facts.resource, **({"scope": " ".join(facts.scopes)} if facts.scopes else {})}
    secret = next((auth for auth in facts.program_auths if auth != "key"), None)
    forms = []
    if secret is not None:
        forms.append(
            client_credentials(
                token_url=facts.token_endpoint,
                client_id=_CLIENT_ID,
                client_secret=Field("client_secret", "Client secret"),
                client_auth="basic" if secret == "basic" else "post",
                more_parameters=sent,
                title="Client ID and secret",
                noun="client ID and secret",
                intro=_INTRO,
            )
        )
    if "key" in facts.program_auths:
        forms.append(
            client_credentials(
                token_url=facts.token_endpoint,
                client_id=_CLIENT_ID,
                client_secret=Field(
                    "private_key",
                    "Private key",
                    help="In PEM, from -----BEGIN PRIVATE KEY----- to the end.",
                    kind="password",  # which may contain spaces
                    pattern=r"\s*-----BEGIN [A-Z ]*PRIVATE KEY-----.+-----END [A-Z ]*PRIVATE KEY-----\s*",
                    pattern_says="This isn't a private key in PEM. Check what you copied.",
                ),
                audience=facts.issuer,
                more_parameters=sent,
                key="client_key",
                title="Client ID and private key",
                noun="client ID and private key",
                intro=_INTRO,
            )
        )
    return tuple(forms)
