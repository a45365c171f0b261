"""Entries of the trail, newest first, for the one who may see them: a workspace's to its owners and
admins, to others their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, tuple_
from sqlmodel import Session, col

from app.accounts.models import User
from app.audit import AuditEntry
from app.database import reading
from app.workspaces.guard import Member
from app.workspaces.models import Membership

_LOT = 500
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)

# What a person may look for: a word for the address, words for the page, and the nouns of the actions meant.
KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("signing-in", "Signing in and accounts", ("person",)),
    ("connections", "Connections", ("connection",)),
    ("ai-clients", "AI clients and tokens", ("client", "grant", "token", "api_key")),
    ("tools", "Tool calls and approvals", ("tool", "approval")),
    ("team", "Team and workspace", ("member", "invitation", "workspace")),
)
_NOUNS = {word: nouns for word, _, nouns in KINDS}


@dataclass(frozen=True)
class Place:
    """Where a list goes on: behind this entry."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.at - _FIRST_MOMENT) // timedelta(microseconds=1)}-{self.id}"

    @classmethod
    def read(cls, text: str | None) -> "Place | None":
        """The place of a text made by `str`; None for any other."""
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
class Asked:
    """Whose entries, and which of them. `own` limits them to the viewer's, and adds what they did outside
    any workspace.
    """

    workspace_id: str
    viewer_id: str
    own: bool
    person: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    behind: Place | None = None


def asked_by(
    member: Member, *, person: str = "", kind: str = "", since: date | None = None, until: date | None = None
) -> Asked:
    """The question a member may put: an owner or admin about everybody in the workspace, others about
    themselves.
    """
    mine = not member.manages or person == member.user.id
    return Asked(
        member.workspace.id,
        member.user.id,
        mine,
        "" if mine else person,
        kind if kind in _NOUNS else "",
        since=since,
        until=until,
    )


def latest(db: Session, asked: Asked, most: int) -> list[AuditEntry]:
    """The newest entries behind the place asked for."""
    query = select(AuditEntry).where(*_conditions(asked))
    query = query.order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc()).limit(most)
    return list(db.execute(query).scalars())


def every(asked: Asked) -> Iterator[Sequence[AuditEntry]]:
    """All of them in lots; no connection is held between two. Raises Unavailable."""
    while True:
        with reading() as db:
            lot = latest(db, asked, _LOT)
        if lot:
            yield lot
        if len(lot) < _LOT:
            return
        asked = replace(asked, behind=Place(lot[-1].at, lot[-1].id or 0))


def people_of(db: Session, workspace_id: str) -> list[tuple[str, str]]:
    """The members of a workspace, id and name, to choose from."""
    query = select(col(User.id), col(User.name), col(User.email)).join(
        Membership, col(Membership.user_id) == col(User.id)
    )
    rows = db.execute(query.where(col(Membership.workspace_id) == workspace_id).limit(500)).all()
    return sorted(((row[0], row[1] or row[2]) for row in rows), key=lambda each: each[1].casefold())


def names_in(db: Session, workspace_id: str, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """What the people of these entries are called; an operator who is no member is "The operator"."""
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


def _conditions(asked: Asked) -> list[Any]:
    mine = col(AuditEntry.workspace_id) == asked.workspace_id
    if asked.own:
        conditions: list[Any] = [
            col(AuditEntry.user_id) == asked.viewer_id,
            or_(mine, col(AuditEntry.workspace_id).is_(None)),
        ]
    else:
        conditions = [mine, *([col(AuditEntry.user_id) == asked.person] if asked.person else [])]
    if asked.kind:
        conditions.append(
            or_(
                *(
                    col(AuditEntry.action).startswith(f"{noun}.", autoescape=True)
                    for noun in _NOUNS[asked.kind]
                )
            )
        )
    if asked.since:
        conditions.append(col(AuditEntry.at) >= _midnight(asked.since))
    if asked.until:
        conditions.append(col(AuditEntry.at) < _midnight(asked.until) + timedelta(days=1))
    if asked.behind:
        behind = tuple_(col(AuditEntry.at), col(AuditEntry.id)) < (asked.behind.at, asked.behind.id)
        conditions.append(behind)
    return conditions


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
