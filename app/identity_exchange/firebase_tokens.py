"""ID tokens of Firebase, verified as https://firebase.google.com/docs/auth/admin/verify-id-tokens asks.

Everything that is wrong with one is the same refusal to its sender; which it was is in the log.
"""

import logging
from dataclasses import dataclass

from app import id_tokens
from app.errors import PatchbayError
from app.id_tokens import InvalidIdToken
from app.jwks import SigningKeys

log = logging.getLogger(__name__)

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


def verify(token: str, project: str, keys: SigningKeys) -> Identity:
    """Returns who the token is about. Raises IdTokenRefused, KeysUnavailable."""
    issuer = issuer_of(project)
    try:
        claims = id_tokens.verify(
            token, keys, issuers=[issuer], audience=project, auth_time={"essential": True}
        )
        if not isinstance(claims["aud"], str):
            raise InvalidIdToken("it has several audiences")
        if len(claims["sub"]) > _LONGEST_SUBJECT:
            raise InvalidIdToken("its subject is too long")
    except InvalidIdToken as error:
        log.info("an identity token was refused: %s", error)
        raise IdTokenRefused() from None
    email = claims.get("email")
    is_verified = claims.get("email_verified") is True
    return Identity(issuer, claims["sub"], email if is_verified and isinstance(email, str) else "")


def issuer_of(project: str) -> str:
    """Who signs for a project."""
    return f"https://securetoken.google.com/{project}"
