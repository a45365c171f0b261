"""The warning on a card that a connection's access ends soon."""

from app import clock
from app.config import Settings
from app.connectors import availability
from app.connectors.connector import Connector
from app.vault import access_end
from app.vault.models import Connection


def ends_words(settings: Settings, connector: Connector, connection: Connection) -> str:
    """When the access ends, once a third of its life is left, a week ahead at most; "" before.

    Also "" once that moment has passed while calls still work: then it did not hold, and the state tells.
    """
    now, ends_at = clock.now(), connection.signin_ends_at
    warning_from = access_end.warning_from(connection)
    if ends_at is None or warning_from is None or not warning_from <= now < ends_at:
        return ""
    left = ends_at - now
    hours = int(left.total_seconds() // 3600)
    when = (
        f"in {left.days} days" if left.days > 1 else f"in {hours} hours" if hours > 1 else "within the hour"
    )
    if access_end.can_be_prolonged(connector, connection):
        return f"Access ends {when} unless it is used"
    if availability.badge_of(settings, connector).startswith("Testing"):
        return f"{connector.name} will ask you to sign in again {when} (testing mode)"
    return f"Access ends {when}"
