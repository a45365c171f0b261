"""Who may use a connection: the people of the workspace, and the AI clients that see it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.models import User
from app.oauth_server import grants, scopes
from app.oauth_server.selections import Selection
from app.vault.models import Connection
from app.workspaces.guard import Member
from app.workspaces.models import Membership


@dataclass(frozen=True)
class ConnectionUser:
    """A person who may use it."""

    name: str
    role: str
    is_owner: bool  # of the connection
    is_viewer: bool


@dataclass(frozen=True)
class ConnectionClient:
    """An AI client that sees it. `person` is "" for the viewer's own."""

    grant_id: str
    name: str
    person: str
    reading_only: bool


@dataclass(frozen=True)
class ConnectionAccess:
    """Who may use a connection. `owner` is who connected it; "" if they left."""

    users: tuple[ConnectionUser, ...]
    clients: tuple[ConnectionClient, ...]
    owner: str
    of_all: bool  # the clients of every member, not of the viewer alone


def load(db: Session, member: Member, connection: Connection) -> ConnectionAccess:
    """People and AI clients, in two queries. A plain member sees their own AI clients only."""
    rows = db.execute(
        select(col(User.id), col(User.name), col(User.email), col(Membership.role))
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(col(Membership.workspace_id) == member.workspace.id, col(User.disabled_at).is_(None))
        .order_by(col(User.name), col(User.id))
    ).all()
    names = {row.id: row.name or row.email for row in rows}
    personal = connection.visibility == "personal"
    users = tuple(
        ConnectionUser(names[row.id], row.role, row.id == connection.owner_id, row.id == member.user.id)
        for row in rows
        if not personal or row.id == connection.owner_id
    )
    of_all = member.manages and not personal
    clients = {
        (grant.client_name, grant.user_id): ConnectionClient(
            grant.id,
            grant.client_name,
            "" if grant.user_id == member.user.id else names.get(grant.user_id, ""),
            Selection.of_json(grant.selection).reading_only,
        )
        for grant in grants.list_for(db, member, of_all=of_all)
        if grant.revoked_at is None
        and Selection.of_json(grant.selection).includes(connection.id)
        and scopes.reaches(scopes.split(grant.scope), connection.slug)
    }
    return ConnectionAccess(users, tuple(clients.values()), names.get(connection.owner_id, ""), of_all)
