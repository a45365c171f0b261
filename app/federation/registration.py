"""Our client at an MCP server's authorization server: our metadata document, registered, or pasted.

It belongs to one issuer and one redirect address (`McpServer.client_issuer`, `client_redirect`), so neither a
server that names another issuer nor another `PUBLIC_URL` ever gets to see it.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from app import outbound, url_settings
from app.config import Settings
from app.errors import InvalidInput
from app.federation import addresses, guarded_request
from app.federation.challenge import scopes_in
from app.federation.models import McpServer
from app.federation.oauth_facts import (
    AUTH_METHODS,
    CLIENT_AUTHS,
    RESERVED_PARAMETERS,
    SHARED_CALLBACK,
    ClientAuth,
    OAuthFacts,
)
from app.vault import seal

DOCUMENT_PATH = "/client-metadata.json"
_SECONDS = 15.0
_LOOKUP_SECONDS = 3.0
_LONGEST = 2000


class ClientNeeded(InvalidInput):
    """The server registers no apps by itself: a client id made there must be pasted."""

    code = "CLIENT_NEEDED"
    message = (
        "This server doesn't register apps automatically. Create an app in its settings with the redirect "
        "address on this page, then paste the app's client ID and secret."
    )


class RegistrationFailed(InvalidInput):
    """The server did not register us."""

    code = "REGISTRATION_FAILED"


@dataclass(frozen=True)
class PastedClient:
    """A client that somebody made at the server. Empty fields leave what was discovered."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    client_auth: str = ""
    scopes: str = ""
    extra_parameters: dict[str, str] = field(default_factory=dict)


def obtain_client(settings: Settings, server: McpServer, pasted: PastedClient | None = None) -> None:
    """Set our client on the server's row, which the caller stores. `server.oauth` must hold the facts.

    Asks the server, so call it without a database connection. Raises ClientNeeded, RegistrationFailed or
    InvalidInput.
    """
    facts = OAuthFacts.of_json(server.oauth)
    if pasted is not None and pasted.client_id:
        _paste(settings, server, facts, pasted)
    elif _is_known_by_document(settings, facts):
        _set(settings, server, facts, "document", settings.public_url + DOCUMENT_PATH, "", "none")
    elif facts.registration_endpoint:
        _register(settings, server, facts)
    else:
        raise ClientNeeded()


def has_client(settings: Settings, server: McpServer) -> bool:
    """Whether our client there is for this issuer and for the redirect address that we use now."""
    return bool(
        server.client_id
        and server.client_issuer == OAuthFacts.of_json(server.oauth).issuer
        and server.client_redirect == redirect_of(settings, server.client_kind, server.slug)
    )


def needs_paste(settings: Settings, facts: OAuthFacts) -> bool:
    """Whether a client id must be pasted: the server neither takes documents nor registers apps."""
    return not (facts.registration_endpoint or _takes_our_document(settings, facts))


def _takes_our_document(settings: Settings, facts: OAuthFacts) -> bool:
    return facts.takes_documents and settings.secure and "none" in facts.client_auths


def _is_known_by_document(settings: Settings, facts: OAuthFacts) -> bool:
    """Whether our document is our client id there. Where it could not be fetched, registering is better."""
    if not _takes_our_document(settings, facts) or not facts.registration_endpoint:
        return _takes_our_document(settings, facts)
    own = url_settings.parse("PUBLIC_URL", settings.public_url)
    try:
        outbound.check_public(own.host or "", own.port or 443, _LOOKUP_SECONDS)
    except outbound.AddressRefused:
        return False
    except outbound.OutboundError:
        pass  # our own name may be unknown here and known elsewhere
    return True


def redirect_of(settings: Settings, kind: str, slug: str) -> str:
    """The redirect address of a client: its own per registered server (RFC 9700 section 4.4), one for all
    where it must be known before the server is added.
    """
    path = f"/integrations/{slug}/callback" if kind == "registered" else SHARED_CALLBACK
    return settings.public_url + path


def document(settings: Settings) -> dict[str, Any]:
    """Our client id metadata document, served at `DOCUMENT_PATH`."""
    return {
        "client_id": settings.public_url + DOCUMENT_PATH,
        **_metadata(settings, settings.public_url + SHARED_CALLBACK, "none"),
    }


