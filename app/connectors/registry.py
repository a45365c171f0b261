"""Every service, in the order the hub shows them. Adding one is a line here."""

from app.connectors import (
    flowpos,
    freshbooks,
    gmail,
    google_sheets,
    quickbooks,
    servicefusion,
    stripe,
    xano,
    xero,
)
from app.connectors.connector import Connector, Planned
from app.errors import NotFound

CATALOGUE: tuple[Connector | Planned, ...] = (
    freshbooks.CONNECTOR,
    xero.CONNECTOR,
    quickbooks.CONNECTOR,
    stripe.CONNECTOR,
    gmail.CONNECTOR,
    google_sheets.CONNECTOR,
    xano.CONNECTOR,
    servicefusion.CONNECTOR,
    flowpos.CONNECTOR,
)
CONNECTORS: dict[str, Connector] = {entry.slug: entry for entry in CATALOGUE if isinstance(entry, Connector)}


def get(slug: str) -> Connector:
    """The connector of that slug. Raises NotFound for an unknown or a planned service."""
    try:
        return CONNECTORS[slug]
    except KeyError:
        raise NotFound("There is no such service here. Choose one from the integrations page.") from None


def find_by_tool(tool_name: str) -> Connector | None:
    """The connector a full tool name belongs to, or None."""
    return next((c for c in CONNECTORS.values() if c.find_tool(tool_name)), None)
