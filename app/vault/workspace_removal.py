"""Ending many connections at once, when their workspace goes: a handful of statements, however many there
are.
"""

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import audit
from app.connectors import registry
from app.vault import credentials, store
from app.vault.models import Connection, Credential


def end_all(db: Session, workspace_id: str, *, by: str) -> int:
    """Forget every connection of a workspace now, and note the tokens for revoking at their services. Says
    how many ended.

    Call `revocation.run_soon` after the commit. A refresh under way finds the rows gone, as after a
    disconnect.
    """
    # Credentials first, then connections, each in one order: a refresh and a disconnect take them the same
    # way.
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
        connector, credential = registry.CONNECTORS.get(row.slug), by_connection.get(row.id)
        if connector is not None and credential is not None:
            credentials.note_for_revoking(db, connector, row, credential)
        audit.record(
            db,
            "connection.disconnected",
            workspace_id=workspace_id,
            user_id=by,
            subject=row.id,
            **store.told(row),
        )
    db.flush()
    db.execute(delete(Credential).where(col(Credential.workspace_id) == workspace_id))
    db.execute(delete(Connection).where(col(Connection.workspace_id) == workspace_id))
    return len(rows)
