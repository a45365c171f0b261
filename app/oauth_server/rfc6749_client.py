"""RFC 6749 section 2: clients, with the methods Authlib calls."""

import hmac
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin

from app.crypto import digest
from app.database import reading
from app.oauth_server import client_documents, client_pins, redirects, scopes
from app.oauth_server.client_metadata import SECRET_METHODS
from app.oauth_server.models import Client

CLIENT_PREFIX = "pbd_"
SECRET_PREFIX = "pbs_"


class KnownClient(ClientMixin):  # type: ignore[misc]
    """A client that may use this server."""

    def __init__(self, row: Client) -> None:
        self.row = row
        self.client_id = row.client_id

    def get_client_id(self) -> str:
        """The client identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """Section 3.1.2.3: the redirect URI may be omitted only when exactly one is registered."""
        [only, *others] = self.row.redirect_uris
        return only if not others and redirects.is_acceptable(only) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """True for a registered redirect URI."""
        return redirects.matches(self.row.redirect_uris, redirect_uri) or (
            self.row.kind != "registered" and client_pins.also_returns_to(self.client_id, redirect_uri)
        )

    def get_allowed_scope(self, scope: str | None) -> str:
        """The scope to grant. The scope a client registered with is no limit: step-up asks for more later."""
        return scopes.granted_for(scope)

    def check_client_secret(self, client_secret: str) -> bool:
        """True for the client's secret, compared in constant time."""
        return self.row.secret_digest is not None and hmac.compare_digest(
            digest(client_secret), self.row.secret_digest
        )

    @property
    def auth_methods(self) -> tuple[str, ...]:
        """The methods the client may authenticate with. A secret proves the same wherever it is sent."""
        if self.row.auth_method in SECRET_METHODS:
            return SECRET_METHODS
        listed = self.row.details.get("token_endpoint_auth_methods_supported")
        return tuple(listed) if listed and self.row.kind != "registered" else (self.row.auth_method,)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """True for a method the client may use; the same at every endpoint."""
        return method in self.auth_methods

    def check_response_type(self, response_type: Any) -> bool:
        """Always true: rfc6749_code.py checks the response type once."""
        return True

    def check_grant_type(self, grant_type: str) -> bool:
        """Every client may use both grants."""
        return grant_type in {"authorization_code", "refresh_token"}


def find(client_id: str, *, fetch: bool = False) -> KnownClient | None:
    """The client of that id, or None when it is unknown or blocked.

    With `fetch`, a metadata document may be loaded from the client's host; without, only the stored copy
    counts.
    """
    if not 0 < len(client_id) <= 512 or not client_id.isascii() or not client_id.isprintable():
        return None
    if client_id.startswith("https://"):
        row = client_documents.find(client_id, fetch=fetch)
    else:
        with reading() as db:
            row = db.get(Client, client_id)
    return KnownClient(row) if row is not None and row.blocked_at is None else None
