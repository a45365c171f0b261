"""Removing an MCP server: its tools are gone at once, its tokens are revoked, what waits for approval ends.

The row stays, so that revoking knows where to send the tokens and a call of its tools is answered with what
happened. A job deletes our client's secret once nothing is left to revoke, and the row afterwards. What the
server said, of itself and its tools, is deleted at once.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, exists, update
from sqlmodel import Session, col, select

from app import audit, clock, database
from app.approvals import decisions
from app.approvals.decisions import Decider
from app.config import Settings
from app.federation import changes, ended, lookup, policy
from app.federation.models import McpServer, McpServerTool
from app.hub.models import Handshake
from app.jobs.leases import PeriodicJob
from app.vault import revocation, workspace_removal
from app.vault.models import Connection, PendingRevocation
from app.workspaces.guard import Member

JOB = "removed MCP servers"
_EVERY = timedelta(minutes=10)
_RETENTION = timedelta(days=7)  # how long a call of its tools is answered with what happened
_AT_ONCE = 100


def remove(settings: Settings, member: Member, slug: str) -> str:
    """Remove a server. Returns its name, also if it was removed already. Raises Forbidden, NotFound."""
    policy.check_manages(member)
    with database.transaction() as db:
        server = lookup.get_added(db, member.workspace.id, slug, lock=True, even_removed=True)
        if server.removed_at is not None:
            return server.name
        server.removed_at, server.info, server.problem = clock.now(), {}, ""
        db.execute(delete(McpServerTool).where(col(McpServerTool.server_id) == server.id))
        _end_access(db, server, by=member.user.id)
        decider = Decider(member.user.id, member.user.name or member.user.email, "page")
        decisions.reject_waiting(db, server.workspace_id, slug, decider)
        changes.touch(db, server.workspace_id)
        by = audit.about(server, member.user.id)
        audit.record(db, "mcp_server.removed", **by, slug=slug, name=server.name)
        name = server.name
    revocation.run_soon(settings)
    return name


def reclaimable(db: Session, workspace_id: str) -> set[str]:
    """The slugs of removed servers of which nothing is left to revoke: another server may have them."""
    found = select(McpServer.slug).where(*_is_over(), col(McpServer.workspace_id) == workspace_id)
    return set(db.exec(found).all())


def reclaim(db: Session, workspace_id: str, slug: str) -> None:
    """Delete a removed server of that slug for good, if nothing of it is left to revoke."""
    mine = (col(McpServer.workspace_id) == workspace_id, col(McpServer.slug) == slug)
    for server in db.exec(select(McpServer).where(*_is_over(), *mine)).all():
        db.delete(server)
    db.flush()


def job(settings: Settings) -> PeriodicJob:
    """What the web processes do by themselves: delete servers that were removed and are settled."""
    return PeriodicJob(JOB, _EVERY, lambda: sweep(settings))


def sweep(settings: Settings) -> int:
    """End what was connected while a server was being removed, and delete the servers that are settled.

    Returns how many were deleted.
    """
    with database.transaction() as db:
        late = select(McpServer).where(col(McpServer.removed_at).is_not(None), _has(Connection))
        for server in db.exec(late.limit(_AT_ONCE)).all():
            _end_access(db, server, by=None)
        db.execute(update(McpServer).where(*_is_over()).values(client_secret_sealed=None))
    at = clock.now()
    with database.transaction() as db:
        over = select(McpServer).where(*_is_over(), col(McpServer.removed_at) < at - _RETENTION)
        servers = db.exec(over.limit(_AT_ONCE)).all()
        for workspace_id in sorted({server.workspace_id for server in servers}):
            changes.touch(db, workspace_id)  # locks it first, as whoever deletes it does
        for server in servers:
            db.delete(server)
        ended.forget_settled(db)
    revocation.run_soon(settings)
    return len(servers)


def _end_access(db: Session, server: McpServer, *, by: str | None) -> None:
    """End its connections, and every attempt to make one."""
    workspace_removal.end_all(db, server.workspace_id, by=by, slug=server.slug)
    db.execute(
        delete(Handshake).where(
            col(Handshake.workspace_id) == server.workspace_id, col(Handshake.slug) == server.slug
        )
    )


def _is_over() -> tuple[ColumnElement[bool], ...]:
    """Removed, and nothing of it left."""
    return col(McpServer.removed_at).is_not(None), ~_has(Connection), ~_has(PendingRevocation)


def _has(model: type[Connection] | type[PendingRevocation]) -> ColumnElement[bool]:
    return exists().where(
        col(model.workspace_id) == col(McpServer.workspace_id), col(model.slug) == col(McpServer.slug)
    )
