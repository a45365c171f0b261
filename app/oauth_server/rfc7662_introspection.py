"""RFC 7662: a client asks about a token of its own.

Anyone can register a client here, so a secret proves nothing about its holder: nobody learns about another
client's tokens. Our own resource server looks tokens up directly (bearer.py).
"""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint as _IntrospectionEndpoint

from app.oauth_server import tokens
from app.oauth_server.client_metadata import AUTH_METHODS
from app.oauth_server.models import AccessToken
from app.oauth_server.rfc7009_revocation import FoundToken, find_token
from app.oauth_server.rfc9207_issuer import issuer


class IntrospectionEndpoint(_IntrospectionEndpoint):  # type: ignore[misc]
    """Section 2. Everything that is not a living token of the asking client is `active: false`."""

    CLIENT_AUTH_METHODS = list(AUTH_METHODS)

    def check_params(self, request: Any, client: Any) -> None:
        """Section 2.1. A hint we do not know is ignored."""
        if "token" not in request.form:
            raise InvalidRequestError("The parameter token is missing.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> FoundToken | None:
        """The token, whatever the hint says."""
        return find_token(token_string)

    def check_permission(self, token: FoundToken, client: Any, request: Any) -> bool:
        """Section 4: only the client it was issued to, and only while its person may still use it."""
        return token.check_client(client) and tokens.live_grant(token.grant.id) is not None

    def introspect_token(self, token: FoundToken) -> dict[str, Any]:
        """Section 2.2. Names no person, only our opaque id of one."""
        return {
            "active": True,
            "scope": token.token.scope,
            "client_id": token.grant.client_id,
            "token_type": "Bearer" if isinstance(token.token, AccessToken) else "refresh_token",
            "exp": int(token.token.expires_at.timestamp()),
            "iat": int(token.token.created_at.timestamp()),
            "sub": token.grant.user_id,
            "aud": token.grant.resource,
            "iss": issuer(),
        }
