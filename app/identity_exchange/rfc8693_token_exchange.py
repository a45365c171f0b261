"""RFC 8693: token exchange at the token endpoint, from a Firebase ID token to an access token of ours only.

A client may authenticate as registered or stay unnamed (section 2.1 leaves that to us): what counts is the ID
token.
"""

from typing import Any

from authlib.oauth2.rfc6749 import BaseGrant, InvalidRequestError, InvalidScopeError, TokenEndpointMixin

from app.identity_exchange import exchange
from app.identity_exchange.exchange import Issued
from app.identity_exchange.firebase_tokens import IdTokenRefused
from app.identity_exchange.identities import NoMembership
from app.identity_exchange.memberships import NoBusiness
from app.oauth_server import scopes
from app.oauth_server.client_metadata import AUTH_METHODS
from app.oauth_server.rfc8414_metadata import TOKEN_EXCHANGE
from app.oauth_server.rfc8707_resource import InvalidTargetError, canonical
from app.web import current

# what a request that names its client holds
_CREDENTIALS = {"client_id", "client_secret", "client_assertion", "client_assertion_type"}
_TYPE = "urn:ietf:params:oauth:token-type:"
ID_TOKEN, ACCESS_TOKEN = _TYPE + "id_token", _TYPE + "access_token"


class TokenExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """Section 2."""

    GRANT_TYPE = TOKEN_EXCHANGE
    TOKEN_ENDPOINT_AUTH_METHODS = list(AUTH_METHODS)

    def validate_token_request(self) -> None:
        """Section 2.1."""
        given = self.request.payload.data
        if _CREDENTIALS & given.keys() or self.request.headers.get("Authorization"):
            self.request.client = self.authenticate_token_endpoint_client()
        for name in ("subject_token", "subject_token_type"):
            if name not in given:
                raise InvalidRequestError(f"The parameter {name} is missing.")
        if given["subject_token_type"] != ID_TOKEN:
            raise InvalidRequestError(f"The subject_token_type must be {ID_TOKEN}.")
        if given.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise InvalidRequestError(f"The requested_token_type must be {ACCESS_TOKEN}.")
        if "actor_token" in given or "actor_token_type" in given:
            raise InvalidRequestError("Acting for somebody is not supported: leave the actor_token out.")
        canonical(given.get("resource"))
        if given.get("audience", ours := current.settings().mcp_url) != ours:
            raise InvalidTargetError()
        if not self._requested() <= set(exchange.SCOPES):
            raise InvalidScopeError("The exchange gives no more than " + " ".join(exchange.SCOPES) + ".")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Section 2.2.1. An invalid or unacceptable subject token is `invalid_request` (section 2.2.2)."""
        try:
            issued = self._exchange()
        except (IdTokenRefused, NoMembership, NoBusiness) as refused:
            raise InvalidRequestError(refused.message) from None
        answer = {
            "access_token": issued.access_token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "scope": " ".join(issued.scopes),
        }
        return 200, answer, self.TOKEN_RESPONSE_HEADER

    def _exchange(self) -> Issued:
        given, known = self.request.payload.data, self.request.client
        client = (
            exchange.RequestingClient(known.client_id, known.row.name) if known else exchange.UNNAMED_CLIENT
        )
        return exchange.exchange(
            current.settings(),
            current.mailer(),
            given["subject_token"],
            client=client,
            requested=self._requested() or exchange.SCOPES,
        )

    def _requested(self) -> frozenset[str]:
        """The scopes asked for. Unknown names are dropped, as at the other endpoints."""
        return scopes.known(self.request.payload.data.get("scope")) - {scopes.OFFLINE}
