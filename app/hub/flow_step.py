"""The hub as a step of an AI client's authorization: Continue, Skip for now, Cancel."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from app import database
from app.config import Settings
from app.connectors.services import services_of
from app.errors import PatchbayError
from app.hub import flow_return, last_handshake
from app.hub.cards import CardBoard
from app.oauth_server import flows
from app.oauth_server.selections import Selection
from app.vault import store
from app.workspaces.guard import Member


@dataclass(frozen=True)
class FlowStep:
    """The page about the AI client that waits. `missing` says what is required first, or ""."""

    flow_id: str
    client_name: str
    redirect_host: str
    form_target: str
    known: bool
    missing: str
    may_skip: bool
    left_out: int  # how many connections are not selected for the client


class ConnectorRequired(PatchbayError):
    """This installation requires a connection before an AI client gets access."""

    code = "CONNECTOR_REQUIRED"
    status = 409


def describe(
    settings: Settings, view: flows.FlowView, flow_id: str, board: CardBoard, selection: Selection
) -> FlowStep:
    """The step for a page, from the flow, what is selected for its client, and the board below it."""
    healthy = [card for group in board.groups for card in group.cards if card.state == "connected"]
    return FlowStep(
        flow_id=flow_id,
        client_name=view.client_name,
        redirect_host=view.redirect_host,
        form_target=view.redirect_target_for_csp,
        known=view.known,
        missing=_missing(settings, set(board.connected_slugs)),
        may_skip=settings.require_connector is None,
        left_out=sum(not selection.includes(card.connection_id) for card in healthy),
    )


def complete(settings: Settings, member: Member, flow_id: str) -> str:
    """Spends the flow and returns the AI client's redirect URL. Raises FlowGone, ConnectorRequired."""
    with database.transaction() as db:
        flow = flows.get(db, flow_id, member)
        connections = store.visible(db, member.workspace.id, member.user.id)
        missing = _missing(settings, {c.slug for c in connections if c.state == "connected"})
        if missing:
            raise ConnectorRequired(missing)
        return flows.complete(db, flow, member)


def goes_on(
    db: Session, settings: Settings, member: Member, step: FlowStep, query: Mapping[str, str]
) -> bool:
    """Whether the page submits Continue by itself: the person chose that on the consent page and has just
    connected a service in this flow. Known from this browser's handshake, never from the URL alone.
    """
    handshake = last_handshake.find_last(db, member, query.get("connected", ""), "connected")
    return (
        not step.missing
        and handshake is not None
        and flow_return.continues(settings, handshake)
        and flow_return.flow_of(settings, handshake) == step.flow_id
    )


def cancel(member: Member, flow_id: str) -> str:
    """Spends the flow on a refusal and returns the redirect URL. Raises FlowGone."""
    with database.transaction() as db:
        return flows.cancel(db, flows.get(db, flow_id, member))


def _missing(settings: Settings, connected: set[str]) -> str:
    """What REQUIRE_CONNECTOR still requires, as a sentence; "" for nothing."""
    required = settings.require_connector
    if not required or (required == "any" and connected) or required in connected:
        return ""
    if required == "any":
        return "Connect at least one service to continue."
    entry = services_of(None).find_entry(required)
    return f"Connect {entry.name if entry else required} to continue."
