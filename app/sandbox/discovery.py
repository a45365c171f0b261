"""The metadata by which clients find the authorization server of an imitated MCP server."""

from typing import Any

from flask import Flask, Response, jsonify, request

from app.sandbox import registered_clients
from app.sandbox.current import here
from app.sandbox.rules import Rules

RESOURCE_PATH = "/mcp"


def mount(app: Flask, slug: str, rules: Rules) -> None:
    """Add the two documents and the registration endpoint to a service that registers clients."""

    def protected_resource() -> Response:
        """RFC 9728 3.2. Protected Resource Metadata Response."""
        return jsonify(
            resource=resource(),
            resource_name=here().service.name,
            authorization_servers=[issuer()],
            scopes_supported=sorted(rules.scopes),
            bearer_methods_supported=["header"],
        )

    def authorization_server() -> Response:
        """RFC 8414 3.2. Authorization Server Metadata Response."""
        return jsonify(_server_metadata(rules))

    at_root = {
        f"/.well-known/oauth-protected-resource/{slug}{RESOURCE_PATH}": protected_resource,
        f"/.well-known/oauth-authorization-server/{slug}": authorization_server,
    }
    for path, view in at_root.items():
        app.add_url_rule(path, f"{slug}.{view.__name__}", view)
    app.add_url_rule(f"/{slug}/register", f"{slug}.register", registered_clients.register, methods=["POST"])


def issuer() -> str:
    """The issuer identifier of the service this request is for."""
    return f"{request.host_url}{here().service.slug}"


def resource() -> str:
    """The identifier of its MCP server, for which tokens are issued (RFC 8707)."""
    return issuer() + RESOURCE_PATH


def _server_metadata(rules: Rules) -> dict[str, Any]:
    base = issuer()
    methods = list(registered_clients.AUTH_METHODS)
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}{rules.authorize_path}",
        "token_endpoint": f"{base}{rules.token_path}",
        "revocation_endpoint": f"{base}{rules.revoke_path}",
        "registration_endpoint": f"{base}/register",
        "scopes_supported": sorted(rules.scopes),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
    }
