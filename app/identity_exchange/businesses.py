"""The businesses an exchanged token reaches: those FlowPOS lists now, per connection the person may use.

"FlowPOS lists none" and "we do not know" differ: the first is FlowPOS' own answer, and refuses the exchange.
Not connected, unreachable, and access that ended for another reason say nothing about memberships.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from app.config import Settings
from app.connectors.spec import Business
from app.database import reading
from app.errors import NotFound, NothingReached, ToolError
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
    is_none_listed: bool = False  # there are connections, and FlowPOS answered each: no active business

    @property
    def businesses(self) -> tuple[Business, ...]:
        """All businesses, each once."""
        return tuple({b.id: b for _, businesses in self.connections for b in businesses}.values())

    def within(self, selection: Selection) -> "ReachableBusinesses":
        """Those of the connections that are selected for the client."""
        return ReachableBusinesses(
            tuple(each for each in self.connections if selection.includes(each[0].id)), self.is_none_listed
        )

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
    found = [(connection, _reachable_now(settings, connection, until)) for connection in usable]
    return ReachableBusinesses(
        tuple((connection, businesses or ()) for connection, businesses in found),
        is_none_listed=bool(found) and all(businesses is None for _, businesses in found),
    )


def _reachable_now(settings: Settings, connection: Connection, until: float) -> tuple[Business, ...] | None:
    """The businesses of a connection, or None if FlowPOS says that there are none."""
    if connection.state != "connected":
        return None if access.reaches_nothing(connection) else ()
    try:
        if (left := until - time.monotonic()) > 0:
            access.check(settings, connection, seconds=left)
    except NotFound:
        return ()  # disconnected a moment ago
    except NothingReached:
        return None
    except ToolError as error:
        if not error.retryable:
            return ()
    return tuple(businesses_of(connection))
