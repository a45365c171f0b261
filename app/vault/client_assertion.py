"""RFC 7523 sections 2.2 and 3: a client proves who it is with a JSON Web Token that it signs itself."""

import re
import secrets

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from app import clock

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE_SECONDS = 60
_PEM = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----(.+)-----END \1-----", re.DOTALL)
_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


def sign(client_id: str, private_key: str, audience: str) -> str:
    """An assertion for one request. Raises ValueError for a key that cannot sign one.

    `private_key` is PEM, also on a single line, as what is pasted into a field arrives.
    """
    key = _read(private_key)
    algorithm = "RS256" if isinstance(key, RSAKey) else _ALGORITHMS.get(str(key.curve_name))
    if algorithm is None:
        raise ValueError("this curve signs no assertions")
    now = int(clock.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + _LIFE_SECONDS,
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode({"alg": algorithm, "typ": "JWT"}, claims, key, algorithms=[algorithm])


def _read(text: str) -> RSAKey | ECKey:
    found = _PEM.search(text)
    if found is None:
        raise ValueError("no private key in PEM")
    kind, body = found[1], re.sub(r"\s", "", found[2])
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    pem = f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"
    for kind_of_key in (ECKey, RSAKey):
        try:
            key = kind_of_key.import_key(pem)
        except (JoseError, ValueError, TypeError):
            continue
        if key.is_private:
            return key
    raise ValueError("not a key that signs assertions")
