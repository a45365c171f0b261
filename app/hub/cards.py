"""The cards of the hub: one per connection, and one per service that is not connected.

Cards are plain values built from rows that are already loaded, so rendering them runs no query. `version`
changes when anything on the card does.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from app import clock
from app.config import Settings
from app.connectors import availability, endpoints
from app.connectors.connector import Connector, Planned
from app.connectors.services import services_of
from app.hub import rights
from app.vault import access_end, connection_state
from app.vault.models import Connection
from app.workspaces.guard import Member

LEVELS = {"off": "Off", "read": "Read only", "ask": "Ask before writing", "write": "Read and write"}

State = Literal["connected", "reconnect_needed", "not_connected", "coming_soon", "not_configured"]


@dataclass(frozen=True)
class Badge:
    """A label beside the name. `tone` is one of "", good, warning, bad."""

    words: str
    tone: str = ""


@dataclass(frozen=True)
class ServiceCard:
    """One card in all its states. `whole` is the service's name, with the account if there are several."""

    key: str
    slug: str
    name: str
    whole: str
    summary: str
    state: State
    badges: tuple[Badge, ...] = ()
    connection_id: str = ""
    account: str = ""
    # what the service calls the account, when `account` is the person's own name for it
    account_name: str = ""
    inside: str = ""  # such as "2 organisations"
    label: str = ""
    synced_at: datetime | None = None
    reason: str = ""
    ends_at: datetime | None = None
    ends_words: str = ""
    permission: str = ""
    visibility: str = ""
    may_change: bool = False
    is_owner: bool = False
    can_be_tested: bool = False  # not once the access has ended: no test can bring it back
    reads_only_choice: bool = False
    version: str = ""

    @property
    def is_connection(self) -> bool:
        """True for a connected account, healthy or not."""
        return self.state in {"connected", "reconnect_needed"}

    @property
    def level_words(self) -> str:
        """The permission level as words."""
        return LEVELS.get(self.permission, "")


@dataclass(frozen=True)
class Group:
    """Cards under one heading."""

    key: str
    heading: str
    cards: tuple[ServiceCard, ...]


@dataclass(frozen=True)
class CardBoard:
    """All cards, in order. `fingerprint` changes when any of them does."""

    groups: tuple[Group, ...]
    fingerprint: str
    connected: int
    connected_slugs: frozenset[str] = field(default_factory=frozenset)

    def find(self, slug: str, connection_id: str = "") -> ServiceCard | None:
        """The card of that connection, or of that service while it is not connected."""
        cards = [card for group in self.groups for card in group.cards if card.slug == slug]
        exact = [card for card in cards if card.connection_id == connection_id]
        return exact[0] if exact else None


def board(settings: Settings, member: Member, connections: Sequence[Connection]) -> CardBoard:
    """All cards of the page, from the connections this member may see."""
    services = services_of(member.workspace.id)
    of_connections = [
        _connected(settings, member, connection, connections)
        for connection in connections
        if services.find(connection.slug) is not None
    ]
    taken = {card.slug for card in of_connections}
    others = [
        _unconnected(settings, entry)
        for entry in services.catalogue
        if entry.slug not in taken and is_listed(settings, entry)
    ]
    order = {entry.slug: place for place, entry in enumerate(services.catalogue)}
    of_connections.sort(key=lambda card: order[card.slug])
    others.sort(key=lambda card: ("not_connected", "not_configured", "coming_soon").index(card.state))
    groups = (
        Group(
            "attention",
            "Needs attention",
            tuple(_versioned(c for c in of_connections if c.state == "reconnect_needed")),
        ),
        Group(
            "connected", "Connected", tuple(_versioned(c for c in of_connections if c.state == "connected"))
        ),
        Group("available", "Available", tuple(_versioned(others))),
    )
    filled = tuple(group for group in groups if group.cards)
    healthy = [card for card in of_connections if card.state == "connected"]
    versions = "".join(group.key + card.key + card.version for group in filled for card in group.cards)
    return CardBoard(filled, _digest(versions), len(healthy), frozenset(card.slug for card in healthy))


def is_listed(settings: Settings, entry: Connector | Planned) -> bool:
    """Whether a service without a connection is listed at all: an operator may not offer it."""
    return availability.offer_of(settings, entry) != "no"


