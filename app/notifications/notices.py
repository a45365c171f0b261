"""Which notices are due: rows are opened for connections that broke, work again, or will end soon."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, exists, or_, select
from sqlmodel import Session, col

from app import clock, crypto
from app.accounts.models import User
from app.connectors.services import services_of
from app.database import reading, transaction, upsert_into
from app.notifications import models
from app.notifications.models import ConnectionNotice
from app.notifications.preferences import BROKEN, ENDING, wants
from app.vault import access_end, connection_state
from app.vault.models import Connection
from app.workspaces.models import Membership, Workspace

_ALONE_FOR = timedelta(minutes=15)  # a suspended connection may heal by itself: so long it is left alone
_ALONG_FOR = timedelta(minutes=10)  # … and so long where another of the same person's is past that
_SETTLED_AFTER = timedelta(minutes=5)  # working again for so long is no flap
_RETENTION = timedelta(days=90)
_AT_ONCE = 500
# The reminders: how long before the end, and how long the access must have lasted for that to be news.
_REMINDERS = (
    (models.ENDS_IN_TWO_DAYS, timedelta(days=2), timedelta(days=4)),
    (models.ENDS_IN_A_WEEK, timedelta(days=7), timedelta(days=14)),
)


@dataclass(frozen=True)
class _Recipients:
    """Who is emailed about a connection: its owner, or the workspace's owners in their place."""

    members: dict[str, dict[str, tuple[User, str]]]

    def of(self, connection: Connection) -> list[User]:
        """The people. A personal connection of somebody who left concerns nobody else."""
        members = self.members.get(connection.workspace_id, {})
        owner, _ = members.get(connection.owner_id, (None, ""))
        if owner is not None and owner.disabled_at is None:
            return [owner]
        if connection.visibility == "personal":
            return []
        return [user for user, role in members.values() if role == "owner" and user.disabled_at is None]


def open_broken() -> int:
    """Open a notice for each connection that broke and nobody was emailed about. Returns how many."""
    now = clock.now()
    is_open = exists().where(
        col(ConnectionNotice.connection_id) == col(Connection.id),
        col(ConnectionNotice.kind) == models.BROKEN,
        col(ConnectionNotice.closed_at).is_(None),
    )
    query = (
        select(Connection)
        .join(Workspace, col(Workspace.id) == col(Connection.workspace_id))
        .where(
            col(Connection.broken_at).is_not(None),
            or_(col(Connection.try_again_at).is_(None), col(Connection.broken_at) <= now - _ALONG_FOR),
            col(Workspace.deactivated_at).is_(None),
            ~is_open,
        )
        .order_by(col(Connection.broken_at))
        .limit(_AT_ONCE)
    )
    with reading() as db:
        found = list(db.scalars(query))
    overdue = {c.owner_id for c in found if c.broken_at and c.broken_at <= now - _ALONE_FOR}
    due = [c for c in found if connection_state.has_ended(c) or c.owner_id in overdue]
    return _open((c, models.BROKEN, c.broken_at) for c in due if c.broken_at is not None) if due else 0


def settle_working() -> int:
    """Close the notices of connections that work again; whoever was emailed is emailed once more.

    At once if a person had to reconnect; otherwise once the connection has worked for five minutes.
    """
    now = clock.now()
    is_open = and_(
        col(ConnectionNotice.kind) == models.BROKEN,
        col(ConnectionNotice.closed_at).is_(None),
    )
    works = col(Connection.state) == connection_state.CONNECTED
    changed = or_(works, col(ConnectionNotice.working_since).is_not(None))
    query = (
        select(ConnectionNotice, Connection)
        .join(Connection, col(Connection.id) == col(ConnectionNotice.connection_id))
        .where(is_open, changed)
        .limit(_AT_ONCE)
    )
    with reading() as db:
        if db.execute(query.limit(1)).first() is None:
            return 0
    with transaction() as db:
        rows = db.execute(query.with_for_update(of=ConnectionNotice, skip_locked=True)).all()
        for notice, connection in rows:
            _settle(db, notice, connection, now)
    return len(rows)


def open_reminders() -> int:
    """Open a notice for access that ends within 7 or 2 days and that using it does not prolong."""
    return sum(_open_reminders(*each) for each in _REMINDERS)


