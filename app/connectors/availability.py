"""What an operator says about a service beside where it is: whether it is offered here, and under which
badge.

It stands among the settings of services (`Settings.services`), under names no environment variable can set.
Connections that exist go on working whatever is offered.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from app.config import Settings
from app.connectors.connector import Connector, Planned

Offer = Literal["yes", "soon", "no"]
OFFERS: tuple[Offer, ...] = ("yes", "soon", "no")


def snapshot_of(settings: Settings) -> Mapping[str, str]:
    """The settings of services as they are at this moment: the same object as long as nothing was read
    anew.
    """
    snapshot: Callable[[], Mapping[str, str]] | None = getattr(settings.services, "snapshot", None)
    return snapshot() if snapshot else settings.services


def setting(slug: str, name: Literal["OFFER", "BADGE"]) -> str:
    """The name such a word has among the settings of services."""
    return f"{slug.upper()}_{name}"


def offer_of(settings: Settings, entry: Connector | Planned) -> Offer:
    """Whether the service can be connected anew: `soon` is named but cannot be connected, `no` is not
    shown.
    """
    if isinstance(entry, Planned):
        return "soon"
    said = settings.services.get(setting(entry.slug, "OFFER"))
    return "no" if said == "no" else "soon" if said == "soon" else "yes"


def badge_of(settings: Settings, connector: Connector) -> str:
    """The badge its card carries, or "" for none."""
    said = settings.services.get(setting(connector.slug, "BADGE"))
    return (connector.badge or "") if said is None else said
