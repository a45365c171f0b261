"""The hub as a step of an AI client's authorization: Continue, Skip for now, Cancel."""

from dataclasses import dataclass

from app import database
from app.config import Settings
from app.connectors import registry
from app.errors import PatchbayError
from app.hub.cards import Board
from app.oauth_server import flows
from app.vault import store
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Step:
    """What the page says about the AI client that waits. `missing` is the sentence of what is required
    first, or "".
    """

    flow_id: str
    client_name: str
    redirect_host: str
    form_target: str
    known: bool
    missing: str
    may_skip: bool


class ConnectorRequired(PatchbayError):
    """This installation lets AI clients in only with something connected."""

    code = "CONNECTOR_REQUIRED"
    status = 409


def step(settings: Settings, view: flows.FlowView, flow_id: str, board: Board) -> Step:
    """The step for a page, from the flow and the board below it."""
    return Step(
        flow_id=flow_id,
        client_name=view.client_name,
        redirect_host=view.redirect_host,
        form_target=view.redirect_target_for_csp,
        known=view.known,
        missing=_missing(settings, set(board.connected_slugs)),
        may_skip=settings.require_connector is None,
    )


def complete(settings: Settings, member: Member, flow_id: str) -> str:
    """Spend the flow and give the address of the AI client to go back to. Raises FlowGone,
    ConnectorRequired.
    """
    with database.transaction() as db:
        flow = flows.get(db, flow_id, member)
        connections = store.visible(db, member.workspace.id, member.user.id)
        missing = _missing(settings, {c.slug for c in connections if c.state == "connected"})
        if missing:
            raise ConnectorRequired(missing)
        return flows.complete(db, flow, member)


def cancel(member: Member, flow_id: str) -> str:
    """Spend the flow on a refusal and give the address to go back to. Raises FlowGone."""
    with database.transaction() as db:
        return flows.cancel(db, flows.get(db, flow_id, member))


def _missing(settings: Settings, connected: set[str]) -> str:
    """What REQUIRE_CONNECTOR still asks for, in a sentence; "" when nothing."""
    wanted = settings.require_connector
    if not wanted or (wanted == "any" and connected) or wanted in connected:
        return ""
    if wanted == "any":
        return "Connect at least one service to continue."
    name = next((entry.name for entry in registry.CATALOGUE if entry.slug == wanted), wanted)
    return f"Connect {name} to continue."
