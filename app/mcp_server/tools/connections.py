"""Tools of ours: how one is declared, what it works with; and the first two, what is connected and the link to connect more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from app.config import Settings
from app.connectors import availability, endpoints, registry
from app.connectors.api import UpstreamCall
from app.connectors.spec import Connector, Planned
from app.connectors.tool import Row, Tool, plain, tool
from app.errors import InvalidArguments, PermissionDenied
from app.mcp_server.account_choice import labels_of
from app.oauth_server import scopes
from app.oauth_server.callers import Caller
from app.vault.access import businesses_of
from app.vault.models import Connection

if TYPE_CHECKING:
    from app.mcp_server.toolbox import Listed


@dataclass(frozen=True)
class Offered:
    """A service as it is before anything is connected."""

    slug: str
    name: str
    summary: str
    state: Literal["not_connected", "not_configured", "coming_soon"]


@dataclass
class Hub:
    """What a built-in tool works with: the caller, what they may see, and a note for the envelope's message."""

    settings: Settings
    hub_url: str
    offered: Callable[[], Sequence[Offered]]
    caller: Caller
    connections: Sequence[Connection]
    make_link: Callable[[Connector], str]
    services_tools: Callable[[], list[dict[str, Any]]]  # those this caller may call now, as tools/list has them
    find: Callable[[str], "Listed | None"]  # any tool by its name
    note: str = ""
    admit: Callable[[], None] = lambda: None  # counts the call against the limits: before it asks a service anything
    cancelled: Callable[[], bool] = lambda: False
    report: Callable[[float, float | None, str], None] = lambda done, total, text: None
    calls: list[UpstreamCall] = field(default_factory=list)  # what services were asked on the way
    waited_ms: float = 0.0  # for all of them; several may be asked at once
    asked: list[str] = field(default_factory=list)  # ids of the connections that were asked
    used: list[str] = field(default_factory=list)  # and of those that answered

    def say(self, sentence: str) -> None:
        """What the call did, for `message` in the envelope."""
        self.note = sentence


@dataclass(frozen=True)
class BuiltIn:
    """A tool that belongs to no service. Its function takes the `Hub` first.

    A token with one of the narrower scopes in `also` may call it too; the `Hub` then holds only what those reach.
    """

    name: str
    tool: Tool
    scope: str = scopes.READ
    also: tuple[str, ...] = ()
    is_offered: Callable[[Sequence[Connection]], bool] = lambda connections: True
    for_operators: bool = False  # for operators' API keys alone; works also while the key's workspace is deactivated, and is not limited


class BusinessRow(Row):
    """An organisation inside a connection."""

    id: str
    name: str


class ConnectionRow(Row):
    """One connected account."""

    id: str
    account: str
    account_name: str
    state: Literal["connected", "reconnect_needed"]
    permission: Literal["off", "read", "ask", "write"]
    visibility: Literal["shared", "personal"]
    problem: str | None
    last_used_at: str | None
    businesses: list[BusinessRow]


class ServiceRow(Row):
    """A service and its connections."""

    service: str
    name: str
    summary: str
    state: Literal["connected", "reconnect_needed", "not_connected", "not_configured", "coming_soon"]
    connections: list[ConnectionRow]


class Services(Row):
    """Every service there is."""

    services: list[ServiceRow]
    hub_url: str


class ConnectOffer(Row):
    """A one-time link that starts connecting a service."""

    service: str
    name: str
    connected_accounts: list[str]
    connect_url: str
    minutes: int


@tool(title="List connections", reads_only=True, open_world=False)
def list_connections(hub: Hub) -> Services:
    """List the services, the connected accounts, and what AI clients may do with each.

    Use it first when you do not know what is connected, or when a tool says that a service is not connected.
    """
    rows = [_service(entry, [c for c in hub.connections if c.slug == entry.slug]) for entry in hub.offered()]
    connected = sum(len(row.connections) for row in rows)
    hub.say(f"{connected} connected account{'' if connected == 1 else 's'} in workspace {plain(hub.caller.workspace_name)}.")
    return Services(services=rows, hub_url=hub.hub_url)


