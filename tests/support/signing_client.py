"""An AI client that signs an assertion for every request (RFC 7523), as ChatGPT does."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app import clock
from app.oauth_server.rfc7523_client_assertion import TYPE
from tests.support.ai_client import AiClient, Answer

ISSUER = "http://localhost:8000"
JWKS = "https://client.example/jwks.json"
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})
OTHER = RSAKey.generate_key(2048, {"kid": "rsa-2"})
SHORT = RSAKey.generate_key(1024, {"kid": "short"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed-1"})


@dataclass
class SigningClient(AiClient):
    """An AI client that signs an assertion for every request. `changes` are made to its claims."""

    key: Any = field(default_factory=lambda: RSA)
    alg: str = "RS256"
    header: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    sends_client_id: bool = True

    def assertion(self) -> str:
        at = int(clock.timestamp())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{ISSUER}/oauth/token",
            "iat": at,
            "exp": at + 300,
            "jti": secrets.token_urlsafe(16),
            **self.changes,
        }
        header = {"alg": self.alg, "kid": self.key.kid, **self.header}
        return jwt.encode(
            {k: v for k, v in header.items() if v is not None},
            {k: v for k, v in claims.items() if v is not None},
            self.key,
            algorithms=[self.alg],
        )

    def post(self, path: str, form: dict[str, Any]) -> Answer:
        signed = {"client_assertion_type": TYPE, "client_assertion": self.assertion()}
        return super().post(path, {**({} if self.sends_client_id else {"client_id": ""}), **signed, **form})


def with_change(client: SigningClient, **changes: Any) -> SigningClient:
    return SigningClient(**{**vars(client), **changes})
