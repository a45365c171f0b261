"""The tools that a server lists for each connection: how long a list is good for, and who reads it now.

A list belongs to the authorization it was read with, so what one person's account lists says nothing about
another's, unless the server calls its list public. Lists are read by one thread of all processes at a time,
which claims the row first; while it asks, no transaction is open. A list that cannot be read leaves the last
one as it is, with the reason.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from app import clock, database, workspace_versions
from app.connectors.connector import LACKS, LACKS_OF_MORE
from app.fast_queries import PreparedStatement
from app.federation import built_in, changes, pinned_rows, pins
from app.federation.definitions import digest_of
from app.federation.models import McpServer, McpServerTool, McpToolList
from app.mcp_client import ToolList
from app.vault.models import Connection
from app.vault.store import keep
from app.workspaces.models import Workspace

SHORTEST, USUAL, LONGEST = timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=1)  # a list that could not be read
LEASE = timedelta(seconds=30)  # longer than reading a list may last

_columns = McpToolList.__table__.c  # type: ignore[attr-defined]
_STATE = PreparedStatement(
    select(_columns.expires_at, _columns.claimed_until).where(
        _columns.connection_id == bindparam("connection_id")
    )
)


@dataclass(frozen=True)
class ListState:
    """A connection's list now. `good_until`: None for one that was never read."""

    good_until: datetime | None
    is_being_read: bool

    @property
    def is_good(self) -> bool:
        """Whether it need not be read yet."""
        return clock.is_ahead(self.good_until, LONGEST, at=clock.now())


@dataclass(frozen=True)
class ListClaim:
    """The right to read a connection's list now."""

    connection_id: str
    server_id: str
    token: str


def state_of(connection_id: str) -> ListState:
    """The state of a connection's list, by one query."""
    found = _STATE.first(connection_id=connection_id)
    if found is None:
        return ListState(None, is_being_read=False)
    return ListState(found[0], clock.is_ahead(found[1], LEASE, at=clock.now()))


def claim(server_id: str, workspace_id: str, connection_id: str) -> ListClaim | None:
    """Claim reading the list. None: it is good, somebody else reads it, or the connection is gone."""
    with database.transaction() as db:
        row = locked(db, workspace_id, connection_id)
        now = clock.now()
        if row is None or clock.is_ahead(row.claimed_until, LEASE, at=now):
            return None
        if clock.is_ahead(row.expires_at, LONGEST, at=now):
            return None
        row.claim, row.claimed_until, row.expires_at = secrets.token_hex(16), now + LEASE, now
        return ListClaim(connection_id, server_id, row.claim)


def locked(db: Session, workspace_id: str, connection_id: str) -> McpToolList | None:
    """The row of a connection's list, locked, made if need be. None if the connection is gone."""
    query = select(McpToolList).where(_columns.connection_id == connection_id).with_for_update()
    row: McpToolList | None = db.execute(query).scalar_one_or_none()
    if row is None and keep(db, connection_id):
        new = {"connection_id": connection_id, "workspace_id": workspace_id, "tools": {}}
        storing = database.upsert_into(McpToolList).values(**new, scope="private", problem="")
        db.execute(storing.on_conflict_do_nothing())
        row = db.execute(query).scalar_one()
    return row


def store(claim: ListClaim, listed: ToolList) -> datetime | None:
    """Store a list that was read under the claim. Returns until when it is good, None if the server said
    meanwhile that its list changed, or if it or the connection is gone. A change counts at once in this
    process, in others from their next request on.
    """
    findings = pins.judge_of(claim.server_id, listed.tools)
    with database.transaction() as db:
        server = changes.lock_server(db, claim.server_id)
        row = _claimed(db, claim)
        if server is None or row is None:
            return None
        before = version_of(db, server.workspace_id)
        put(db, server, row, listed, findings, is_over=row.expires_at is None)
        after = version_of(db, server.workspace_id)
    if after != before:
        workspace_versions.note(server.workspace_id, after)
    return row.expires_at


def put(
    db: Session,
    server: McpServer,
    row: McpToolList,
    listed: ToolList,
    findings: pins.Findings | None,
    *,
    is_over: bool = False,
) -> None:
    """Make this the connection's list: what is new or changed is held, what a connection lacks is noted.

    The caller has locked the server first, then the row. `findings` are those of `pins.judge_of`. `is_over`:
    it is to be read again.
    """
    now = clock.now()
    found = pinned_rows.by_name(listed.tools, built_in.names_known_to(server))
    row.tools = {name: digest_of(tool) for name, tool in found.items()}
    row.scope = "public" if listed.is_public else "private"
    row.fetched_at, row.problem = now, ""
    row.expires_at = None if is_over else now + _life(listed.ttl_seconds)
    row.claim = row.claimed_until = None
    if listed.is_public:
        _share(db, server, row)
    db.flush()
    take(db, server, listed, findings, connection_id=row.connection_id)
    _note_lacking(db, server)


