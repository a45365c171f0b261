"""Icons for AI clients: ours in `serverInfo`, and one per service.

Clients must read PNG and should read SVG:
https://modelcontextprotocol.io/specification/2025-11-25/basic#icons
"""

from functools import cache
from typing import Any

from mcp_types import Icon

from app.config import ROOT, Settings

_SERVICES = ROOT / "static" / "icons" / "services"


def of_server(settings: Settings) -> list[Icon]:
    """The installation's icon: its logo, else our mark in its accent, else our mark."""
    if settings.brand_logo_url:
        return [Icon(src=settings.brand_logo_url)]
    if settings.brand_accent:
        return [Icon(src=f"{settings.public_url}/brand.svg", mime_type="image/svg+xml", sizes=["any"])]
    ours = f"{settings.public_url}/static/icons/favicon"
    return [
        Icon(src=f"{ours}.png", mime_type="image/png", sizes=["128x128"]),
        Icon(src=f"{ours}.svg", mime_type="image/svg+xml", sizes=["any"]),
    ]


@cache
def of_service(public_url: str, slug: str) -> list[dict[str, Any]]:
    """A service's icon as an entry of tools/list has it; none for a service of one workspace."""
    if not (_SERVICES / f"{slug}.svg").exists():
        return []
    return [{"src": f"{public_url}/static/icons/services/{slug}.svg", "mimeType": "image/svg+xml"}]
