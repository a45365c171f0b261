"""What the hub's page and its live fragment are drawn from: loaded in one go, in a fixed number of
queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import get_flashed_messages
from sqlmodel import Session

from app import database
from app.config import Settings
from app.connectors import endpoints, registry
from app.hub import cards, flow_step, notices
from app.hub.cards import Board, Card
from app.hub.flow_step import Step
from app.hub.notices import Notice
from app.oauth_server import flows
from app.vault import store
from app.vault.models import Connection
from app.web import headers
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Hub:
    """The page's view model."""

    board: Board
    connections: list[Connection]
    step: Step | None
    notices: list[Notice]

    @property
    def flow_id(self) -> str:
        """The flow every form carries, or ""."""
        return self.step.flow_id if self.step else ""


def load(settings: Settings, member: Member, query: Mapping[str, str]) -> Hub:
    """The hub for this member; with `flow` in the query, as a step of an authorization. Raises FlowGone."""
    with database.reading() as db:
        connections = store.visible(db, member.workspace.id, member.user.id)
        board = cards.board(settings, member, connections)
        step = _step(db, settings, member, query.get("flow", ""), board)
        told = notices.of_return(db, member, connections, query)
    return Hub(board, connections, step, told)


def load_board(settings: Settings, member: Member, query: Mapping[str, str]) -> Hub | None:
    """The same without banners, for the live fragment; None when nothing changed since `seen`."""
    with database.reading() as db:
        connections = store.visible(db, member.workspace.id, member.user.id)
        board = cards.board(settings, member, connections)
        if board.fingerprint == query.get("seen"):
            return None
        return Hub(board, connections, _step(db, settings, member, query.get("flow", ""), board), [])


def load_status(settings: Settings, member: Member, query: Mapping[str, str]) -> Hub:
    """The same for programs that poll: a flow that is over, or another person's, is no flow."""
    try:
        return load(settings, member, {"flow": query.get("flow", "")})
    except flows.FlowGone:
        return load(settings, member, {})


def load_card(settings: Settings, member: Member, slug: str, connection_id: str) -> Card | None:
    """One card as it is now: the connection's, or the service's when the connection is gone."""
    with database.reading() as db:
        board = cards.board(settings, member, store.visible(db, member.workspace.id, member.user.id))
    return board.find(slug, connection_id) or board.find(slug)


def flashed() -> list[Notice]:
    """What was said to the session for the next page."""
    pairs: list[tuple[str, str]] = [
        (str(pair[0]), str(pair[1])) for pair in get_flashed_messages(with_categories=True)
    ]
    return [Notice("bad" if kind == "bad" else "good", words) for kind, words in pairs]


def allow_leaving(settings: Settings, step: Step | None = None) -> None:
    """Let the page's forms end at the services' consent pages, and at the AI client that waits."""
    for connector in registry.CONNECTORS.values():
        if (where := endpoints.resolve(connector, settings)) and where.origin:
            headers.allow_form_target(where.origin)
    if step:
        headers.allow_form_target(step.form_target)


def _step(db: Session, settings: Settings, member: Member, flow_id: str, board: Board) -> Step | None:
    if not flow_id:
        return None
    return flow_step.step(settings, flows.describe(flows.get(db, flow_id, member)), flow_id, board)
