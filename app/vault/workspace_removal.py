"""End all connections of a deleted workspace, or of one service in it, in a handful of statements."""

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import audit
from app.connectors import services
from app.connectors.services import services_of
from app.vault import credentials, session_endings
from app.vault.models import Connection, Credential


def end_all(db: Session, workspace_id: str, *, by: str | None, slug: str | None = None) -> int:
    """Delete every connection of a workspace now, and record the tokens for revoking. Returns how many ended.

    `slug`: those of that service alone.

    Call `revocation.run_soon` after the commit. A running refresh finds the rows gone, as after a disconnect.
    """
    # Credentials first, then connections, each in one order: a refresh and a disconnect lock them alike.
    chosen = [col(Connection.workspace_id) == workspace_id]
    if slug is not None:
        chosen.append(col(Connection.slug) == slug)
    ids = select(col(Connection.id)).where(*chosen)
    sealed = (
        select(Credential)
        .where(col(Credential.workspace_id) == workspace_id, col(Credential.connection_id).in_(ids))
        .order_by(col(Credential.connection_id))
    )
    fresh = {"populate_existing": True}
    by_connection = {
        row.connection_id: row
        for row in db.execute(sealed.with_for_update().execution_options(**fresh)).scalars()
    }
    found = select(Connection).where(*chosen).order_by(col(Connection.id))
    rows = list(db.execute(found.with_for_update().execution_options(**fresh)).scalars())
    for row in rows:
        connector, credential = services_of(row.workspace_id).find(row.slug), by_connection.get(row.id)
        if connector is not None and credential is not None:
            credentials.note_for_revoking(db, connector, row, credential)
        audit.record(db, "connection.disconnected", **audit.about(row, by), **row.audit_details())
    session_endings.note(db, rows, by_connection)
    if slug is None:
        services.keep_for_revoking(db, workspace_id)
    db.flush()
    ended = [row.id for row in rows]
    db.execute(delete(Credential).where(col(Credential.connection_id).in_(ended)))
    db.execute(delete(Connection).where(col(Connection.id).in_(ended)))
    return len(rows)
