"""The warning on a card that a connection's access ends soon."""

from app import clock
from app.config import Settings
from app.connectors import availability
from app.connectors.connector import Connector
from app.vault import access_end
from app.vault.models import Connection


def ends_words(settings: Settings, connector: Connector, connection: Connection) -> str:
    """When the access ends, once a third of its life is left, a week ahead at most; "" before."""
    if not (when := access_end.ends_in(connection, clock.now())):
        return ""
    if access_end.can_be_prolonged(connector, connection):
        return f"Access ends {when} unless it is used"
    if availability.badge_of(settings, connector).startswith("Testing"):
        return f"{connector.name} will ask you to sign in again {when} (testing mode)"
    return f"Access ends {when}"
