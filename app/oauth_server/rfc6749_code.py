"""RFC 6749 section 4.1: the authorization code grant."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant as _AuthorizationCodeGrant
from sqlalchemy import select, update
from sqlmodel import col

from app import clock
from app.crypto import digest
from app.database import reading, transaction
from app.oauth_server import attempt_log, grants, redirects, tokens
from app.oauth_server.client_metadata import AUTH_METHODS
from app.oauth_server.models import AuthorizationCode, Grant
from app.oauth_server.rfc6749_request import refuse_repeats

REPLAYED = (
    "An authorization code was presented again, so all its tokens were revoked. Connect the AI client again."
)


class UnsupportedResponseType(OAuth2Error):  # type: ignore[misc]
    """Section 4.1.2.1. Authlib's own class repeats the value, which may hold characters an error must not."""

    error = "unsupported_response_type"
    description = "Only response_type=code is supported."


class AuthorizationCodeGrant(_AuthorizationCodeGrant):  # type: ignore[misc]
    """`flows.complete` issues the codes, after the hub; this class checks requests and redeems codes."""

    TOKEN_ENDPOINT_AUTH_METHODS = list(AUTH_METHODS)

    # --- 4.1.1. Authorization Request ---

    @staticmethod
    def validate_no_multiple_request_parameter(request: Any) -> None:
        """Section 3.1. Only these two decide where an error goes; the others are checked afterwards."""
        refuse_repeats(request, "client_id", "redirect_uri")

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: Any) -> str:
        """Section 3.1.2. Raises InvalidRequestError, which is never redirected."""
        requested = request.payload.redirect_uri
        if requested and not client.check_redirect_uri(requested):
            raise InvalidRequestError("The redirect_uri is not one that this client registered.")
        found: str | None = requested or client.get_default_redirect_uri()
        if not found:
            raise InvalidRequestError("The parameter redirect_uri is missing.")
        return found

    def validate_requested_scope(self) -> None:
        """The first hook after client and redirect URI are verified: errors may now be redirected."""
        refuse_repeats(self.request)
        given = self.request.payload.data
        if not given.get("response_type"):
            raise InvalidRequestError("The parameter response_type is missing.")
        if given["response_type"] != "code":
            raise UnsupportedResponseType()
        if given.get("response_mode", "query") != "query":
            raise InvalidRequestError("Only response_mode=query is supported.")
        if "request" in given or "request_uri" in given:
            raise InvalidRequestError("Request objects are not supported.")

    # --- 4.1.3. Access Token Request ---

    def query_authorization_code(self, code: str, client: Any) -> AuthorizationCode | None:
        """The client's code, also after use: only a request right in everything else is a replay."""
        with reading() as db:
            found = db.scalars(
                select(AuthorizationCode).where(
                    col(AuthorizationCode.code_digest) == digest(code),
                    col(AuthorizationCode.client_id) == client.client_id,
                )
            ).first()
        if found is None or (found.used_at is None and found.expires_at <= clock.now()):
            return None
        sent = self.request.payload.redirect_uri
        if sent is not None and redirects.is_same(sent, found.redirect_uri):
            found.redirect_uri = sent  # Authlib compares strings
        return found

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Grant:
        """The grant behind the code. Every other part of the request has been checked by now."""
        if self.request.payload.redirect_uri not in {None, authorization_code.redirect_uri}:
            raise InvalidGrantError("Invalid 'redirect_uri' in request.")
        if authorization_code.used_at is not None:
            self._end_family(authorization_code)
        grant = tokens.live_grant(authorization_code.grant_id)
        if grant is None:
            raise InvalidGrantError("The access behind this code was revoked.")
        return grant

    def save_token(self, token: dict[str, Any]) -> None:
        """Spends the code and stores its tokens in one transaction: of parallel requests one gets tokens."""
        code: AuthorizationCode = self.request.authorization_code
        grant: Grant = self.request.user
        at = clock.now()
        with transaction() as db:
            spent = db.execute(
                update(AuthorizationCode)
                .where(
                    col(AuthorizationCode.code_digest) == code.code_digest,
                    col(AuthorizationCode.used_at).is_(None),
                )
                .values(used_at=at)
            )
            if is_first := spent.rowcount == 1:  # type: ignore[attr-defined]
                tokens.store(db, grant, token, generation=1, refresh_scope=code.scope)
                tokens.note_use(db, code.client_id)
                attempt_log.record(
                    db,
                    "token",
                    "The code was exchanged for tokens.",
                    client_id=code.client_id,
                    user_id=grant.user_id,
                )
        if not is_first:
            self._end_family(code)

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Does nothing: save_token spent the code. The row stays, so that a replay is detected."""

    def _end_family(self, code: AuthorizationCode) -> None:
        """Section 4.1.2: a code used twice revokes the tokens issued from it."""
        with transaction() as db:
            grants.revoke(db, code.grant_id, REPLAYED)
            attempt_log.record(db, "token", REPLAYED, client_id=code.client_id, outcome="invalid_grant")
        raise InvalidGrantError("This code was used before.")
