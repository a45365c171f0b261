"""How many connections need the person's attention: the mark beside "Integrations" in the navigation."""

from flask import g
from sqlalchemy import func, or_, select
from sqlmodel import col

from app.database import reading
from app.errors import Unavailable
from app.vault import connection_state
from app.vault.models import Connection
from app.workspaces.guard import Member, member_or_nobody


def connections_need_attention() -> int:
    """How many, for whoever is signed in; one query per request. 0 when signed out or without a database."""
    if "broken_connections" not in g:
        viewer = member_or_nobody()
        try:
            g.broken_connections = _count(viewer) if viewer else 0
        except Unavailable:
            g.broken_connections = 0
    count: int = g.broken_connections
    return count


def _count(viewer: Member) -> int:
    """Their own, and for owners and admins every shared one, which they may reconnect too."""
    mine = col(Connection.owner_id) == viewer.user.id
    theirs = or_(mine, col(Connection.visibility) == "shared") if viewer.manages else mine
    query = (
        select(func.count())
        .select_from(Connection)
        .where(
            col(Connection.workspace_id) == viewer.workspace.id,
            col(Connection.state) != connection_state.CONNECTED,
            theirs,
        )
    )
    with reading() as db:
        count: int = db.execute(query).scalar_one()
    return count
