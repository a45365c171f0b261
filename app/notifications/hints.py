"""What an AI client is told with an answer when the access behind it ends within a week."""

from app import clock
from app.config import Settings
from app.connectors.connector import Connector
from app.vault import access_end
from app.vault.models import Connection


def ending_hint(settings: Settings, connector: Connector, connection: Connection) -> str:
    """ "Xero access ends in 5 days; reconnect at …", or "". From the row alone: no query.

    Only where using it does not prolong the access, and from when the card warns too.
    """
    when = access_end.ends_in(connection, clock.now())
    if not when or access_end.can_be_prolonged(connector, connection):
        return ""
    return f"{connector.name} access ends {when}; reconnect at {settings.public_url}/integrations"
