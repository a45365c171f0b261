"""RFC 7591: dynamic client registration, open to everyone. A registration therefore proves nothing."""

from typing import Any

from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint as _ClientRegistrationEndpoint
from authlib.oauth2.rfc7591 import InvalidClientMetadataError, InvalidRedirectURIError

from app import clock
from app.crypto import digest, new_token
from app.database import transaction
from app.oauth_server import attempt_log, client_metadata, redirects
from app.oauth_server.client_metadata import SECRET_METHODS
from app.oauth_server.models import Client
from app.oauth_server.rfc6749_client import CLIENT_PREFIX, SECRET_PREFIX, KnownClient


class ClientRegistrationEndpoint(_ClientRegistrationEndpoint):  # type: ignore[misc]
    """Authlib's own validation crashes on wrong types and issues public clients an empty secret."""

    def authenticate_token(self, request: Any) -> bool:
        """Section 3: open registration. The route limits the rate; unused clients expire."""
        return True

    def extract_client_metadata(self, request: Any) -> dict[str, Any]:
        """Section 2, every field checked and unknown values replaced. Raises the errors of section 3.2.2."""
        try:
            return client_metadata.for_registration(request.payload.data).details()
        except client_metadata.InvalidMetadata as error:
            kind = InvalidRedirectURIError if error.field == "redirect_uris" else InvalidClientMetadataError
            raise kind(_plain(str(error))) from None

    def generate_client_info(self, request: Any) -> dict[str, Any]:
        """Section 3.2.1: the identifier. save_client adds the secret for clients that use one."""
        return {"client_id": new_token(CLIENT_PREFIX), "client_id_issued_at": int(clock.timestamp())}

    def save_client(
        self, client_info: dict[str, Any], client_metadata: dict[str, Any], request: Any
    ) -> KnownClient:
        """Stores the client. One that is public or signs gets no secret."""
        method = client_metadata["token_endpoint_auth_method"]
        request.client_secret = new_token(SECRET_PREFIX) if method in SECRET_METHODS else None
        client = Client(
            client_id=client_info["client_id"],
            kind="registered",
            name=client_metadata["client_name"],
            redirect_uris=client_metadata["redirect_uris"],
            auth_method=method,
            secret_digest=digest(request.client_secret) if request.client_secret else None,
            details=client_metadata,
            created_at=clock.now(),
        )
        with transaction() as db:
            db.add(client)
            hosts = ", ".join(sorted({redirects.host_of(uri) for uri in client.redirect_uris}))
            attempt_log.record(
                db,
                "registration",
                f"{client.name} registered itself, returning to {hosts}.",
                client_id=client.client_id,
            )
        return KnownClient(client)

    def generate_client_registration_info(self, client: KnownClient, request: Any) -> dict[str, Any] | None:
        """Section 3.2.1: the secret never expires. We have no client configuration endpoint (RFC 7592)."""
        return (
            {"client_secret": request.client_secret, "client_secret_expires_at": 0}
            if request.client_secret
            else None
        )


def _plain(sentence: str) -> str:
    """The sentence within the characters an error description may have (RFC 6749 section 5.2)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in sentence)