def take(
    db: Session, server: McpServer, listed: ToolList, findings: pins.Findings | None, *, connection_id: str
) -> None:
    """Compare a list with the pinned definitions, and note that the server answered. `connection_id`: "" for
    one that is being made.
    """
    whose = None if listed.is_public else connection_id
    pins.take_list(db, server, listed.tools, connection_id=whose, findings=findings)
    server.checked_at = clock.now()
    if server.problem:
        server.problem = ""
        changes.touch(db, server.workspace_id)


def fail(claim: ListClaim, sentence: str, *, is_servers: bool) -> datetime:
    """The list could not be read: the last one stays, and is stale. Returns when to try again.

    `is_servers`: the server did not answer as one should, whoever asks.
    """
    again_at = clock.now() + AGAIN_AFTER
    with database.transaction() as db:
        server = changes.lock_server(db, claim.server_id) if is_servers else None
        row = _claimed(db, claim)
        if row is not None:
            row.problem, row.expires_at = sentence[:500], again_at
            row.claim = row.claimed_until = None
        if server is not None and server.problem != sentence[:500]:
            server.problem = sentence[:500]
            changes.touch(db, server.workspace_id)
    return again_at


def release(claim: ListClaim) -> None:
    """The list was not read: let anybody else try."""
    with database.transaction() as db:
        if (row := _claimed(db, claim)) is not None:
            row.claim = row.claimed_until = None


def expire(connection_id: str) -> None:
    """The server says that its list changed. One that is being read now may be older: it is over once stored.

    It is stored all the same: a server that says so all the time would otherwise never have a list compared.
    """
    with database.transaction() as db:
        db.execute(
            update(McpToolList)
            .where(col(McpToolList.connection_id) == connection_id)
            .values(expires_at=None)
            .execution_options(synchronize_session=False)
        )


def current_version(workspace_id: str) -> int:
    """The version in the database now."""
    with database.reading() as db:
        return version_of(db, workspace_id)


def lacking(tools: Mapping[str, str], names: set[str]) -> list[str]:
    """The verbs of the tools, given as name to verb, that a list with these names does not have."""
    return sorted(verb for name, verb in tools.items() if name not in names)


def tools_listed(db: Session, server_id: str) -> dict[str, str]:
    """The server's tools that some connection lists, as name to verb."""
    found = db.execute(
        select(col(McpServerTool.name), col(McpServerTool.verb)).where(
            col(McpServerTool.server_id) == server_id, col(McpServerTool.listed)
        )
    )
    return dict(found.all())  # type: ignore[arg-type]


def _life(seconds: float | None) -> timedelta:
    return USUAL if seconds is None else min(max(timedelta(seconds=min(seconds, 86_400)), SHORTEST), LONGEST)


def _claimed(db: Session, claim: ListClaim) -> McpToolList | None:
    """The row, if the claim still holds it."""
    row: McpToolList | None = db.execute(
        select(McpToolList)
        .where(_columns.connection_id == claim.connection_id, _columns.claim == claim.token)
        .with_for_update()
    ).scalar_one_or_none()
    return row


def version_of(db: Session, workspace_id: str) -> int:
    """The version of the workspace's services in this transaction."""
    version: int | None = db.execute(
        select(col(Workspace.services_version)).where(col(Workspace.id) == workspace_id)
    ).scalar_one_or_none()
    return version or 0


def _share(db: Session, server: McpServer, row: McpToolList) -> None:
    """A public list is that of the server's other connections too."""
    others = db.execute(
        select(col(Connection.id)).where(
            *pinned_rows.connections_of(server), col(Connection.id) != row.connection_id
        )
    ).scalars()
    same = {name: getattr(row, name) for name in ("tools", "scope", "fetched_at", "expires_at", "problem")}
    rows = [{"connection_id": other, "workspace_id": row.workspace_id, **same} for other in others]
    if rows:
        storing = database.upsert_into(McpToolList)
        shared = {name: getattr(storing.excluded, name) for name in same}
        db.execute(storing.on_conflict_do_update(index_elements=["connection_id"], set_=shared), rows)


def _note_lacking(db: Session, server: McpServer) -> None:
    """Store with each connection which of the server's tools its list does not have."""
    own = built_in.verbs_of_its_own(server)
    tools = {name: verb for name, verb in tools_listed(db, server.id).items() if verb not in own}
    fact = LACKS_OF_MORE if server.access == built_in.ACCESS else LACKS
    known = db.execute(
        select(col(Connection.id), col(Connection.facts), col(McpToolList.tools))
        .join(McpToolList, col(McpToolList.connection_id) == col(Connection.id))
        .where(*pinned_rows.connections_of(server), col(McpToolList.fetched_at).is_not(None))
    )
    changed = {
        connection_id: found
        for connection_id, facts, listed in known
        if (found := lacking(tools, set(listed))) != facts.get(fact, [])
    }
    if not changed:
        return
    rows = select(Connection).where(col(Connection.id).in_(changed)).order_by(col(Connection.id))
    for row in db.execute(rows.with_for_update().execution_options(populate_existing=True)).scalars():
        row.facts = {**row.facts, fact: changed[row.id]}
