"""When a connection last served a call, for "Last synced" on its card."""

from app.last_use import LastUse
from app.vault.models import Connection

of_connections = LastUse(Connection)
