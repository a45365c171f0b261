"""Who may add MCP servers to a workspace, and who may decide about them.

Which servers may be added is the operator's setting (`app/server_settings.py`); `discovery` holds to it.
"""

from sqlmodel import Session, col, func, select

from app.config import Settings
from app.errors import Forbidden, InvalidInput
from app.federation import built_in
from app.federation.models import McpServer
from app.workspaces.guard import Member

MOST_SERVERS = 50  # of one workspace
_WHO = {
    "managers": "Only owners and admins of this workspace can add MCP servers. Ask one of them.",
    "owners": "Only owners of this workspace can add MCP servers. Ask an owner.",
    "nobody": (
        "Adding MCP servers is turned off in this workspace. An owner can change that on the account page."
    ),
}


def check_may_add(settings: Settings, member: Member) -> None:
    """Raises Forbidden, with who decides about it, unless this member may add a server."""
    if not member.may_add_servers:
        raise Forbidden(_WHO.get(member.workspace.who_adds_servers, _WHO["nobody"]))
    if settings.mcp_servers_allowed_hosts == frozenset():
        raise Forbidden(
            "Adding MCP servers is turned off on this installation. Its operator can allow them with the "
            "setting MCP_SERVERS_ALLOWED_HOSTS."
        )


def check_room(db: Session, workspace_id: str) -> None:
    """Raises InvalidInput if the workspace has as many servers as it can have."""
    here = select(func.count()).where(
        col(McpServer.workspace_id) == workspace_id,
        col(McpServer.removed_at).is_(None),
        built_in.IS_ADDED,
    )
    if db.exec(here).one() >= MOST_SERVERS:
        raise InvalidInput(
            f"A workspace can have up to {MOST_SERVERS} MCP servers. Remove one to add another."
        )


def check_manages(member: Member) -> None:
    """Raises Forbidden unless this member decides about the servers that are here: owners and admins do."""
    if not member.manages:
        raise Forbidden("Only owners and admins of this workspace can change an MCP server. Ask one of them.")