def prune() -> None:
    """Delete notices of three months ago that say nothing about the present."""
    old = delete(ConnectionNotice).where(
        col(ConnectionNotice.created_at) < clock.now() - _RETENTION,
        or_(col(ConnectionNotice.kind) != models.BROKEN, col(ConnectionNotice.closed_at).is_not(None)),
    )
    with transaction() as db:
        db.execute(old)


def _settle(db: Session, notice: ConnectionNotice, connection: Connection, now: datetime) -> None:
    if connection.state != connection_state.CONNECTED:
        notice.working_since = None  # it flaps: this is still the same trouble
        return
    notice.working_since = notice.working_since or now
    # What had ended works because a person reconnected it; what was suspended may be suspended again.
    if notice.may_heal and notice.emailed_at and now - notice.working_since < _SETTLED_AFTER:
        return
    notice.closed_at = now
    if notice.state == models.PENDING:
        notice.state = models.SKIPPED
    if notice.emailed_at is not None:
        _add(db, connection, notice.user_id, models.RECOVERED, notice.about_at, models.PENDING)


def _open_reminders(kind: str, before: timedelta, least_life: timedelta) -> int:
    now = clock.now()
    is_noted = exists().where(
        col(ConnectionNotice.connection_id) == col(Connection.id),
        col(ConnectionNotice.kind) == kind,
        col(ConnectionNotice.about_at) == col(Connection.signin_ends_at),
    )
    life = col(Connection.signin_life_seconds)
    query = (
        select(Connection)
        .join(Workspace, col(Workspace.id) == col(Connection.workspace_id))
        .where(
            col(Connection.signin_ends_at) > now + _after(kind),
            col(Connection.signin_ends_at) <= now + before,
            col(Connection.state) == connection_state.CONNECTED,
            or_(life.is_(None), life >= least_life.total_seconds()),
            col(Workspace.deactivated_at).is_(None),
            ~is_noted,
        )
    )
    with reading() as db:
        found = list(db.scalars(query))
    return _open((c, kind, c.signin_ends_at) for c in found if c.signin_ends_at and _ends_for_sure(c))


def _after(kind: str) -> timedelta:
    """The reminder of a week is of no use once that of two days is due."""
    return timedelta(days=2) if kind == models.ENDS_IN_A_WEEK else timedelta()


def _ends_for_sure(connection: Connection) -> bool:
    connector = services_of(connection.workspace_id).find(connection.slug)
    return connector is not None and not access_end.can_be_prolonged(connector, connection)


def _open(due: Iterable[tuple[Connection, str, datetime]]) -> int:
    """Write a row per person. A row that says nobody was emailed is one too: it is not due again."""
    due = list(due)
    if not due:
        return 0
    with transaction() as db:
        recipients = _recipients(db, [connection for connection, _, _ in due])
        for connection, kind, about_at in due:
            people = recipients.of(connection)
            choice = BROKEN if kind == models.BROKEN else ENDING
            for person in people:
                state = models.PENDING if wants(person, choice) else models.SKIPPED
                _add(db, connection, person.id, kind, about_at, state)
            if not people:
                _add(db, connection, connection.owner_id, kind, about_at, models.SKIPPED)
    return len(due)


def _add(
    db: Session, connection: Connection, user_id: str, kind: str, about_at: datetime, state: str
) -> None:
    values = {
        "id": crypto.new_id("ntc"),
        "connection_id": connection.id,
        "user_id": user_id,
        "kind": kind,
        "about_at": about_at,
        "state": state,
        "may_heal": kind == models.BROKEN and not connection_state.has_ended(connection),
        "created_at": clock.now(),
    }
    db.execute(upsert_into(ConnectionNotice).values(values).on_conflict_do_nothing())


def _recipients(db: Session, connections: Sequence[Connection]) -> _Recipients:
    workspaces = {connection.workspace_id for connection in connections}
    query = (
        select(Membership, User)
        .join(User, col(User.id) == col(Membership.user_id))
        .where(col(Membership.workspace_id).in_(workspaces))
        .where(or_(col(Membership.role) == "owner", col(User.id).in_({c.owner_id for c in connections})))
        .order_by(col(Membership.created_at), col(User.id))
    )
    members: dict[str, dict[str, tuple[User, str]]] = {}
    for membership, user in db.execute(query):
        members.setdefault(membership.workspace_id, {})[user.id] = (user, membership.role)
    return _Recipients(members)
