"""What a workspace can connect beyond what it has, with what stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.config import Settings
from app.connectors import availability, endpoints, registry
from app.connectors.connector import Connector, Planned
from app.vault.models import Connection


@dataclass(frozen=True)
class Offered:
    """A service as it is before anything is connected."""

    slug: str
    name: str
    summary: str
    state: Literal["not_connected", "not_configured", "coming_soon"]


def catalogue(settings: Settings, connections: Sequence[Connection]) -> list[Offered]:
    """Every service that is offered here or connected, in the hub's order, with what can be done about it."""
    connected = {connection.slug for connection in connections}
    return [entry for entry, is_offered in _all_offers(settings) if is_offered or entry.slug in connected]


def _all_offers(settings: Settings) -> list[tuple[Offered, bool]]:
    """Every service there is, and whether it is offered. Worked out once for the settings as they are,
    since each call asks.
    """
    global _offers
    made_of = (settings, availability.snapshot_of(settings), registry.CATALOGUE)
    known = _offers
    if known is None or any(before is not now for before, now in zip(known[0], made_of, strict=True)):
        found = [
            (
                Offered(entry.slug, entry.name, entry.summary, _offer(settings, entry)),
                availability.offer_of(settings, entry) != "no",
            )
            for entry in registry.CATALOGUE
        ]
        _offers = (made_of, found)
        return found
    return known[1]


_offers: tuple[tuple[object, ...], list[tuple[Offered, bool]]] | None = None


def _offer(
    settings: Settings, entry: Connector | Planned
) -> Literal["not_connected", "not_configured", "coming_soon"]:
    if isinstance(entry, Planned) or availability.offer_of(settings, entry) != "yes":
        return "coming_soon"
    return "not_connected" if endpoints.resolve(entry, settings) is not None else "not_configured"
