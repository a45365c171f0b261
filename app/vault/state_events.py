"""Announces that a connection broke or works again, in the transaction that changes its state."""

from typing import Any

from sqlmodel import Session

from app import events
from app.connectors.services import services_of
from app.vault.models import Connection


def announce_broken(db: Session, row: Connection, reason: str, *, may_recover: bool) -> None:
    """It works no longer. `may_recover`: calls still try whether it works again."""
    _announce(db, "connection.broken", row, reason, may_recover=may_recover)


def announce_recovered(db: Session, row: Connection) -> None:
    """It works again."""
    _announce(db, "connection.recovered", row, f"The connection to {_name(row)} works again.")


def _announce(db: Session, name: str, row: Connection, sentence: str, **more: Any) -> None:
    data = {
        "connection_id": row.id,
        "service": row.slug,
        "service_name": _name(row),
        # the name of a personal connection concerns only its owner, as in the audit trail
        "label": row.audit_details()["account"],
    }
    events.announce(db, name, workspace_id=row.workspace_id, sentence=sentence, **data, **more)


def _name(row: Connection) -> str:
    connector = services_of(row.workspace_id).find(row.slug)
    return connector.name if connector else row.slug
