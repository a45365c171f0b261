"""Banners: what just happened, said once at the top of the hub, in words of ours only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from app.connectors import registry
from app.hub import handshake
from app.vault.models import Connection
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Notice:
    """A banner. `more` is a second, quieter sentence."""

    kind: Literal["good", "bad", "warning"]
    sentence: str
    more: str = ""


def of_return(
    db: Session, member: Member, connections: list[Connection], query: Mapping[str, str]
) -> list[Notice]:
    """The banner after coming back from a service: `?connected=slug` or `?failed=slug`. Unknown slugs say
    nothing.

    What is said comes from the trip this browser made, never from the address.
    """
    if connector := registry.CONNECTORS.get(query.get("connected", "")):
        mine = [c for c in connections if c.slug == connector.slug]
        trip = handshake.find_last(db, member, connector.slug, "connected")
        newest = max(mine, key=lambda c: c.connected_at, default=None)
        connection = next((c for c in mine if trip and c.id == trip.connection_id), newest)
        if connection is None:
            return []
        back = (
            (f"Go back to {trip.client_name} and ask again: it works now.")
            if trip and trip.client_name
            else ""
        )
        more = " ".join(filter(None, (trip.sentence if trip else "", back)))
        return [
            Notice(
                "good",
                f"{connector.name} connected: "
                f"{connection.account_name or connection.label or connector.name}",
                more,
            )
        ]
    if connector := registry.CONNECTORS.get(query.get("failed", "")):
        trip = handshake.find_last(db, member, connector.slug, "failed")
        return [
            Notice(
                "bad", f"{connector.name} connection failed. Please try again.", trip.sentence if trip else ""
            )
        ]
    return []
