"""The data of the hub's page and its live fragment, loaded at once in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import get_flashed_messages
from sqlmodel import Session, col, select

from app import database
from app.accounts.models import User
from app.config import Settings
from app.connectors import endpoints
from app.connectors.services import services_of
from app.hub import cards, flow_step, getting_started, notices
from app.hub.cards import CardBoard, ServiceCard
from app.hub.flow_step import FlowStep
from app.hub.getting_started import GettingStarted
from app.hub.notices import Banner
from app.notifications import lines
from app.oauth_server import flows, selection_store
from app.vault import store
from app.vault.models import Connection
from app.web import headers
from app.workspaces.guard import Member


@dataclass(frozen=True)
class HubPage:
    """The page's view model."""

    board: CardBoard
    connections: list[Connection]
    step: FlowStep | None
    notices: list[Banner]
    started: GettingStarted | None = None  # None: the member is past it, or in a flow
    goes_on: bool = False  # Continue is pressed by itself
    adds_servers: bool = False  # the member may add an MCP server

    @property
    def fingerprint(self) -> str:
        """Changes when anything on the live board does."""
        return self.board.fingerprint + (self.started.fingerprint if self.started else "")

    @property
    def flow_id(self) -> str:
        """The flow id every form carries, or ""."""
        return self.step.flow_id if self.step else ""


def load(settings: Settings, member: Member, query: Mapping[str, str]) -> HubPage:
    """The hub for this member; with `flow` in the query, as a step of an authorization. Raises FlowGone."""
    with database.reading() as db:
        connections = store.visible(db, member.workspace.id, member.user.id)
        board = _board(db, settings, member, connections)
        step = _step(db, settings, member, query.get("flow", ""), board)
        banners = notices.of_return(db, member, connections, query)
        started = None if step else getting_started.load(db, member, connections)
        goes_on = step is not None and flow_step.goes_on(db, settings, member, step, query)
    hub = HubPage(board, connections, step, banners, started, goes_on, _adds_servers(settings, member))
    return _noting_the_end(hub, member)


def load_board(settings: Settings, member: Member, query: Mapping[str, str]) -> HubPage | None:
    """The same without banners, for the live fragment; None if nothing changed since `seen`."""
    with database.reading() as db:
        connections = store.visible(db, member.workspace.id, member.user.id)
        board = _board(db, settings, member, connections)
        step = _step(db, settings, member, query.get("flow", ""), board)
        seen = query.get("seen", "")
        started = None if step else getting_started.load(db, member, connections, seen)
    hub = HubPage(board, connections, step, [], started, adds_servers=_adds_servers(settings, member))
    return None if hub.fingerprint == seen else _noting_the_end(hub, member)


def load_status(settings: Settings, member: Member, query: Mapping[str, str]) -> HubPage:
    """The same for programs that poll: a finished flow, or another person's, counts as none."""
    try:
        return load(settings, member, {"flow": query.get("flow", "")})
    except flows.FlowGone:
        return load(settings, member, {})


def load_card(settings: Settings, member: Member, slug: str, connection_id: str) -> ServiceCard | None:
    """One card as it is now: the connection's, or the service's when the connection is gone."""
    with database.reading() as db:
        board = _board(db, settings, member, store.visible(db, member.workspace.id, member.user.id))
    return board.find(slug, connection_id) or board.find(slug)


def flashed() -> list[Banner]:
    """The session's flash messages."""
    pairs: list[tuple[str, str]] = [
        (str(pair[0]), str(pair[1])) for pair in get_flashed_messages(with_categories=True)
    ]
    return [Banner("bad" if kind == "bad" else "good", words) for kind, words in pairs]


def allow_leaving(settings: Settings, workspace_id: str, step: FlowStep | None = None) -> None:
    """Adds the services' consent pages, and the waiting AI client, to the page's `form-action`."""
    for connector in services_of(workspace_id):
        if (where := endpoints.resolve(connector, settings)) and where.origin:
            headers.allow_form_target(where.origin)
    if step:
        headers.allow_form_target(step.form_target)


def _board(db: Session, settings: Settings, member: Member, connections: Sequence[Connection]) -> CardBoard:
    """The cards, with who made what others connected and who knows what is broken: a query each, if any."""
    others = {c.owner_id for c in connections} - {member.user.id}
    makers = {}
    if others:
        people = db.exec(
            select(col(User.id), col(User.name), col(User.email)).where(col(User.id).in_(others))
        )
        makers = {user_id: name or email for user_id, name, email in people}
    broken = [c for c in connections if c.state == "reconnect_needed"]
    notified = lines.notified_lines(db, broken, viewer_id=member.user.id)
    return cards.board(settings, member, connections, makers=makers, notified=notified)


def _adds_servers(settings: Settings, member: Member) -> bool:
    """Whether to offer adding an MCP server: the workspace's policy, and the operator's list of hosts."""
    return member.may_add_servers and settings.mcp_servers_allowed_hosts != frozenset()


def _noting_the_end(hub: HubPage, member: Member) -> HubPage:
    """The page as it is. The list is over once a page says that every step is done."""
    if hub.started and hub.started.is_done and member.getting_started_done_at is None:
        getting_started.finish(member)
    return hub


def _step(db: Session, settings: Settings, member: Member, flow_id: str, board: CardBoard) -> FlowStep | None:
    if not flow_id:
        return None
    flow = flows.get(db, flow_id, member)
    selection = selection_store.expected(db, flow, member)
    return flow_step.describe(settings, flows.describe(flow), flow_id, board, selection)
