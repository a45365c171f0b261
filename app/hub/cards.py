"""The cards of the hub: one per connection, and one per service that is not connected.

Cards are plain values built from rows that are already loaded, so rendering them runs no query. `version`
changes when anything on the card does.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from app.config import Settings
from app.connectors import availability, endpoints
from app.connectors.connector import Connector, Planned
from app.connectors.services import services_of
from app.hub import access_words, rights, scope_choice, tool_counts
from app.hub.levels import LEVELS
from app.hub.tool_counts import ToolCounts
from app.vault import connection_state
from app.vault.models import Connection
from app.workspaces.guard import Member

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
    sandbox: bool = False
    tools: ToolCounts | None = None
    reads: tuple[str, ...] = ()  # titles of the tools, where no page of a connection lists them
    changes: tuple[str, ...] = ()
    asks_for_writing: bool = False  # a level that writes leads to the service's consent page
    made_by: str = ""  # who connected it, if somebody else did
    notified: str = ""  # who was emailed that it is broken, as a sentence
    # the page of the service itself, where a workspace brought it or has more tools of it
    manage_path: str = ""
    manage_label: str = ""
    version: str = ""

    @property
    def is_connection(self) -> bool:
        """True for a connected account, healthy or not."""
        return self.state in {"connected", "reconnect_needed"}

    @property
    def level_words(self) -> str:
        """The permission level as words."""
        level = LEVELS.get(self.permission)
        return level.words if level else ""

    @property
    def tools_path(self) -> str:
        """The path of the page that lists its tools: while all of them wait for review, where they do."""
        tools = self.tools
        if self.is_connection and tools is not None and tools.to_review and not tools.reads + tools.changes:
            return self.manage_path
        return self.page

    @property
    def page(self) -> str:
        """The path of the connection's own page."""
        return f"/integrations/{self.slug}/{self.connection_id}"


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

    @property
    def sandbox(self) -> str:
        """Which cards are the sandbox: "all", "some", or "" for none."""
        of_services = [card.sandbox for group in self.groups for card in group.cards if card.tools]
        return "all" if of_services and all(of_services) else "some" if any(of_services) else ""

    def find(self, slug: str, connection_id: str = "") -> ServiceCard | None:
        """The card of that connection, or of that service while it is not connected."""
        cards = [card for group in self.groups for card in group.cards if card.slug == slug]
        exact = [card for card in cards if card.connection_id == connection_id]
        return exact[0] if exact else None


def board(
    settings: Settings,
    member: Member,
    connections: Sequence[Connection],
    *,
    makers: Mapping[str, str],
    notified: Mapping[str, str],
) -> CardBoard:
    """All cards of the page, from the connections this member may see.

    `makers` are the names of other members by id; `notified` who was emailed, by connection id.
    """
    services = services_of(member.workspace.id)
    of_connections = [
        _connected(settings, member, connection, connections, makers, notified)
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
    settings: Settings,
    member: Member,
    connection: Connection,
    siblings: Sequence[Connection],
    makers: Mapping[str, str],
    notified: Mapping[str, str],
) -> ServiceCard:
    connector = services_of(connection.workspace_id).get(connection.slug)
    where = endpoints.resolve(connector, settings)
    several = sum(other.slug == connection.slug for other in siblings) > 1
    account = connection.label or connection.account_name or connector.name
    broken = connection.state == "reconnect_needed"
    words = (("Only you", "") if connection.visibility == "personal" else ("Shared with the team", ""),)
    badges = [Badge("Reconnect needed", "bad")] if broken else []
    badges += [Badge(*word) for word in words]
    badges += _notice_badge(connector)
    ends_words = "" if broken else access_words.ends_words(settings, connector, connection)
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
        reason=(connection.last_error or f"{connector.name} ended our access. Reconnect to keep using it.")
        if broken
        else "",
        ends_at=connection.signin_ends_at if ends_words else None,
        ends_words=ends_words,
        permission=connection.permission,
        visibility=connection.visibility,
        may_change=rights.may_change(member, connection),
        is_owner=connection.owner_id == member.user.id,
        can_be_tested=not connection_state.has_ended(connection),
        sandbox=where is not None and where.sandbox,
        tools=tool_counts.of_connection(connector, connection),
        asks_for_writing=not scope_choice.may_write(connector, connection),
        made_by=makers.get(connection.owner_id, ""),
        notified=notified.get(connection.id, "") if broken else "",
        manage_path=connector.manage_path,
        manage_label=connector.manage_label,
    )


def _notice_badge(connector: Connector) -> list[Badge]:
    """What waits on the page that manages the service."""
    return [Badge(connector.notice, "warning")] if connector.notice else []


def _unconnected(settings: Settings, entry: Connector | Planned) -> ServiceCard:
    state = state_of(settings, entry)
    badges: list[Badge] = []
    if state == "coming_soon":
        badges = [Badge("Coming soon")]
    elif state == "not_configured":
        badges = [Badge("Not configured")]
    card = ServiceCard(
        key=f"card-{entry.slug}",
        slug=entry.slug,
        name=entry.name,
        whole=entry.name,
        summary=entry.summary,
        state=state,
        badges=tuple(badges),
    )
    return _with_tools(settings, entry, card) if isinstance(entry, Connector) else card


def _with_tools(settings: Settings, connector: Connector, card: ServiceCard) -> ServiceCard:
    """The card of a service that has a connector: its tools, and what can be chosen before connecting."""
    where = endpoints.resolve(connector, settings)
    badges = [*card.badges, *_notice_badge(connector)]
    if card.state == "not_connected" and (words := availability.badge_of(settings, connector)):
        badges.append(Badge(words, "warning"))
    return replace(
        card,
        badges=tuple(badges),
        visibility="personal" if connector.personal else "shared",
        reads_only_choice=not connector.forms and connector.auth.read_scopes != connector.auth.write_scopes,
        sandbox=where is not None and where.sandbox,
        manage_path=connector.manage_path,
        manage_label=connector.manage_label,
        tools=tool_counts.of_service(connector),
        reads=tuple(tool_counts.titles(connector, reads_only=True)),
        changes=tuple(tool_counts.titles(connector, reads_only=False)),
    )


def _inside(connector: Connector, connection: Connection) -> str:
    """How many businesses the connection reaches, if more than the one in its name."""
    count = len(connection.businesses)
    return f"{count} {connector.business.words}" if connector.business and count > 1 else ""


def _versioned(cards: Iterable[ServiceCard]) -> list[ServiceCard]:
    return [replace(card, version=_digest(repr(card))) for card in cards]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
