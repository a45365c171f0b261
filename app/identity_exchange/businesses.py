"""The businesses an exchanged token reaches: those FlowPOS lists now, per connection the person may use."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from app.config import Settings
from app.connectors.spec import Business
from app.database import reading
from app.errors import NotFound, ToolError
from app.oauth_server import scopes
from app.oauth_server.selections import Selection
from app.vault import access, store
from app.vault.access import businesses_of
from app.vault.models import Connection

_SECONDS = 5.0  # in total, for all connections: the exchange waits for it


@dataclass(frozen=True)
class ReachableBusinesses:
    """The connections, each with the businesses it reaches now."""

    connections: tuple[tuple[Connection, tuple[Business, ...]], ...]

    @property
    def businesses(self) -> tuple[Business, ...]:
        """All businesses, each once."""
        return tuple({b.id: b for _, businesses in self.connections for b in businesses}.values())

    def within(self, selection: Selection) -> "ReachableBusinesses":
        """Those of the connections that are selected for the client."""
        return ReachableBusinesses(tuple(each for each in self.connections if selection.includes(each[0].id)))

    def without_choice(self, chosen: Mapping[str, str]) -> list[str]:
        """The ids of connections whose chosen business is no longer reachable."""
        return [
            c.id
            for c, businesses in self.connections
            if c.id in chosen and chosen[c.id] not in {b.id for b in businesses}
        ]

    def active(self, chosen: Mapping[str, str]) -> str | None:
        """The business tools use by default: the chosen one, the only one, or the service's default."""
        for connection, businesses in self.connections:
            by_id = {b.id: b for b in businesses}
            if chosen.get(connection.id) in by_id:
                return chosen[connection.id]
            if len(businesses) == 1:
                return businesses[0].id
            if default := next((b for b in businesses if b.facts.get("is_default") is True), None):
                return default.id
        return None


def fetch(settings: Settings, workspace_id: str, user_id: str) -> ReachableBusinesses:
    """Fetches the businesses of each connection from FlowPOS. On a temporary failure the last list counts;
    ended access reaches nothing.
    """
    with reading() as db:
        visible = store.visible(db, workspace_id, user_id)
    usable = [c for c in visible if scopes.reaches(scopes.NARROW, c.slug) and c.permission != "off"]
    until = time.monotonic() + _SECONDS
    return ReachableBusinesses(
        tuple((connection, _reachable_now(settings, connection, until)) for connection in usable)
    )


def _reachable_now(settings: Settings, connection: Connection, until: float) -> tuple[Business, ...]:
    if connection.state != "connected":
        return ()
    try:
        if (left := until - time.monotonic()) > 0:
            access.check(settings, connection, seconds=left)
    except NotFound:
        return ()  # disconnected a moment ago
    except ToolError as error:
        if not error.retryable:
            return ()
    return tuple(businesses_of(connection))
