"""RFC 7662: a client introspects a token of its own.

Anyone can register a client here, so a secret proves nothing about its holder: a client learns nothing about
another client's tokens. Our own resource server looks tokens up directly (callers.py).
"""

from typing import Any

from authlib.oauth2.rfc7662 import IntrospectionEndpoint as _IntrospectionEndpoint

from app.oauth_server import tokens
from app.oauth_server.models import AccessToken
from app.oauth_server.rfc7009_revocation import FoundToken, TokenEndpointRules
from app.oauth_server.rfc9207_issuer import issuer


class IntrospectionEndpoint(TokenEndpointRules, _IntrospectionEndpoint):  # type: ignore[misc]
    """Section 2. Everything but a live token of the requesting client is `active: false`."""

    def check_permission(self, token: FoundToken, client: Any, request: Any) -> bool:
        """Section 4: only the client it was issued to, and only while its person may still use it."""
        return token.check_client(client) and tokens.live_grant(token.grant.id) is not None

    def introspect_token(self, token: FoundToken) -> dict[str, Any]:
        """Section 2.2. Names no person; `sub` is our opaque user id."""
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
