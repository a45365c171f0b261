"""What Google says about somebody: the code's exchange (RFC 6749 4.1.3) and the ID token (OpenID Connect Core
3.1.3.7).

Nothing here holds a database connection. Google's keys are kept as long as Google allows, so that a short
outage stops nobody; without a key the token was signed with, nobody comes in.
"""

import re
import threading
import time
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from app import clock, outbound
from app.accounts.google_provider import Provider
from app.errors import PatchbayError
from app.outbound import OutboundError

_SECONDS = 10.0
_MAX_BYTES = 256 * 1024
_LEEWAY_SECONDS = 60
_KEPT_SECONDS = range(300, 86_400)  # what Google's max-age may say
_NOT_AGAIN_WITHIN_SECONDS = 60.0


class GoogleUnreachable(PatchbayError):
    """Google did not answer, or not what it promises to."""

    code = "PROVIDER_UNAVAILABLE"
    status = 503
    message = "Google cannot be reached at this moment. Try again in a minute, or sign in with your email."
    retryable = True


class NotFromGoogle(PatchbayError):
    """The answer is not one Google gave to us for this sign-in."""

    code = "SIGN_IN_REFUSED"
    status = 422
    message = "Google's answer does not fit this sign-in. Try again, or sign in with your email."


class AddressNotVerified(NotFromGoogle):
    """Google has an address for the person, but never checked it."""

    message = (
        "Google has not verified the email address of that account. Verify it at Google first, or "
        "sign in with your email."
    )


@dataclass(frozen=True)
class Claims:
    """Who somebody is, in Google's words. `runs_mailbox`: Google itself keeps the mailbox of that address."""

    subject: str
    email: str
    name: str
    runs_mailbox: bool


def exchange(provider: Provider, code: str, verifier: str) -> str:
    """The ID token for a code. Raises GoogleUnreachable, NotFromGoogle."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
        "redirect_uri": provider.redirect_uri,
        "code_verifier": verifier,
    }
    try:
        answer = outbound.send("POST", provider.token_url, form=form, seconds=_SECONDS, max_bytes=_MAX_BYTES)
    except OutboundError:
        raise GoogleUnreachable() from None
    if answer.status >= 500:
        raise GoogleUnreachable()
    body = answer.json()
    id_token = body.get("id_token") if answer.status == 200 and isinstance(body, dict) else None
    if not isinstance(id_token, str):
        raise NotFromGoogle()
    return id_token


def verify(provider: Provider, id_token: str, nonce: str) -> Claims:
    """Who the ID token names. Raises GoogleUnreachable, NotFromGoogle, AddressNotVerified."""
    claims = _checked(provider, id_token, nonce)
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= 255
        or claims.get("azp", provider.client_id) != provider.client_id
    ):
        raise NotFromGoogle()
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise AddressNotVerified()
    domain = email.rpartition("@")[2].lower()
    # https://developers.google.com/identity/gsi/web/guides/verify-google-id-token: for these two Google is
    # authoritative.
    runs_mailbox = domain in {"gmail.com", "googlemail.com"} or str(claims.get("hd", "")).lower() == domain
    return Claims(subject, email, name if isinstance(name, str) else "", runs_mailbox)


def _checked(provider: Provider, id_token: str, nonce: str) -> dict[str, Any]:
    """The claims of a token that Google signed, for us, for this sign-in, and that is still good."""
    registry = JWTClaimsRegistry(
        now=lambda: int(clock.timestamp()),
        leeway=_LEEWAY_SECONDS,
        iss={"essential": True, "values": provider.issuers},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    for fresh in (False, True):  # a key we do not know yet may be a new one
        keys = _keys(provider.certs_url, fresh=fresh)
        try:
            token = jwt.decode(id_token, keys, algorithms=["RS256"])
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        try:
            registry.validate(token.claims)
        except (JoseError, ValueError, TypeError):
            break
        return dict(token.claims)
    raise NotFromGoogle()


# --- Google's keys ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kept:
    keys: KeySet
    asked_at: float
    until: float


_kept: dict[str, _Kept] = {}
_one_asks = threading.Lock()


def _keys(url: str, *, fresh: bool) -> KeySet:
    """Google's signing keys. `fresh` asks again even though they are kept, but not twice a minute. Raises
    GoogleUnreachable.
    """
    with _one_asks:
        kept, moment = _kept.get(url), time.monotonic()
        if kept is not None and moment < (kept.asked_at + _NOT_AGAIN_WITHIN_SECONDS if fresh else kept.until):
            return kept.keys
        try:
            answer = outbound.send("GET", url, seconds=_SECONDS, max_bytes=_MAX_BYTES)
            keys = KeySet.import_key_set(answer.json()) if answer.status == 200 else None
        except (OutboundError, JoseError, ValueError, TypeError, KeyError, AttributeError):
            keys = None
        if keys is None:
            if kept is not None and moment < kept.until:
                return kept.keys
            raise GoogleUnreachable()
        _kept[url] = _Kept(keys, moment, moment + _lifetime(answer.headers.get("Cache-Control", "")))
        return keys


def _lifetime(cache_control: str) -> int:
    found = re.search(r"max-age=(\d{1,9})", cache_control)
    return min(max(int(found[1]) if found else 0, _KEPT_SECONDS.start), _KEPT_SECONDS.stop)


def forget_keys() -> None:
    """Ask Google for its keys anew, for tests that change them."""
    _kept.clear()