def _metadata(settings: Settings, redirect: str, method: str) -> dict[str, Any]:
    """RFC 7591 section 2."""
    return {
        "client_name": settings.brand_name,
        "client_uri": settings.public_url,
        "redirect_uris": [redirect],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "application_type": "web",
    }


def _paste(settings: Settings, server: McpServer, facts: OAuthFacts, pasted: PastedClient) -> None:
    for value, name in ((pasted.client_id, "client ID"), (pasted.client_secret, "client secret")):
        if len(value) > _LONGEST or not value.isascii() or not value.isprintable() or " " in value:
            raise InvalidInput(
                f"The {name} is too long, or contains spaces or special characters. Check what you pasted."
            )
    wrong = [name for name in pasted.extra_parameters if name.lower() in RESERVED_PARAMETERS]
    if wrong:
        raise InvalidInput(
            f"The parameter {wrong[0]} is set automatically. Remove it from the extra parameters."
        )
    auth = _auth_of(facts, pasted)
    scopes = scopes_in(pasted.scopes) or facts.scopes
    facts = replace(facts, scopes=scopes, extra_parameters=dict(pasted.extra_parameters))
    _set(settings, server, facts, "pasted", pasted.client_id, pasted.client_secret, auth)


def _auth_of(facts: OAuthFacts, pasted: PastedClient) -> ClientAuth:
    """The chosen method; else by whether there is a secret, the server's first that fits."""
    chosen = next((auth for auth in CLIENT_AUTHS if auth == pasted.client_auth), None)
    if chosen in {"basic", "post"} and not pasted.client_secret:
        raise InvalidInput(
            "This client authentication needs a client secret. Paste it, or choose “No secret”."
        )
    if chosen is not None:
        return chosen
    if not pasted.client_secret:
        return "none"
    return next((auth for auth in facts.client_auths if auth != "none"), "post")


def _register(settings: Settings, server: McpServer, facts: OAuthFacts) -> None:
    """RFC 7591 section 3. The answer's method counts, which may be another than the one requested."""
    redirect = redirect_of(settings, "registered", server.slug)
    endpoint = addresses.check_discovered(settings, facts.registration_endpoint, "registering apps")
    request = _metadata(settings, redirect, AUTH_METHODS[facts.client_auths[0]])
    if facts.scopes:
        request["scope"] = " ".join(facts.scopes)
    try:
        answer = guarded_request.send("POST", endpoint, json=request, seconds=_SECONDS)
    except outbound.AddressRefused:
        raise RegistrationFailed(
            f"The address that {server.name} gives for registering apps is on a private network, so it can't "
            "be used. Contact whoever runs the server."
        ) from None
    except outbound.OutboundError:
        raise RegistrationFailed(
            f"{server.name} didn't respond when this installation registered there. Please try again in a "
            "moment."
        ) from None
    body = answer.json()
    client_id = body.get("client_id") if answer.status in {200, 201} and isinstance(body, dict) else None
    if not isinstance(client_id, str) or not 0 < len(client_id) <= _LONGEST or not client_id.isprintable():
        raise RegistrationFailed(
            f"{server.name} refused to register this installation (status {answer.status}). Create an app in "
            f"its settings with the redirect address {settings.public_url}{SHARED_CALLBACK}, then paste the "
            "app's client ID and secret."
        )
    secret = body.get("client_secret")
    secret = secret if isinstance(secret, str) and secret.isprintable() and len(secret) <= _LONGEST else ""
    _set(settings, server, facts, "registered", client_id, secret, _method_in(body, facts, secret))


def _method_in(body: dict[str, Any], facts: OAuthFacts, secret: str) -> ClientAuth:
    assigned = body.get("token_endpoint_auth_method")
    auth = next((auth for auth, method in AUTH_METHODS.items() if method == assigned), facts.client_auths[0])
    return auth if secret else "none"


def _set(
    settings: Settings,
    server: McpServer,
    facts: OAuthFacts,
    kind: str,
    client_id: str,
    secret: str,
    auth: ClientAuth,
) -> None:
    server.oauth = replace(facts, client_auth=auth).to_json()
    server.client_id, server.client_kind = client_id, kind
    server.client_issuer = facts.issuer
    server.client_redirect = redirect_of(settings, kind, server.slug)
    server.client_secret_sealed = None
    if secret:
        seal.seal(settings.vault_keys, server, "client_secret_sealed", secret)
