"""The services a workspace can connect, with their state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.config import Settings
from app.connectors import availability, endpoints
from app.connectors.connector import Connector, Planned
from app.connectors.services import services_of
from app.vault.models import Connection


@dataclass(frozen=True)
class Offered:
    """A service before anything is connected."""

    slug: str
    name: str
    summary: str
    state: Literal["not_connected", "not_configured", "coming_soon"]


def catalogue(settings: Settings, workspace_id: str, connections: Sequence[Connection]) -> list[Offered]:
    """Every service of the workspace that is offered or connected, in the hub's order, with its state."""
    connected = {connection.slug for connection in connections}
    offers = [entry for entry, is_offered in _all_offers(settings) if is_offered or entry.slug in connected]
    own = (c for c in services_of(workspace_id).own if c.is_offered or c.slug in connected)
    return offers + [_offered(settings, connector) for connector in own]


def _all_offers(settings: Settings) -> list[tuple[Offered, bool]]:
    """Every service, and whether it is offered. Computed once per settings: each call needs it."""
    global _offers
    made_of = (settings, availability.snapshot_of(settings), services := services_of(None))
    known = _offers
    if known is None or any(before is not now for before, now in zip(known[0], made_of, strict=True)):
        found = [
            (_offered(settings, entry), availability.offer_of(settings, entry) != "no")
            for entry in services.catalogue
        ]
        _offers = (made_of, found)
        return found
    return known[1]


_offers: tuple[tuple[object, ...], list[tuple[Offered, bool]]] | None = None


def _offered(settings: Settings, entry: Connector | Planned) -> Offered:
    return Offered(entry.slug, entry.name, entry.summary, _offer(settings, entry))


def _offer(
    settings: Settings, entry: Connector | Planned
) -> Literal["not_connected", "not_configured", "coming_soon"]:
    if isinstance(entry, Planned) or availability.offer_of(settings, entry) != "yes":
        return "coming_soon"
    return "not_connected" if endpoints.resolve(entry, settings) is not None else "not_configured"