@tool(title="Connect a service", destructive=False, open_world=False)
def connect_service(
    hub: Hub,
    service: Annotated[str, Field(max_length=32, description="Such as `xero`; hub_list_connections names them.")],
) -> ConnectOffer:
    """Get a one-time link with which the person connects a service, or adds another account of it.

    Show the link to the person: it opens in a browser, signed in as themselves. Nothing is connected until they agree there.
    """
    if hub.caller.is_operator_key:
        raise PermissionDenied("An operator's API key connects nothing: a member of the workspace does, on its integrations page.")
    available = [entry.slug for entry in hub.offered() if entry.state == "not_connected"]
    if service not in available:
        raise InvalidArguments("service: there is no service of that name to connect here.", details={"services": available})
    connector = registry.get(service)
    mine = [c for c in hub.connections if c.slug == service]
    url = hub.make_link(connector)
    hub.say(f"Open the link, signed in as {hub.caller.email}, to connect {connector.name}. It works once, for 30 minutes.")
    return ConnectOffer(
        service=service, name=connector.name, connected_accounts=list(labels_of(mine).values()), connect_url=url, minutes=30
    )


TOOLS = (
    BuiltIn("hub_list_connections", list_connections, also=scopes.NARROW),
    BuiltIn("hub_connect_service", connect_service, also=scopes.NARROW),
)


def catalogue(settings: Settings, connections: Sequence[Connection]) -> list[Offered]:
    """Every service that is offered here or connected, in the hub's order, with what can be done about it."""
    connected = {connection.slug for connection in connections}
    return [entry for entry, is_offered in _all_offers(settings) if is_offered or entry.slug in connected]


def _all_offers(settings: Settings) -> list[tuple[Offered, bool]]:
    """Every service there is, and whether it is offered. Worked out once for the settings as they are, since each call asks."""
    global _offers
    made_of = (settings, availability.snapshot_of(settings), registry.CATALOGUE)
    known = _offers
    if known is None or any(before is not now for before, now in zip(known[0], made_of, strict=True)):
        found = [
            (Offered(entry.slug, entry.name, entry.summary, _offer(settings, entry)), availability.offer_of(settings, entry) != "no")
            for entry in registry.CATALOGUE
        ]
        _offers = (made_of, found)
        return found
    return known[1]


_offers: tuple[tuple[object, ...], list[tuple[Offered, bool]]] | None = None


def _offer(settings: Settings, entry: Connector | Planned) -> Literal["not_connected", "not_configured", "coming_soon"]:
    if isinstance(entry, Planned) or availability.offer_of(settings, entry) != "yes":
        return "coming_soon"
    return "not_connected" if endpoints.resolve(entry, settings) is not None else "not_configured"


def _service(entry: Offered, mine: Sequence[Connection]) -> ServiceRow:
    if not mine:
        return ServiceRow(service=entry.slug, name=entry.name, summary=entry.summary, state=entry.state, connections=[])
    return ServiceRow(
        service=entry.slug,
        name=entry.name,
        summary=entry.summary,
        state="connected" if any(c.state == "connected" for c in mine) else "reconnect_needed",
        connections=[_connection(c, label) for c, label in zip(mine, labels_of(mine).values(), strict=True)],
    )


def _connection(connection: Connection, label: str) -> ConnectionRow:
    return ConnectionRow(
        id=connection.id,
        account=label,
        account_name=connection.account_name,
        state="connected" if connection.state == "connected" else "reconnect_needed",
        permission=connection.permission,  # type: ignore[arg-type]
        visibility=connection.visibility,  # type: ignore[arg-type]
        problem=connection.last_error,
        last_used_at=connection.last_used_at.isoformat() if connection.last_used_at else None,
        businesses=[BusinessRow(id=b.id, name=b.name) for b in businesses_of(connection)],
    )
