"""The connection an address names, for a member who may see it."""

from dataclasses import dataclass

from sqlmodel import Session

from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.connectors.tool import Tool
from app.errors import NotFound
from app.hub import rights
from app.vault import store
from app.vault.models import Connection
from app.workspaces.guard import Member


@dataclass(frozen=True)
class ViewedConnection:
    """A connection with its service, and whether the member may change it."""

    connection: Connection
    connector: Connector
    may_change: bool

    @property
    def account(self) -> str:
        """What the person calls it, else what the service calls it."""
        return self.connection.label or self.connection.account_name or self.connector.name


def find(db: Session, member: Member, slug: str, connection_id: str) -> ViewedConnection:
    """The connection, if this member may see it. Raises NotFound for any other, whatever the reason."""
    connector = services_of(member.workspace.id).find(slug)
    connection = store.get(db, member.workspace.id, member.user.id, connection_id)
    if connector is None or connection.slug != slug:
        raise NotFound("We couldn't find that connection. It may have been disconnected. Reload the page.")
    return ViewedConnection(connection, connector, rights.may_change(member, connection))


def find_tool(viewed: ViewedConnection, name: str) -> Tool:
    """The service's tool of that full name. Raises NotFound."""
    tool = viewed.connector.find_tool(name)
    if tool is None:
        raise NotFound("We couldn't find that tool. It may have been removed. Reload the page.")
    return tool
