"""What was discovered about signing in at an MCP server, as it is stored and as the product's OAuth uses it.

A client of ours belongs to one issuer: for any other it counts as none (`own_client_of`).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from app.config import Settings
from app.connectors.spec import OAuth2
from app.federation.models import McpServer
from app.vault import seal

ClientAuth = Literal["basic", "post", "none"]
ProgramAuth = Literal["basic", "post", "key"]
CLIENT_AUTHS: tuple[ClientAuth, ...] = get_args(ClientAuth)
# as metadata writes them, in our order: servers differ in what else they want to see beside a Basic header
AUTH_METHODS: dict[ClientAuth, str] = {
    "post": "client_secret_post",
    "basic": "client_secret_basic",
    "none": "none",
}
# parameters of the authorization request that are ours: extra ones cannot replace them
RESERVED_PARAMETERS = frozenset(
    (
        *("response_type", "response_mode", "client_id", "client_secret", "redirect_uri", "scope", "state"),
        *("code", "code_verifier", "code_challenge", "code_challenge_method", "resource", "grant_type"),
        *("request", "request_uri", "nonce"),
    )
)
SHARED_CALLBACK = "/oauth-callback"  # what a client is registered with by hand, or by our document


@dataclass(frozen=True)
class OAuthFacts:
    """Endpoints and rules of a server's authorization server; every address was checked.

    `authorization_endpoint` is empty where only programs are let in, with one of the `program_auths`.

    `published` is False for a server of the 2025-03-26 revision without any metadata document: then the
    endpoints are that revision's defaults, and the issuer is the server's origin.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    resource: str  # RFC 8707: what tokens are requested for
    scopes: tuple[str, ...] = ()
    revocation_endpoint: str = ""
    registration_endpoint: str = ""
    # by our preference; registering may end with another than the first
    client_auths: tuple[ClientAuth, ...] = ("post",)
    client_auth: ClientAuth = "post"
    sends_iss: bool = False  # RFC 9207: an answer without `iss` is not from it
    takes_documents: bool = False  # our metadata document is our client id
    published: bool = True
    resource_name: str = ""  # RFC 9728 section 2: what the server calls itself to people
    program_auths: tuple[ProgramAuth, ...] = ()  # proofs for the client credentials grant; empty: not offered
    extra_parameters: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For `McpServer.oauth`."""
        return asdict(self)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "OAuthFacts":
        """From `McpServer.oauth`; members of another version of the product are passed over."""
        known = {name: value for name, value in stored.items() if name in cls.__dataclass_fields__}
        for name in ("scopes", "client_auths", "program_auths"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)


def oauth2_of(server: McpServer) -> OAuth2:
    """The server's authorization code grant. `server.access` must be `oauth`."""
    facts = OAuthFacts.of_json(server.oauth)
    return OAuth2(
        authorize_url=facts.authorization_endpoint,
        token_url=facts.token_endpoint,
        revoke_url=facts.revocation_endpoint or None,
        read_scopes=facts.scopes,
        write_scopes=facts.scopes,
        client_auth=facts.client_auth,
        authorize_params={**facts.extra_parameters, "resource": facts.resource},
        token_params={"resource": facts.resource},
        issuer=facts.issuer,
        sends_iss=facts.sends_iss,
        issuer_is_exact=facts.published,
        client_is_registered=server.client_kind == "registered",
        redirect_path="" if server.client_kind == "registered" else SHARED_CALLBACK,
    )


def binding_of(server: McpServer) -> str:
    """What the tokens of this server's connections belong to (`Connector.bound_to`): its address and, with
    OAuth, the issuer and the resource. Whatever of it changes, no token from before is sent.
    """
    parts = [server.url]
    if server.oauth:
        facts = OAuthFacts.of_json(server.oauth)
        parts += [facts.issuer, facts.resource]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def own_client_of(server: McpServer) -> Callable[[Settings], tuple[str, str]]:
    """Our client id and secret there; two empty texts while there is none for this issuer."""

    def own_client(settings: Settings) -> tuple[str, str]:
        if not server.client_id or server.client_issuer != OAuthFacts.of_json(server.oauth).issuer:
            return "", ""
        secret = ""
        if server.client_secret_sealed:
            secret = seal.unseal(settings.vault_keys, server, "client_secret_sealed")
        return server.client_id, secret

    return own_client