def state_of(settings: Settings, entry: Connector | Planned) -> State:
    """The state of a service without a connection."""
    if isinstance(entry, Planned) or availability.offer_of(settings, entry) == "soon":
        return "coming_soon"
    return "not_connected" if endpoints.resolve(entry, settings) else "not_configured"


def _connected(
    settings: Settings, member: Member, connection: Connection, siblings: Sequence[Connection]
) -> ServiceCard:
    connector = services_of(connection.workspace_id).get(connection.slug)
    where = endpoints.resolve(connector, settings)
    several = sum(other.slug == connection.slug for other in siblings) > 1
    account = connection.label or connection.account_name or connector.name
    broken = connection.state == "reconnect_needed"
    words = (("Only you", "") if connection.visibility == "personal" else ("Shared with the team", ""),)
    badges = [Badge("Reconnect needed", "bad")] if broken else []
    badges += _sandbox_badges(connector, where)
    badges += [Badge(*word) for word in words]
    ends_words = "" if broken else _ends_words(settings, connector, connection)
    return ServiceCard(
        key=f"card-{connection.id}",
        slug=connector.slug,
        name=connector.name,
        whole=f"{connector.name}: {account}" if several else connector.name,
        summary=connector.summary,
        state="reconnect_needed" if broken else "connected",
        badges=tuple(badges),
        connection_id=connection.id,
        account=account,
        account_name=connection.account_name if connection.account_name != account else "",
        inside=_inside(connector, connection),
        label=connection.label,
        synced_at=connection.last_used_at or connection.connected_at,
        reason=(connection.last_error or f"{connector.name} ended this sign-in. Reconnect to continue.")
        if broken
        else "",
        ends_at=connection.signin_ends_at if ends_words else None,
        ends_words=ends_words,
        permission=connection.permission,
        visibility=connection.visibility,
        may_change=rights.may_change(member, connection),
        is_owner=connection.owner_id == member.user.id,
        can_be_tested=not connection_state.has_ended(connection),
    )


def _sandbox_badges(connector: Connector, where: endpoints.Endpoints | None) -> list[Badge]:
    """That the sandbox answers; and that it alone can, where the real service cannot be reached."""
    if where is None or not where.sandbox:
        return []
    return [Badge("Sandbox"), *([Badge("Demo only", "warning")] if connector.unreachable else [])]


def _unconnected(settings: Settings, entry: Connector | Planned) -> ServiceCard:
    state = state_of(settings, entry)
    badges: list[Badge] = []
    if state == "coming_soon":
        badges = [Badge("Coming soon")]
    elif state == "not_configured":
        unreachable = isinstance(entry, Connector) and entry.unreachable
        badges = [Badge("Not available yet" if unreachable else "Not configured")]
    elif isinstance(entry, Connector):
        badges = _sandbox_badges(entry, endpoints.resolve(entry, settings))
    if (
        isinstance(entry, Connector)
        and state == "not_connected"
        and (words := availability.badge_of(settings, entry))
    ):
        badges.append(Badge(words, "warning"))
    return ServiceCard(
        key=f"card-{entry.slug}",
        slug=entry.slug,
        name=entry.name,
        whole=entry.name,
        summary=availability.summary_of(settings, entry),
        state=state,
        badges=tuple(badges),
        reads_only_choice=isinstance(entry, Connector)
        and not entry.forms
        and entry.auth.read_scopes != entry.auth.write_scopes,
    )


def _inside(connector: Connector, connection: Connection) -> str:
    """How many businesses the connection reaches, if more than the one in its name."""
    count = len(connection.businesses)
    return f"{count} {connector.business.words}" if connector.business and count > 1 else ""


def _ends_words(settings: Settings, connector: Connector, connection: Connection) -> str:
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
        return f"Sign-in ends {when} unless it is used"
    badge = availability.badge_of(settings, connector)
    return f"Sign-in ends {when}" + (": testing mode" if badge.startswith("Testing") else "")


def _versioned(cards: Iterable[ServiceCard]) -> list[ServiceCard]:
    return [replace(card, version=_digest(repr(card))) for card in cards]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
