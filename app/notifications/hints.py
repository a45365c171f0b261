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
    ends_at, now = connection.signin_ends_at, clock.now()
    if ends_at is None:
        return ""
    warning_from = access_end.warning_from(connection)
    if warning_from is None or not warning_from <= now < ends_at:
        return ""
    if access_end.can_be_prolonged(connector, connection):
        return ""
    left = ends_at - now
    hours = int(left.total_seconds() // 3600)
    when = (
        f"in {left.days} days" if left.days > 1 else f"in {hours} hours" if hours > 1 else "within the hour"
    )
    return f"{connector.name} access ends {when}; reconnect at {settings.public_url}/integrations"
