"""The hub as JSON (contract: `GET /integrations/status`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.config import Settings
from app.connectors.services import services_of
from app.hub import cards
from app.hub.flow_step import FlowStep
from app.vault.models import Connection


def as_json(
    settings: Settings, workspace_id: str, connections: Sequence[Connection], step: FlowStep | None
) -> dict[str, Any]:
    """Every service in catalogue order with the member's visible connections, and the named flow."""
    return {
        "connectors": [
            {
                "slug": entry.slug,
                "name": entry.name,
                "state": _state([c for c in connections if c.slug == entry.slug])
                or cards.state_of(settings, entry),
                "connections": [_connection(c) for c in connections if c.slug == entry.slug],
            }
            for entry in services_of(workspace_id).catalogue
            if cards.is_listed(settings, entry) or any(c.slug == entry.slug for c in connections)
        ],
        "flow": None
        if step is None
        else {
            "client_name": step.client_name,
            "redirect_host": step.redirect_host,
            "may_continue": not step.missing,
            "missing": step.missing or None,
        },
    }


def _state(connections: Sequence[Connection]) -> str | None:
    """The best state among several: one working connection makes the service connected."""
    states = {c.state for c in connections}
    return "connected" if "connected" in states else next(iter(states), None)


def _connection(connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "label": connection.label,
        "account": connection.account_name,
        "state": connection.state,
        "permission": connection.permission,
        "connected_at": _iso(connection.connected_at),
        "last_used_at": _iso(connection.last_used_at),
        "last_error": connection.last_error,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
