"""Finds out how people sign in at an MCP server: from a refused request to checked endpoints.

https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#authorization-server-discovery
in its order: protected resource metadata (RFC 9728; the address in the challenge, below the server's path, at
its root), then the authorization server's metadata (RFC 8414 and OpenID Connect Discovery, three forms). A
server without any is of the 2025-03-26 revision: metadata at its own root, else that revision's default
endpoints. Nothing that a document says is used before it is checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from app import outbound
from app.config import Settings
from app.connectors.rows import plain
from app.errors import InvalidInput
from app.federation import addresses, challenge, guarded_request, server_account
from app.federation.challenge import Challenge
from app.federation.oauth_facts import AUTH_METHODS, ClientAuth, OAuthFacts

_SECONDS = 10.0
_LONGEST_RESOURCE = 2000
_LONGEST_NAME = 60
_RESOURCE_PATH = "/.well-known/oauth-protected-resource"
_SERVER_PATH = "/.well-known/oauth-authorization-server"
_OPENID_PATH = "/.well-known/openid-configuration"


class SignInUnusable(InvalidInput):
    """The server wants people to sign in, but not in a manner that is safe or that we know."""

    code = "SIGN_IN_UNUSABLE"


def discover(settings: Settings, url: str, challenged: Challenge) -> OAuthFacts | None:
    """How to sign in at the server of this address, or None if it has no OAuth: it may take a key.

    Raises SignInUnusable or DiscoveredAddressRefused, each with its sentence.
    """
    resource = _resource_metadata(settings, url, challenged)
    if resource is None:
        return _of_2025_03_26(settings, url, challenged)
    _check_resource(url, resource)
    named = resource.get("authorization_servers")
    servers = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    if not servers:
        raise SignInUnusable("The server requires sign-in but doesn't say where. Contact whoever runs it.")
    issuer = addresses.check_discovered(settings, servers[0], "its authorization server")
    metadata = _server_metadata(settings, issuer)
    if metadata is None:
        raise SignInUnusable(
            f"{_host(issuer)}, where this server has people sign in, doesn't publish how (OAuth metadata). "
            "Contact whoever runs the server.",
            details={"issuer": str(plain(issuer))[:300]},
        )
    scopes = challenge.scopes_in(resource.get("scopes_supported"))
    facts = _facts(settings, metadata, issuer, str(resource["resource"]), challenged, scopes)
    return replace(facts, resource_name=_label(resource.get("resource_name")))


def _host(address: str) -> str:
    return str(plain(urlsplit(address).netloc))[:100]


def _label(value: object) -> str:
    return " ".join(str(plain(value)).split())[:_LONGEST_NAME] if isinstance(value, str) else ""


def _resource_metadata(settings: Settings, url: str, challenged: Challenge) -> dict[str, Any] | None:
    parts = urlsplit(url)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    places = [f"{origin}{_RESOURCE_PATH}"]
    if path:
        places.insert(0, f"{origin}{_RESOURCE_PATH}{path}")
    if challenged.resource_metadata:
        named = addresses.check_discovered(settings, challenged.resource_metadata, "its resource metadata")
        places.insert(0, named)
    for place in dict.fromkeys(places):
        found = _document(place)
        if found is not None and isinstance(found.get("resource"), str):
            return found
    return None


def _check_resource(url: str, metadata: Mapping[str, Any]) -> None:
    """RFC 9728 section 3.3: the metadata must be about this server, or tokens of another would come here."""
    if not is_same_resource(url, metadata["resource"]):
        raise SignInUnusable(
            "The server's sign-in is set up for another address, so signing in wouldn't be safe. Check the "
            "address against the server's documentation, or contact whoever runs it.",
            details={"resource": str(plain(metadata["resource"]))[:300]},
        )


def is_same_resource(url: str, resource: str) -> bool:
    """Whether tokens for `resource` are for the server at `url`: its origin, and its path or one above."""
    if len(resource) > _LONGEST_RESOURCE or not resource.isascii() or not resource.isprintable():
        return False
    try:
        ours, theirs = urlsplit(url), urlsplit(resource)
        same = (ours.scheme, ours.hostname, ours.port) == (theirs.scheme, theirs.hostname, theirs.port)
    except ValueError:
        return False
    own, above = ours.path.rstrip("/") + "/", theirs.path.rstrip("/") + "/"
    return same and own.startswith(above) and not theirs.fragment and "@" not in theirs.netloc


def _server_metadata(settings: Settings, issuer: str) -> dict[str, Any] | None:
    """The authorization server's metadata, its issuer compared as it is (RFC 8414 section 3.3)."""
    for place in _places_of(issuer):
        found = _document(place)
        if found is None:
            continue
        if not _is_issuer(found.get("issuer"), issuer):
            raise SignInUnusable(
                f"The server sends people to {_host(issuer)} to sign in, but the metadata there is for "
                "another issuer, so signing in wouldn't be safe. Contact whoever runs the server.",
                details={"issuer": str(plain(str(found.get("issuer"))))[:300]},
            )
        return found
    return None


def _places_of(issuer: str) -> Iterator[str]:
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    yield f"{origin}{_SERVER_PATH}{path}"
    yield f"{origin}{_OPENID_PATH}{path}"
    if path:
        yield f"{origin}{path}{_OPENID_PATH}"


