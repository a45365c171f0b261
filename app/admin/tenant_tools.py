"""The two tools of an operator's API key: list the workspaces, and choose the one later calls act in.

AI clients call them tenants (contract); everywhere else they are workspaces.
"""

from typing import Annotated

from pydantic import Field

from app import audit
from app.admin import queries
from app.connectors.function_tool import tool
from app.connectors.rows import Page, Row, plain
from app.database import reading, transaction
from app.errors import PermissionDenied
from app.mcp_server.tools.spec import BuiltIn, ToolContext
from app.oauth_server import grants, scopes
from app.workspaces import finding


class TenantRow(Row):
    """A workspace."""

    id: str
    name: str
    tier: str
    active: bool
    members: int
    is_current: bool = Field(description="The one this key acts in now.")
    created_at: str


class ActiveTenant(Row):
    """The workspace later calls act in."""

    id: str
    name: str
    tier: str


@tool(title="List tenants", reads_only=True, open_world=False, pages_by="place")
def list_tenants(
    context: ToolContext,
    search: Annotated[str | None, Field(max_length=200, description="Part of a name or id.")] = None,
    place: Annotated[str | None, Field(max_length=64, description="Where the list goes on.")] = None,
) -> Page[TenantRow]:
    """List the workspaces (tenants) of this installation, newest first.

    Use it to find the id for set_active_tenant. It also says which workspace this key acts in now.
    """
    with reading() as db:
        found = queries.every_workspace_unsafe(db, search or "", place or "")
        members = queries.members_of_unsafe(db, [workspace.id for workspace in found.rows])
    rows = [
        TenantRow(
            id=workspace.id,
            name=str(plain(workspace.name)),
            tier=workspace.tier,
            active=workspace.deactivated_at is None,
            members=members.get(workspace.id, 0),
            is_current=workspace.id == context.caller.workspace_id,
            created_at=workspace.created_at.isoformat(timespec="seconds"),
        )
        for workspace in found.rows
    ]
    context.say(
        f"{len(rows)} workspaces, more behind next_cursor." if found.after else f"{len(rows)} workspaces."
    )
    return Page(items=rows, next=found.after or None)


@tool(title="Choose the active tenant", destructive=False, idempotent=True, open_world=False)
def set_active_tenant(
    context: ToolContext,
    tenant: Annotated[
        str, Field(min_length=1, max_length=200, description="Its id or exact name, from list_tenants.")
    ],
) -> ActiveTenant:
    """Choose the workspace (tenant) that later calls of this API key act in, on every host, until another is
    chosen.

    They then use its shared connections and its limits, and count as its usage. List the tools again
    afterwards. It concerns every program that uses this key: for one call alone, give that call `tenant`.
    """
    caller = context.caller
    if not caller.is_operator_key:
        raise PermissionDenied("set_active_tenant is for operators' API keys only.")
    with transaction() as db:
        workspace = finding.find_active(db, tenant)
        before = grants.move(db, caller.grant_id, workspace.id)
        if before != workspace.id:
            about = {"user_id": caller.user_id, "subject": caller.grant_id}
            audit.record(db, "api_key.moved", **about, before=before, after=workspace.id)
            # Each company's trail tells that an operator came or went, and nothing of the other company.
            audit.record(db, "api_key.left", workspace_id=before, **about)
            audit.record(db, "api_key.came", workspace_id=workspace.id, **about)
    context.say(
        f"This key acts in workspace {plain(workspace.name)} from now on. List the tools again: they are "
        "that workspace's."
    )
    return ActiveTenant(id=workspace.id, name=str(plain(workspace.name)), tier=workspace.tier)


TOOLS = (
    BuiltIn("list_tenants", list_tenants, for_operators=True),
    BuiltIn("set_active_tenant", set_active_tenant, scopes.READ, for_operators=True),
)
