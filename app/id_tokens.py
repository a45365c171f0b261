"""ID tokens (OpenID Connect Core 2): signature, issuer, audience and times, the same for every issuer.

Each caller adds its issuer's own checks and the sentences of its refusals.
"""

import re
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import GuestProtocol
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from app import clock
from app.jwks import PublicKey, SigningKeys

_LONGEST = 8_192
_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_SKEW_SECONDS = 60  # the issuer's clock may be ahead of ours by this; an end that has come, has come


class InvalidIdToken(Exception):
    """Not a token of that issuer for us, or no longer valid. Its text is the reason, for the log."""


class _Claims(JWTClaimsRegistry):
    def validate_auth_time(self, value: object) -> None:
        """`auth_time` is a time like `iat` (OpenID Connect Core 2)."""
        self.validate_iat(value)


def verify(
    token: str, keys: SigningKeys, *, issuers: list[str], audience: str, **claims: ClaimsOption
) -> dict[str, Any]:
    """Return the claims. `claims` are required besides `iss`, `aud`, `sub`, `iat` and `exp`.

    Raises InvalidIdToken, KeysUnavailable.
    """

    def find_key(signature: GuestProtocol) -> PublicKey:
        header = signature.headers()
        key = keys.find(header["kid"]) if header.get("kid") and "crit" not in header else None
        if key is None:
            raise InvalidKeyIdError("its key is unknown")
        return key

    if len(token) > _LONGEST or not _SHAPE.fullmatch(token):
        raise InvalidIdToken("it is no JSON Web Token")
    now = clock.timestamp()
    registry = _Claims(
        now=int(now),
        leeway=_SKEW_SECONDS,
        iss={"essential": True, "values": issuers},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        iat={"essential": True},
        exp={"essential": True},
        **claims,
    )
    try:
        # We choose the algorithm (RFC 8725, 3.1): neither "none", as emulators sign, nor a shared secret.
        decoded = jwt.decode(token, find_key, algorithms=["RS256"]).claims
        registry.validate(decoded)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise InvalidIdToken(str(error)) from None
    if decoded["exp"] <= now:
        raise InvalidIdToken("it has expired")
    # OpenID Connect Core 3.1.3.7: a token that others may use, too, could have been given to us by them.
    if decoded["aud"] not in (audience, [audience]):
        raise InvalidIdToken("it has several audiences")
    if decoded.get("azp", audience) != audience:
        raise InvalidIdToken("it was issued to another client")
    if not decoded["sub"].isprintable():
        raise InvalidIdToken("its subject is no text")
    return decoded
