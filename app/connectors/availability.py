"""What an operator decides about a service: whether it is offered here, and its badge.

Stored among the settings of services (`Settings.services`), under names no environment variable can set.
Existing connections keep working whatever is offered.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from app.config import Settings
from app.connectors.connector import Connector, Planned

Offer = Literal["yes", "soon", "no"]
OFFERS: tuple[Offer, ...] = ("yes", "soon", "no")


def snapshot_of(settings: Settings) -> Mapping[str, str]:
    """The settings of services now; the same object until they are read again."""
    snapshot: Callable[[], Mapping[str, str]] | None = getattr(settings.services, "snapshot", None)
    return snapshot() if snapshot else settings.services


def setting(slug: str, name: Literal["OFFER", "BADGE"]) -> str:
    """The name of that decision among the settings of services."""
    return f"{slug.upper()}_{name}"


def offer_of(settings: Settings, entry: Connector | Planned) -> Offer:
    """Whether the service can be connected: `soon` is listed but cannot be, `no` is hidden."""
    if isinstance(entry, Planned):
        return "soon"
    if entry.workspace_id is not None:  # the operator's settings concern the installation's services
        return "yes" if entry.is_offered else "no"
    offer = settings.services.get(setting(entry.slug, "OFFER"))
    return "no" if offer == "no" else "soon" if offer == "soon" else "yes"


def badge_of(settings: Settings, connector: Connector) -> str:
    """The badge on its card, or "" for none."""
    if connector.workspace_id is not None:
        return connector.badge or ""
    badge = settings.services.get(setting(connector.slug, "BADGE"))
    return (connector.badge or "") if badge is None else badge


def why_not(connector: Connector) -> str:
    """Why a service without endpoints cannot be used."""
    return f"{connector.name} is not configured on this installation. Ask your administrator."
