"""RFC 7523 sections 2.2 and 3: a client authenticates with a JSON Web Token that it signed (private_key_jwt).

The keys are at the client's `jwks_uri`, fetched through app.outbound's guard and cached (app.jwks), or in its
metadata. An assertion works once: its `jti` is stored, for all hosts, until it expires.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import InvalidClientError
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from app import clock, jwks
from app.crypto import digest
from app.database import transaction
from app.errors import Unavailable
from app.jwks import KeysUnavailable, PublicKey
from app.oauth_server import fetch_budget
from app.oauth_server.client_metadata import SIGNING_ALGORITHMS
from app.oauth_server.models import ClientAssertion
from app.oauth_server.rfc6749_client import KnownClient
from app.oauth_server.rfc9207_issuer import issuer

log = logging.getLogger(__name__)

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ENDPOINTS = (
    *("/oauth/token", "/oauth/revoke", "/oauth/introspect"),
    *("/token", "/refresh"),  # the addresses of older clients (aliases.py)
)
_LONGEST = 16_384
_LIFETIME_SECONDS = 3_600
_SKEW_SECONDS = 60  # the client's clock may differ from ours by this
_JTI_LENGTH = 512


class ClientKeysUnavailable(Unavailable):
    """The client's keys could not be fetched, so its assertion proves nothing yet."""

    message = (
        "The keys to check the client_assertion with could not be fetched from the jwks_uri of the client. "
        "Please try again in a minute."
    )


def client_id_in(assertion: str) -> str | None:
    """The client an assertion names, unverified: RFC 7521 section 4.2 lets a request leave client_id out."""
    try:
        claims = jws.extract_compact(assertion.encode()).payload if len(assertion) <= _LONGEST else b""
        subject = json.loads(claims).get("sub")
    except (JoseError, ValueError, AttributeError, RecursionError):
        return None
    return subject if isinstance(subject, str) else None


def verify(assertion: str, client: KnownClient) -> None:
    """Checks an assertion of the client and spends it. Raises InvalidClientError with the rule it breaks, and
    ClientKeysUnavailable.

    A client that may also use `none` would be accepted with no assertion at all: if its keys cannot be
    fetched, it is accepted here, too.
    """
    header = _header(assertion, client.row.details.get("token_endpoint_auth_signing_alg"))
    try:
        keys = _keys(client, header.get("kid"))
    except KeysUnavailable:
        if "none" in client.auth_methods:
            log.warning("the keys of an AI client could not be fetched: accepted as a public client")
            return
        raise ClientKeysUnavailable() from None
    claims = _verified(assertion, header["alg"], keys)
    _check(claims, client.client_id)
    _spend(client.client_id, claims["jti"], claims["exp"])


def _header(assertion: str, registered_algorithm: str | None) -> dict[str, Any]:
    """The header, unverified. RFC 7591 section 2: a client that names an algorithm signs with no other."""
    try:
        header = jws.extract_compact(assertion.encode()).headers() if len(assertion) <= _LONGEST else {}
    except (JoseError, ValueError, TypeError, RecursionError):
        header = {}
    if not isinstance(header, dict) or not isinstance(header.get("alg"), str):
        raise _refused("is not a signed JSON Web Token")
    accepted = (registered_algorithm,) if registered_algorithm else SIGNING_ALGORITHMS
    if header["alg"] not in accepted:
        raise _refused(f"must be signed with {', '.join(accepted)}")
    if "crit" in header:
        raise _refused("has a crit header, which is not supported")
    return header


def _keys(client: KnownClient, key_id: object) -> tuple[PublicKey, ...]:
    """The client's keys that may have signed: the one named, or all. Raises KeysUnavailable."""
    details = client.row.details
    if url := details.get("jwks_uri"):
        host = urlsplit(url).netloc
        source = jwks.strangers_keys_at(url, lambda: fetch_budget.may_fetch(host))
        if not isinstance(key_id, str):
            return source.every()
        found = source.find(key_id)
        return (found,) if found else ()
    held = jwks.read(details.get("jwks"))
    return tuple(key for key in held if not isinstance(key_id, str) or key.kid == key_id)


def _verified(assertion: str, algorithm: str, keys: tuple[PublicKey, ...]) -> dict[str, Any]:
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    for key in keys:
        try:
            return jwt.decode(assertion, key, registry=registry).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            continue  # another key, or none, signed it
    raise _refused("is not signed with a key of this client")


def _check(claims: dict[str, Any], client_id: str) -> None:
    """RFC 7523 section 3. A list of audiences is accepted when one of them is ours."""
    now = clock.timestamp()
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _refused("must have the client_id as iss and as sub")
    audiences = claims["aud"] if isinstance(claims.get("aud"), list) else [claims.get("aud")]
    if not any(audience in _audiences() for audience in audiences if isinstance(audience, str)):
        raise _refused(f"must have {issuer()} or the token endpoint as aud")
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if not all(type(value) in {int, float} and 0 <= value < 10**11 for value in times.values()):
        raise _refused("has an exp, nbf or iat that is no time in seconds")
    if "exp" not in times:
        raise _refused("must have an exp")
    if times["exp"] <= now - _SKEW_SECONDS:
        raise _refused("has expired")
    if times["exp"] > min(now, times.get("iat", now)) + _LIFETIME_SECONDS + _SKEW_SECONDS:
        raise _refused("must not be valid for more than an hour")
    if max(times.get("nbf", 0), times.get("iat", 0)) > now + _SKEW_SECONDS:
        raise _refused("is not valid yet: the clock of the client is ahead")
    if not isinstance(claims.get("jti"), str) or not 0 < len(claims["jti"]) <= _JTI_LENGTH:
        raise _refused("must have a jti that is used once")


def _audiences() -> set[str]:
    base = issuer()
    return {base, f"{base}/", *(base + path for path in _ENDPOINTS)}


def _spend(client_id: str, jti: str, ends: float) -> None:
    """Stores the `jti`. Of parallel requests with one assertion, one succeeds."""
    at = datetime.fromtimestamp(ends + _SKEW_SECONDS, UTC)
    try:
        with transaction() as db:
            db.add(ClientAssertion(id_digest=digest(f"{client_id}\n{jti}"), expires_at=at))
    except IntegrityError:
        raise _refused("was used before: sign a new one for each request") from None


def forget_old(db: Session) -> None:
    """Deletes the assertions that have expired."""
    db.execute(delete(ClientAssertion).where(col(ClientAssertion.expires_at) < clock.now()))


def _refused(rule: str) -> InvalidClientError:
    return InvalidClientError(f"The client_assertion {rule}.", status_code=401)
