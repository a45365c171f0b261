"""Google's answers: the token endpoint (RFC 6749 4.1.3) and the ID token (OpenID Connect Core 3.1.3.7).

Nothing here holds a database connection.
"""

from dataclasses import dataclass

from app import id_tokens, jwks, outbound
from app.accounts.google_provider import Provider
from app.errors import PatchbayError
from app.id_tokens import InvalidIdToken
from app.jwks import KeysUnavailable
from app.outbound import OutboundError

_SECONDS = 10.0
_MAX_BYTES = 256 * 1024
_LONGEST_SUBJECT = 255


class GoogleUnreachable(PatchbayError):
    """Google did not answer, or answered outside its specification."""

    code = "PROVIDER_UNAVAILABLE"
    status = 503
    message = "Google is unavailable. Try again in a minute, or sign in with your email."
    retryable = True


class NotFromGoogle(PatchbayError):
    """The answer was not issued by Google to us for this sign-in."""

    code = "SIGN_IN_REFUSED"
    status = 422
    message = "Google's response doesn't match this sign-in. Try again, or sign in with your email."


class AddressNotVerified(NotFromGoogle):
    """Google has an address for the person, but has not verified it."""

    message = (
        "Google hasn't verified that account's email. Verify it with Google first, or "
        "sign in with your email."
    )


@dataclass(frozen=True)
class Claims:
    """The person as Google identifies them. `runs_mailbox`: Google runs the mailbox of that address."""

    subject: str
    email: str
    name: str
    runs_mailbox: bool


def exchange(provider: Provider, code: str, verifier: str) -> str:
    """Exchange a code for the ID token. Raises GoogleUnreachable, NotFromGoogle."""
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
    """Verify the ID token and return its claims.

    Raises GoogleUnreachable, NotFromGoogle, AddressNotVerified.
    """
    try:
        claims = id_tokens.verify(
            id_token,
            jwks.keys_at(provider.certs_url),
            issuers=provider.issuers,
            audience=provider.client_id,
            nonce={"essential": True, "value": nonce},
        )
    except InvalidIdToken:
        raise NotFromGoogle() from None
    except KeysUnavailable:
        raise GoogleUnreachable() from None
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if len(subject) > _LONGEST_SUBJECT:
        raise NotFromGoogle()
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise AddressNotVerified()
    domain = email.rpartition("@")[2].lower()
    # https://developers.google.com/identity/gsi/web/guides/verify-google-id-token: for these two Google is
    # authoritative.
    runs_mailbox = domain in {"gmail.com", "googlemail.com"} or str(claims.get("hd", "")).lower() == domain
    return Claims(subject, email, name if isinstance(name, str) else "", runs_mailbox)
