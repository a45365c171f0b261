"""ID tokens of Firebase, verified as https://firebase.google.com/docs/auth/admin/verify-id-tokens asks.

Everything that is wrong with one is the same refusal to its sender; which it was is in the log.
"""

import logging
import math
import re
from dataclasses import dataclass
from typing import Any

import jwt

from app import clock
from app.errors import PatchbayError
from app.jwks import Certificates

log = logging.getLogger(__name__)

_LONGEST = 8_192
_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_ALGORITHM = "RS256"
_SKEW_SECONDS = 60  # by so much the issuer's clock may be ahead of ours; an end that has come, has come
_LONGEST_SUBJECT = 128


class IdTokenRefused(PatchbayError):
    """Not an ID token we can trust, or not any more."""

    code = "INVALID_TOKEN"
    status = 401
    message = "The identity token is not valid here, or has expired. Sign in again for a new one."


@dataclass(frozen=True)
class Identity:
    """Who an ID token is about. `verified_email` is "" unless the issuer says that it was verified."""

    issuer: str
    subject: str
    verified_email: str


def verify(token: str, project: str, certificates: Certificates) -> Identity:
    """Who the token is about. Raises IdTokenRefused, or CertificatesUnavailable when it cannot be told."""
    try:
        return _verify(token, project, certificates)
    except jwt.InvalidTokenError as error:
        log.info(
            "an identity token was refused: %s",
            type(error).__name__ if type(error) is not jwt.InvalidTokenError else error,
        )
        raise IdTokenRefused() from None


def issuer_of(project: str) -> str:
    """Who signs for a project."""
    return f"https://securetoken.google.com/{project}"


def _verify(token: str, project: str, certificates: Certificates) -> Identity:
    if len(token) > _LONGEST or not _SHAPE.fullmatch(token):
        raise jwt.InvalidTokenError("it is no JSON Web Token")
    header = jwt.get_unverified_header(token)
    key_id = header.get("kid")
    # The algorithm is ours to say (RFC 8725, 3.1): neither "none", as emulators sign, nor a shared secret.
    if header.get("alg") != _ALGORITHM or "crit" in header or not isinstance(key_id, str) or not key_id:
        raise jwt.InvalidTokenError("its header is not one of Firebase's")
    key = certificates.find(key_id)
    if key is None:
        raise jwt.InvalidTokenError("its key is unknown")
    # The clock is compared below, since PyJWT reads one of its own.
    claims = jwt.decode(
        token,
        key,
        algorithms=[_ALGORITHM],
        audience=project,
        issuer=issuer_of(project),
        options={
            "require": ["exp", "iat", "auth_time", "aud", "iss", "sub"],
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "strict_aud": True,
        },
    )
    _check_times(claims)
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        raise jwt.InvalidTokenError("its subject is missing or too long")
    email = claims.get("email")
    is_verified = claims.get("email_verified") is True
    return Identity(issuer_of(project), subject, email if is_verified and isinstance(email, str) else "")


def _check_times(claims: dict[str, Any]) -> None:
    times = [claims[name] for name in ("exp", "iat", "auth_time")]
    if not all(
        isinstance(at, int | float) and not isinstance(at, bool) and math.isfinite(at) for at in times
    ):
        raise jwt.InvalidTokenError("its times are no numbers")
    now = clock.timestamp()
    if times[0] <= now:
        raise jwt.InvalidTokenError("it has expired")
    if max(times[1:]) > now + _SKEW_SECONDS:
        raise jwt.InvalidTokenError("it comes from the future")