def _is_issuer(named: object, issuer: str) -> bool:
    """The same text; only the slash after a bare host, which URL libraries add and drop, does not count."""
    if named == issuer or not isinstance(named, str):
        return named == issuer
    parts = urlsplit(issuer)
    bare = f"{parts.scheme}://{parts.netloc}"
    return {named, issuer} == {bare, f"{bare}/"}


def _facts(
    settings: Settings,
    metadata: Mapping[str, Any],
    issuer: str,
    resource: str,
    challenged: Challenge,
    resource_scopes: tuple[str, ...],
) -> OAuthFacts:
    grants = metadata.get("grant_types_supported")
    lets_people_in = not isinstance(grants, list) or "authorization_code" in grants
    program_auths = server_account.proofs_in(metadata)
    if lets_people_in:
        _check_pkce(metadata)
    elif not program_auths:
        raise SignInUnusable(
            f"{_host(issuer)} lets neither people sign in (it lacks the authorization code grant) nor "
            "programs (it lacks client credentials), so nobody could connect an account. Contact whoever "
            "runs the server."
        )
    supported = metadata.get("scopes_supported")
    scopes = resource_scopes if challenged.scopes is None else challenged.scopes
    if scopes and isinstance(supported, list) and "offline_access" in supported:
        scopes = tuple(dict.fromkeys((*scopes, "offline_access")))  # without it some give no refresh token
    auths: tuple[ClientAuth, ...] = _client_auths(metadata) if lets_people_in else ("none",)
    check = addresses.check_discovered

    def optional(name: str, what: str) -> str:
        return check(settings, metadata[name], what) if metadata.get(name) else ""

    return OAuthFacts(
        issuer=str(metadata["issuer"]) if metadata.get("issuer") else issuer,
        authorization_endpoint=(
            check(settings, metadata.get("authorization_endpoint"), "its sign-in page")
            if lets_people_in
            else ""
        ),
        token_endpoint=check(settings, metadata.get("token_endpoint"), "issuing tokens"),
        revocation_endpoint=optional("revocation_endpoint", "revoking tokens"),
        registration_endpoint=optional("registration_endpoint", "registering apps"),
        resource=resource,
        scopes=scopes,
        client_auths=auths,
        client_auth=auths[0],
        sends_iss=metadata.get("authorization_response_iss_parameter_supported") is True,
        takes_documents=metadata.get("client_id_metadata_document_supported") is True,
        program_auths=program_auths,
    )


def _check_pkce(metadata: Mapping[str, Any]) -> None:
    """Authorization Code Protection: without S256 in the metadata a client must not go on."""
    methods = metadata.get("code_challenge_methods_supported")
    if not isinstance(methods, list) or "S256" not in methods:
        raise SignInUnusable(
            "The server's sign-in doesn't declare PKCE with S256, which MCP requires. Contact whoever runs "
            "the server."
        )


def _client_auths(metadata: Mapping[str, Any]) -> tuple[ClientAuth, ...]:
    """How our client may authenticate. RFC 8414 section 2: basic, where the metadata does not say."""
    named = metadata.get("token_endpoint_auth_methods_supported")
    if not isinstance(named, list) or not named:
        return ("basic",)
    known = tuple(auth for auth, method in AUTH_METHODS.items() if method in named)
    if not known:
        raise SignInUnusable(
            "The server's sign-in accepts neither a client secret nor apps without one, and other methods "
            "aren't supported here. Contact whoever runs the server.",
            details={"methods": [str(plain(str(each)))[:60] for each in named[:10]]},
        )
    return known


def _of_2025_03_26(settings: Settings, url: str, challenged: Challenge) -> OAuthFacts | None:
    """The server is its own authorization server: its metadata, else that revision's default endpoints."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    metadata = _server_metadata(settings, origin)
    if metadata is not None:
        return _facts(settings, metadata, origin, url, challenged, ())
    if not _has_token_endpoint(f"{origin}/token"):
        return None
    return OAuthFacts(
        issuer=origin,
        authorization_endpoint=f"{origin}/authorize",
        token_endpoint=f"{origin}/token",
        registration_endpoint=f"{origin}/register",
        resource=url,
        scopes=challenged.scopes or (),
        client_auths=("post",),
        client_auth="post",
        published=False,
    )


def _has_token_endpoint(url: str) -> bool:
    """Whether a token endpoint answers there: an empty request gets an OAuth error, which is an object."""
    try:
        answer = guarded_request.send(
            "POST", url, form={"grant_type": "authorization_code"}, seconds=_SECONDS
        )
    except outbound.OutboundError:
        return False
    body = answer.json() if answer.status in {200, 400, 401} else None
    return isinstance(body, dict) and bool({"error", "access_token"} & body.keys())


def _document(url: str) -> dict[str, Any] | None:
    """The JSON object at an address; None if there is none. Redirects are not followed."""
    try:
        answer = guarded_request.send("GET", url, seconds=_SECONDS)
    except outbound.AddressRefused:
        raise addresses.DiscoveredAddressRefused(
            "The server's sign-in metadata is on a private network, so it can't be used. Contact whoever "
            "runs the server."
        ) from None
    except outbound.OutboundError:
        raise SignInUnusable(
            "The server requires sign-in, but its sign-in metadata couldn't be loaded. Please try again in a "
            "moment."
        ) from None
    if answer.status >= 500:
        raise SignInUnusable(
            "The server requires sign-in, but its sign-in metadata couldn't be loaded (status "
            f"{answer.status}). Please try again in a moment."
        )
    body = answer.json() if answer.status == 200 else None
    return body if isinstance(body, dict) else None
