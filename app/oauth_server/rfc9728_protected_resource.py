"""RFC 9728: metadata of the MCP endpoint, and which authorization server guards it."""

from typing import Any

from app.config import Settings
from app.oauth_server import scopes


def metadata(settings: Settings, ending: str = "") -> dict[str, Any]:
    """Section 2. `resource` repeats the address the person typed, with its `ending`: a slash, the query of
    compact mode, or nothing.

    `offline_access` is for the authorization server alone, so it is not listed here.
    """
    return {
        "resource": settings.mcp_url + ending,
        "authorization_servers": [settings.public_url],
        "scopes_supported": list(scopes.DEFAULT),
        "bearer_methods_supported": ["header"],
        "resource_name": settings.brand_name,
        "resource_documentation": f"{settings.public_url}/",
    }
