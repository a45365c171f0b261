"""The URL of a service's consent page (RFC 6749 section 4.1.1, RFC 7636)."""

import base64
import hashlib
from urllib.parse import urlencode

from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints


def of(connector: Connector, endpoints: Endpoints, scopes: str, state: str, verifier: str) -> str:
    """The URL that asks for these scopes (space separated). `verifier` is used if the service takes PKCE."""
    parameters = {
        "response_type": "code",
        "client_id": endpoints.client_id,
        "redirect_uri": endpoints.redirect_uri,
        "state": state,
        **({"scope": scopes} if scopes else {}),
        **(
            {"code_challenge": _challenge(verifier), "code_challenge_method": "S256"}
            if connector.auth.pkce
            else {}
        ),
        **connector.auth.authorize_params,
    }
    return endpoints.authorize_url + ("&" if "?" in endpoints.authorize_url else "?") + urlencode(parameters)


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2: BASE64URL(SHA256(verifier)), without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
