"""RFC 8414: what this authorization server supports, for clients to read.

The same document is served at the OpenID Connect address for clients that look only there. It promises no ID
tokens: this server is no OpenID provider.
"""

from typing import Any

from app.config import Settings
from app.oauth_server import scopes
from app.oauth_server.client_metadata import AUTH_METHODS, GRANT_TYPES, SIGNING_ALGORITHMS

# RFC 8693, which app.identity_exchange adds
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def metadata(settings: Settings) -> dict[str, Any]:
    """Section 2, built from the configured address only."""
    base = settings.public_url
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "registration_endpoint": f"{base}/oauth/register",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "scopes_supported": list(scopes.SUPPORTED),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [*GRANT_TYPES, *([TOKEN_EXCHANGE] if settings.firebase_project_id else [])],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "protected_resources": [settings.mcp_url],
        "service_documentation": f"{base}/",
    }
