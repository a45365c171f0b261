"""Entries of the trail, newest first: a workspace's for its owners and admins, for others their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import and_, or_, select, tuple_
from sqlmodel import Session, col

from app.accounts.models import User
from app.audit import AuditEntry
from app.database import reading
from app.workspaces.guard import Member
from app.workspaces.models import Membership

_LOT = 500
_MOST_AROUND = 2_000
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)

# What a person may filter by: the value in the URL, the words on the page, and the nouns of the actions.
KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("signing-in", "Sign-in and accounts", ("person",)),
    ("connections", "Connections", ("connection",)),
    ("ai-clients", "AI clients and tokens", ("client", "grant", "token", "api_key")),
    ("tools", "Tool calls and approvals", ("tool", "approval")),
    ("team", "Team and workspace", ("member", "invitation", "workspace", "webhook")),
)
_NOUNS = {word: nouns for word, _, nouns in KINDS}


@dataclass(frozen=True)
class TrailCursor:
    """Where a list goes on: after this entry."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.at - _FIRST_MOMENT) // timedelta(microseconds=1)}-{self.id}"

    @classmethod
    def read(cls, text: str | None) -> "TrailCursor | None":
        """The cursor in a text made by `str`; None for any other text."""
        at, _, entry_id = (text or "").partition("-")
        if not (
            at.isascii()
            and at.isdigit()
            and entry_id.isascii()
            and entry_id.isdigit()
            and len(at) <= 17
            and len(entry_id) <= 18
        ):
            return None
        return cls(_FIRST_MOMENT + timedelta(microseconds=int(at)), int(entry_id))


@dataclass(frozen=True)
class TrailFilter:
    """Which entries to read. `own`: only the viewer's, with their actions outside any workspace."""

    workspace_id: str
    viewer_id: str
    own: bool
    person: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    behind: TrailCursor | None = None
    zone: tzinfo = UTC  # in which `since` and `until` are days

    def matches(self, entry: AuditEntry) -> bool:
        """Whether an entry of this workspace is among them, whatever its place in the list."""
        mine = self.viewer_id if self.own else self.person
        noun = entry.action.partition(".")[0]
        return (
            mine in {"", entry.user_id}
            and (not self.kind or noun in _NOUNS[self.kind])
            and (self.since is None or entry.at >= _midnight(self.since, self.zone))
            and (self.until is None or entry.at < _midnight(self.until + timedelta(days=1), self.zone))
        )


def allowed_filter(
    member: Member, *, person: str = "", kind: str = "", since: date | None = None, until: date | None = None
) -> TrailFilter:
    """The filter a member may use: owners and admins for everybody here, others for themselves."""
    mine = not member.manages or person == member.user.id
    return TrailFilter(
        member.workspace.id,
        member.user.id,
        mine,
        "" if mine else person,
        kind if kind in _NOUNS else "",
        since=since,
        until=until,
    )


def latest(db: Session, trail_filter: TrailFilter, most: int) -> list[AuditEntry]:
    """The newest matching entries after the cursor."""
    query = select(AuditEntry).where(*_conditions(trail_filter))
    query = query.order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc()).limit(most)
    return list(db.execute(query).scalars())


def all_entries(trail_filter: TrailFilter) -> Iterator[Sequence[AuditEntry]]:
    """All matching entries in batches; no connection is held in between. Raises Unavailable."""
    while True:
        with reading() as db:
            lot = latest(db, trail_filter, _LOT)
        if lot:
            yield lot
        if len(lot) < _LOT:
            return
        trail_filter = replace(trail_filter, behind=TrailCursor(lot[-1].at, lot[-1].id or 0))


def approvals_around(
    db: Session, workspace_id: str, entries: Sequence[AuditEntry], span: timedelta
) -> list[AuditEntry]:
    """The workspace's `approval.*` entries from `span` before the oldest of these to `span` after the newest.

    An empty list if none of these is an approval's or a call's.
    """
    times = [entry.at for entry in entries if entry.action.startswith(("approval.", "tool."))]
    if not times:
        return []
    query = select(AuditEntry).where(
        col(AuditEntry.workspace_id) == workspace_id,
        col(AuditEntry.at).between(min(times) - span, max(times) + span),
        col(AuditEntry.action).startswith("approval."),
    )
    newest_first = (col(AuditEntry.at).desc(), col(AuditEntry.id).desc())
    return list(db.execute(query.order_by(*newest_first).limit(_MOST_AROUND)).scalars())


def people_of(db: Session, workspace_id: str) -> list[tuple[str, str]]:
    """The members of a workspace as id and name, for the menu."""
    query = select(col(User.id), col(User.name), col(User.email)).join(
        Membership, col(Membership.user_id) == col(User.id)
    )
    rows = db.execute(query.where(col(Membership.workspace_id) == workspace_id).limit(500)).all()
    return sorted(((row[0], row[1] or row[2]) for row in rows), key=lambda each: each[1].casefold())


def names_in(db: Session, workspace_id: str, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """The names of the people in these entries; an operator who is not a member is "The operator"."""
    ids = {
        each
        for entry in entries
        for each in (entry.user_id, entry.subject)
        if each and each.startswith("usr_")
    }
    belongs = and_(col(Membership.user_id) == col(User.id), col(Membership.workspace_id) == workspace_id)
    query = select(col(User.id), col(User.name), col(User.email), col(User.is_operator), col(Membership.role))
    found = db.execute(query.outerjoin(Membership, belongs).where(col(User.id).in_(ids))).all() if ids else []
    return {row[0]: "The operator" if row[3] and row[4] is None else row[1] or row[2] for row in found}


def _conditions(trail_filter: TrailFilter) -> list[Any]:
    mine = col(AuditEntry.workspace_id) == trail_filter.workspace_id
    if trail_filter.own:
        conditions: list[Any] = [
            col(AuditEntry.user_id) == trail_filter.viewer_id,
            or_(mine, col(AuditEntry.workspace_id).is_(None)),
        ]
    else:
        conditions = [
            mine,
            *([col(AuditEntry.user_id) == trail_filter.person] if trail_filter.person else []),
        ]
    if trail_filter.kind:
        conditions.append(
            or_(
                *(
                    col(AuditEntry.action).startswith(f"{noun}.", autoescape=True)
                    for noun in _NOUNS[trail_filter.kind]
                )
            )
        )
    if trail_filter.since:
        conditions.append(col(AuditEntry.at) >= _midnight(trail_filter.since, trail_filter.zone))
    if trail_filter.until:
        conditions.append(
            col(AuditEntry.at) < _midnight(trail_filter.until + timedelta(days=1), trail_filter.zone)
        )
    if trail_filter.behind:
        behind = tuple_(col(AuditEntry.at), col(AuditEntry.id)) < (
            trail_filter.behind.at,
            trail_filter.behind.id,
        )
        conditions.append(behind)
    return conditions


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
