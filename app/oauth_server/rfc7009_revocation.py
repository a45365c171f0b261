"""RFC 7009: a client revokes a token of its own."""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint as _RevocationEndpoint
from sqlalchemy import select, update
from sqlmodel import Session, col

from app import audit, clock
from app.crypto import digest
from app.database import reading, transaction
from app.oauth_server import grants
from app.oauth_server.client_metadata import AUTH_METHODS
from app.oauth_server.models import AccessToken, Grant, RefreshToken

SIGNED_OUT = "The AI client signed out."


@dataclass(frozen=True)
class FoundToken:
    """A token of either kind with its grant, with the methods Authlib's endpoints call."""

    token: AccessToken | RefreshToken
    grant: Grant

    def check_client(self, client: Any) -> bool:
        """True for the client it was issued to."""
        return self.grant.client_id is not None and self.grant.client_id == client.client_id

    def is_expired(self) -> bool:
        """True once the token or its grant has expired."""
        ends = [self.token.expires_at, *([self.grant.expires_at] if self.grant.expires_at else [])]
        return min(ends) <= clock.now()

    def is_revoked(self) -> bool:
        """True when the token or its grant was revoked, or a refresh token was used."""
        ended = self.token.revoked_at if isinstance(self.token, AccessToken) else self.token.spent_at
        return ended is not None or self.grant.revoked_at is not None


def find_token(text: str) -> FoundToken | None:
    """The access or refresh token of that text, dead or alive. None if there is none."""
    with reading() as db:
        for kind in (AccessToken, RefreshToken):
            row = db.execute(
                select(kind, Grant)
                .join(Grant, col(Grant.id) == col(kind.grant_id))
                .where(col(kind.token_digest) == digest(text))
            ).first()
            if row is not None:
                return FoundToken(row[0], row[1])
    return None


class TokenEndpointRules:
    """What Authlib's revocation and introspection endpoints (RFC 7009, RFC 7662) share here."""

    CLIENT_AUTH_METHODS = list(AUTH_METHODS)

    def check_params(self, request: Any, client: Any) -> None:
        """Section 2.1 of both. Ignores a hint we do not know, as RFC 7009, 2.2.1 asks; Authlib refuses it."""
        if "token" not in request.form:
            raise InvalidRequestError("The parameter token is missing.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> FoundToken | None:
        """Ignores the hint, which saves nothing here: both look-ups are by primary key."""
        return find_token(token_string)


class RevocationEndpoint(TokenEndpointRules, _RevocationEndpoint):  # type: ignore[misc]
    """Section 2. An unknown token is not an error; another client's is refused."""

    def revoke_token(self, token: FoundToken, request: Any) -> None:
        """Section 2.1: a refresh token revokes its whole grant, an access token only itself."""
        with transaction() as db:
            if isinstance(token.token, RefreshToken):
                grants.revoke(db, token.grant.id, SIGNED_OUT)
            else:
                _end(db, token)


def _end(db: Session, found: FoundToken) -> None:
    """Revokes one access token. Idempotent, and in the audit trail once."""
    ended = db.execute(
        update(AccessToken)
        .where(
            col(AccessToken.token_digest) == found.token.token_digest, col(AccessToken.revoked_at).is_(None)
        )
        .values(revoked_at=clock.now())
    )
    if ended.rowcount:  # type: ignore[attr-defined]
        grant, details = found.grant, {"client": found.grant.client_name, "reason": SIGNED_OUT}
        audit.record(db, "token.revoked", **audit.about(grant, grant.user_id), **details)
