"""RFC 6749 section 6: the refresh token grant, with rotation (RFC 9700 section 4.14.2).

Each refresh token works once and names its successor. A response can get lost, and some clients refresh from
two addresses at once: for 60 seconds the spent token gets the same response again, until the successor is
used. Any later use means that two parties hold the token, so the whole family is revoked.
"""

import json
from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as _RefreshTokenGrant
from sqlalchemy import select, update
from sqlmodel import Session, col

from app import clock
from app.crypto import KeyRing, digest
from app.database import reading, transaction
from app.oauth_server import attempt_log, grants, scopes, tokens
from app.oauth_server.client_metadata import AUTH_METHODS
from app.oauth_server.models import Grant, RefreshToken
from app.oauth_server.rfc8707_resource import same_as_granted
from app.vault import seal
from app.web import current

REPLAYED = (
    "An old refresh token was presented again, so access was revoked as a precaution. Connect the AI "
    "client again."
)
_GRACE = timedelta(seconds=60)


class RefreshTokenGrant(_RefreshTokenGrant):  # type: ignore[misc]
    """Authlib's default neither rotates nor detects a second use; ours does both, in one transaction."""

    TOKEN_ENDPOINT_AUTH_METHODS = list(AUTH_METHODS)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def _validate_request_token(self, client: Any) -> RefreshToken:
        """The token with its grant; every dead token is `invalid_grant`."""
        given = self.request.form.get("refresh_token")
        if not given:
            raise InvalidRequestError("The parameter refresh_token is missing.")
        with reading() as db:
            token = db.scalars(
                select(RefreshToken).where(col(RefreshToken.token_digest) == digest(given))
            ).first()
        grant = tokens.live_grant(token.grant_id) if token else None
        if (
            token is None
            or grant is None
            or grant.client_id != client.client_id
            or token.expires_at <= clock.now()
        ):
            raise InvalidGrantError("The refresh token is invalid, expired or revoked.")
        same_as_granted(self.request, grant.resource)
        self.request.user = grant
        return token

    def _validate_token_scope(self, token: RefreshToken) -> None:
        """Section 6: an access token may be requested with less scope, never with more."""
        self._scope_for(token)

    def _scope_for(self, token: RefreshToken) -> str:
        scope = scopes.narrowed(self.request.payload.scope, token.scope)
        if scope is None:
            raise InvalidScopeError("The scope exceeds what was granted.")
        return scope

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Rotates, or returns a spent token's response once more."""
        token: RefreshToken = self.request.refresh_token
        answer = self._rotate(token) if token.spent_at is None else None
        return 200, answer or self._answer_again(token.token_digest), self.TOKEN_RESPONSE_HEADER

    def _rotate(self, token: RefreshToken) -> dict[str, Any] | None:
        """Spends the token on a new response. None if another request spent it a moment ago."""
        grant: Grant = self.request.user
        scope = self._scope_for(token)
        answer: dict[str, Any] = self.generate_token(user=grant, scope=scope, include_refresh_token=True)
        at = clock.now()
        with transaction() as db:
            spent = db.execute(
                update(RefreshToken)
                .where(
                    col(RefreshToken.token_digest) == token.token_digest, col(RefreshToken.spent_at).is_(None)
                )
                .values(
                    spent_at=at,
                    successor_digest=digest(answer["refresh_token"]),
                    answer_sealed=_keys().seal(json.dumps(answer), **seal.place(token, "answer_sealed")),
                )
            )
            if spent.rowcount != 1:  # type: ignore[attr-defined]
                return None
            self._forget_answer_of_predecessor(db, token)
            tokens.store(db, grant, answer, generation=token.generation + 1, refresh_scope=token.scope)
            tokens.note_use(db, grant.client_id)
            attempt_log.record(
                db,
                "refresh",
                "A new access token was issued.",
                client_id=grant.client_id or "",
                user_id=grant.user_id,
            )
        return answer

    @staticmethod
    def _forget_answer_of_predecessor(db: Session, token: RefreshToken) -> None:
        """Using the successor proves that its response arrived: the predecessor is dead from here on."""
        db.execute(
            update(RefreshToken)
            .where(col(RefreshToken.successor_digest) == token.token_digest)
            .values(answer_sealed=None)
        )

    def _answer_again(self, token_digest: str) -> dict[str, Any]:
        """The response of when the token was spent, at most a minute ago and with nothing since."""
        grant: Grant = self.request.user
        with reading() as db:
            token = db.scalars(
                select(RefreshToken).where(col(RefreshToken.token_digest) == token_digest)
            ).one()
        assert token.spent_at is not None
        age = clock.now() - token.spent_at
        if abs(age) > _GRACE or token.answer_sealed is None:
            with transaction() as db:
                grants.revoke(db, grant.id, REPLAYED)
                attempt_log.record(
                    db,
                    "refresh",
                    REPLAYED,
                    client_id=grant.client_id or "",
                    user_id=grant.user_id,
                    outcome="invalid_grant",
                )
            raise InvalidGrantError("The refresh token was used before.")
        answer: dict[str, Any] = json.loads(seal.unseal(_keys(), token, "answer_sealed"))
        if scopes.known(self.request.payload.scope) and self._scope_for(token) != answer["scope"]:
            raise InvalidScopeError("The refresh token was just used with another scope.")
        return {**answer, "expires_in": max(1, answer["expires_in"] - int(age.total_seconds()))}


def _keys() -> KeyRing:
    keys: KeyRing = current.settings().vault_keys
    return keys
