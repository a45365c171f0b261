"""End all connections of a deleted workspace in a handful of statements, however many there are."""

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import audit
from app.connectors.services import services_of
from app.vault import credentials
from app.vault.models import Connection, Credential


def end_all(db: Session, workspace_id: str, *, by: str) -> int:
    """Delete every connection of a workspace now, and record the tokens for revoking. Returns how many ended.

    Call `revocation.run_soon` after the commit. A running refresh finds the rows gone, as after a disconnect.
    """
    # Credentials first, then connections, each in one order: a refresh and a disconnect lock them alike.
    sealed = (
        select(Credential)
        .where(col(Credential.workspace_id) == workspace_id)
        .order_by(col(Credential.connection_id))
    )
    fresh = {"populate_existing": True}
    by_connection = {
        row.connection_id: row
        for row in db.execute(sealed.with_for_update().execution_options(**fresh)).scalars()
    }
    found = (
        select(Connection).where(col(Connection.workspace_id) == workspace_id).order_by(col(Connection.id))
    )
    rows = list(db.execute(found.with_for_update().execution_options(**fresh)).scalars())
    for row in rows:
        connector, credential = services_of(row.workspace_id).find(row.slug), by_connection.get(row.id)
        if connector is not None and credential is not None:
            credentials.note_for_revoking(db, connector, row, credential)
        audit.record(db, "connection.disconnected", **audit.about(row, by), **row.audit_details())
    db.flush()
    db.execute(delete(Credential).where(col(Credential.workspace_id) == workspace_id))
    db.execute(delete(Connection).where(col(Connection.workspace_id) == workspace_id))
    return len(rows)
