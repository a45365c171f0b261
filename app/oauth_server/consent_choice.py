"""The choice on the consent page: which connections the client sees, and whether it only reads."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from app.connectors import availability, endpoints
from app.connectors.services import services_of
from app.oauth_server import scopes
from app.oauth_server.models import Flow
from app.oauth_server.selections import Selection, of_ticks
from app.vault import store
from app.vault.models import Connection
from app.web import current
from app.workspaces.guard import Member

_ACCESS: Mapping[str, str] = {
    "off": "off for AI clients",
    "read": "reads only",
    "ask": "reads, and asks before changes",
    "write": "reads and makes changes",
}


@dataclass(frozen=True)
class ReachableConnection:
    """A connection with its tick box: what the client can do with it now, in words."""

    id: str
    slug: str
    service: str
    account: str
    access: str
    is_selected: bool

    @property
    def name(self) -> str:
        """Service and account; the service alone where the account is called by its name."""
        return self.service if self.account == self.service else f"{self.service}: {self.account}"


@dataclass(frozen=True)
class ConnectableService:
    """A service that can be connected on the way. `origin` is where its consent page is, or ""."""

    slug: str
    name: str
    origin: str


@dataclass(frozen=True)
class ConsentChoice:
    """What the consent page offers to choose."""

    connections: tuple[ReachableConnection, ...]
    reading_only: bool
    may_write: bool  # False: the client asks for reading alone, so "Reading only" is no choice
    services: tuple[ConnectableService, ...] = ()  # while nothing is connected
    is_list: bool = False  # True: chosen one by one before, so connections added later stay out


@dataclass(frozen=True)
class ConsentTicks:
    """What a person ticked. `offered` are the ids that the page listed: all ticked means all connections,
    with those connected later, unless they were chosen one by one before.
    """

    offered: frozenset[str]
    ticked: frozenset[str]
    reading_only: bool
    is_given: bool  # False: the answer came without the choice, so the earlier one holds

    @staticmethod
    def of_form(form: "MultiDict[str, str]") -> "ConsentTicks":
        """Reads the consent form."""
        return ConsentTicks(
            frozenset(form.getlist("offered")),
            frozenset(form.getlist("connection")),
            "reading_only" in form,
            "choice" in form,
        )

    def selection(self, before: Selection, *, may_write: bool) -> Selection:
        """The selection. What the page did not offer stays as it was, tools that were turned off too: it
        holds for every sign-in of the client, also those with more access than this one.
        """
        if not self.is_given:
            return before
        unlisted = (before.connections or frozenset()) - self.offered
        chosen = of_ticks(self.ticked, self.offered, unlisted)
        everything = before.connections is None and chosen == self.offered
        reading_only = self.reading_only if may_write else before.reading_only
        return Selection(None if everything else chosen, reading_only, before.tools_off)


def load(db: Session, member: Member, flow: Flow) -> ConsentChoice:
    """What the client of this flow can reach now, ticked as it was selected before."""
    before, granted = Selection.of_json(flow.selection), scopes.split(flow.scope)
    may_write = can_write(flow)
    found = [
        reachable(connection, before, may_write=may_write)
        for connection in store.visible(db, member.workspace.id, member.user.id)
        if scopes.reaches(granted, connection.slug)
    ]
    services = () if found else tuple(_connectable(member, granted))
    is_list = before.connections is not None
    return ConsentChoice(tuple(found), before.reading_only, may_write, services, is_list)


def can_write(flow: Flow) -> bool:
    """Whether the client asks to change anything."""
    return scopes.covers(scopes.split(flow.scope), scopes.POS_WRITE)


def _connectable(member: Member, granted: Collection[str]) -> Iterator[ConnectableService]:
    settings = current.settings()
    for connector in services_of(member.workspace.id):
        where = endpoints.resolve(connector, settings)
        is_offered = availability.offer_of(settings, connector) == "yes"
        if where is not None and is_offered and scopes.reaches(granted, connector.slug):
            yield ConnectableService(connector.slug, connector.name, where.origin or "")


def reachable(connection: Connection, selection: Selection, *, may_write: bool) -> ReachableConnection:
    """The connection as a line with a tick box. `may_write`: whether the client's scopes allow changes."""
    connector = services_of(connection.workspace_id).find(connection.slug)
    level = connection.permission
    access = _ACCESS["read"] if level in {"ask", "write"} and not may_write else _ACCESS[level]
    if connection.state != "connected":
        access = f"{access}; needs to be reconnected"
    return ReachableConnection(
        connection.id,
        connection.slug,
        connector.name if connector else connection.slug,
        connection.label or connection.account_name,
        access,
        selection.includes(connection.id),
    )
