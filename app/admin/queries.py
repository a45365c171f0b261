"""Queries that cross workspaces, on purpose: for operators only. Everywhere else a query names its workspace.

Each name says `unsafe`, so that one which strays into another package is seen in review. Lists are newest
first and page by the last row seen, so that the hundredth page costs what the first one does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_, union_all
from sqlmodel import Session, SQLModel, col

from app import clock
from app.accounts.models import LoginSession, User
from app.accounts.sessions import is_alive
from app.audit import AuditEntry
from app.oauth_server.callers import API_KEY
from app.oauth_server.models import Client, Grant
from app.usage import rollup
from app.usage.models import CallRow, UsageMark, UsageTally
from app.vault.models import Connection, Credential
from app.workspaces.models import Membership, Workspace

A_PAGE = 25
DAYS = 28
_LONGEST_SEARCH = 200
Model = TypeVar("Model", bound=SQLModel)


@dataclass(frozen=True)
class Listed:
    """One page of a list. `after` is the id the next page begins behind, or "" at the end."""

    rows: Sequence[Any]
    after: str


def every_workspace_unsafe(db: Session, search: str, after: str) -> Listed:
    """Workspaces of all companies, by name or id."""
    return _page(db, Workspace, Workspace.id, _like(search, Workspace.name, Workspace.id), after)


def every_person_unsafe(db: Session, search: str, after: str) -> Listed:
    """People of all companies, by address, name or id."""
    return _page(db, User, User.id, _like(search, User.email, User.name, User.id), after)


def every_ai_client_unsafe(db: Session, search: str, after: str, kind: str) -> Listed:
    """AI clients anybody uses, by name or id; `kind` is one of theirs, `blocked`, or "" for all."""
    wanted = _like(search, Client.name, Client.client_id)
    if kind:
        wanted.append(col(Client.blocked_at).is_not(None) if kind == "blocked" else col(Client.kind) == kind)
    return _page(db, Client, Client.client_id, wanted, after)


def every_api_key_unsafe(db: Session) -> list[tuple[Grant, str, str]]:
    """Operators' API keys that were not revoked, newest first: the grant, its maker's address, the name of
    its workspace.
    """
    query = (
        select(Grant, col(User.email), col(Workspace.name))
        .join(User, col(User.id) == col(Grant.user_id))
        .join(Workspace, col(Workspace.id) == col(Grant.workspace_id))
        .where(
            col(Grant.kind) == API_KEY, col(Grant.revoked_at).is_(None), col(Grant.expires_at) > clock.now()
        )
        .order_by(col(Grant.created_at).desc(), col(Grant.id))
        .limit(200)
    )
    return [(grant, email, name) for grant, email, name in db.execute(query)]


def members_of_unsafe(db: Session, workspace_ids: Sequence[str]) -> dict[str, int]:
    """How many members each of these workspaces has."""
    return _counts(db, Membership.workspace_id, Membership.workspace_id, workspace_ids)


def workspaces_of_unsafe(db: Session, user_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """The workspaces each of these people is in: name and role, by name."""
    query = (
        select(col(Membership.user_id), col(Workspace.name), col(Membership.role))
        .join(Workspace, col(Workspace.id) == col(Membership.workspace_id))
        .where(col(Membership.user_id).in_(user_ids))
        .order_by(col(Workspace.name), col(Workspace.id))
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for user_id, name, role in db.execute(query):
        found.setdefault(user_id, []).append((name, role))
    return found


def last_seen_unsafe(db: Session, user_ids: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    """How many living sessions each of these people has, and when the last of them was seen."""
    query = (
        select(col(LoginSession.user_id), func.count(), func.max(col(LoginSession.last_seen_at)))
        .join(User, col(User.id) == col(LoginSession.user_id))
        .where(col(LoginSession.user_id).in_(user_ids), is_alive(clock.now()))
        .group_by(col(LoginSession.user_id))
    )
    return {user_id: (count, at) for user_id, count, at in db.execute(query)}


def grants_of_unsafe(db: Session, client_ids: Sequence[str]) -> dict[str, int]:
    """How many living grants each of these AI clients holds, of anybody."""
    at = clock.now()
    living = (
        col(Grant.revoked_at).is_(None),
        or_(col(Grant.expires_at).is_(None), col(Grant.expires_at) > at),
    )
    return _counts(db, Grant.client_id, Grant.client_id, client_ids, *living)


def calls_by_day_unsafe(db: Session, workspace_ids: Sequence[str], today: date) -> dict[str, list[int]]:
    """Calls of these workspaces on each of the last 28 days, the oldest first: one query, from the tallies
    and what is not in them yet.
    """
    first = today - timedelta(days=DAYS - 1)
    mark = (
        select(func.coalesce(func.max(col(UsageMark.upto)), 0))
        .where(col(UsageMark.name) == rollup.MARK)
        .scalar_subquery()
    )
    added: Any = select(
        col(UsageTally.workspace_id).label("workspace_id"),
        col(UsageTally.day).label("day"),
        col(UsageTally.calls).label("calls"),
    )
    fresh: Any = select(
        col(CallRow.workspace_id).label("workspace_id"),
        rollup.utc_day(CallRow.at).label("day"),  # type: ignore[arg-type]
        literal(1).label("calls"),
    )
    lines = union_all(
        added.where(col(UsageTally.workspace_id).in_(workspace_ids), col(UsageTally.day) >= first),
        fresh.where(col(CallRow.workspace_id).in_(workspace_ids), col(CallRow.id) > mark),
    ).subquery()
    c = lines.c
    days: dict[str, list[int]] = {workspace_id: [0] * DAYS for workspace_id in workspace_ids}
    for workspace_id, day, calls in db.execute(
        select(c.workspace_id, c.day, func.sum(c.calls)).where(c.day >= first).group_by(c.workspace_id, c.day)
    ):
        if 0 <= (place := (day - first).days) < DAYS:
            days[workspace_id][place] = int(calls)
    return days


@dataclass(frozen=True)
class Kept:
    """The connections to one service, in all workspaces."""

    slug: str
    connected: int
    broken: int
    cooling: int  # left alone for a while after a failed refresh


def every_connection_by_service_unsafe(db: Session) -> list[Kept]:
    """How the connections of all workspaces are, by service."""
    cooling = func.count(col(Credential.connection_id)).filter(col(Credential.cooldown_until) > clock.now())
    connected = func.count().filter(col(Connection.state) == "connected")
    query = (
        select(col(Connection.slug), connected, func.count(), cooling)
        .outerjoin(Credential, col(Credential.connection_id) == col(Connection.id))
        .group_by(col(Connection.slug))
        .order_by(col(Connection.slug))
    )
    return [Kept(slug, fine, every - fine, resting) for slug, fine, every, resting in db.execute(query)]


def every_audit_entry_unsafe(
    db: Session, workspace_id: str, action: str, below: int | None
) -> tuple[list[AuditEntry], bool]:
    """Entries of all workspaces, of one, or with `-` of none; newest first. And whether there are older
    ones.
    """
    query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(A_PAGE * 2 + 1)
    if workspace_id:
        query = query.where(
            col(AuditEntry.workspace_id).is_(None)
            if workspace_id == "-"
            else col(AuditEntry.workspace_id) == workspace_id
        )
    if action:
        query = query.where(col(AuditEntry.action).startswith(action, autoescape=True))
    if below is not None:
        query = query.where(col(AuditEntry.id) < below)
    rows = list(db.scalars(query))
    return rows[: A_PAGE * 2], len(rows) > A_PAGE * 2


def addresses_of_unsafe(db: Session, user_ids: Sequence[str]) -> dict[str, str]:
    """The addresses of these people."""
    return _pairs(db, select(col(User.id), col(User.email)).where(col(User.id).in_(user_ids)))


def names_of_workspaces_unsafe(db: Session, workspace_ids: Sequence[str]) -> dict[str, str]:
    """The names of these workspaces."""
    return _pairs(
        db, select(col(Workspace.id), col(Workspace.name)).where(col(Workspace.id).in_(workspace_ids))
    )


def _pairs(db: Session, query: Any) -> dict[str, str]:
    found: dict[str, str] = dict(db.execute(query).all())
    return found


def _like(search: str, *columns: Any) -> list[ColumnElement[bool]]:
    words = "".join(c for c in search[:_LONGEST_SEARCH] if c.isprintable()).strip()
    return [or_(*(col(column).icontains(words, autoescape=True) for column in columns))] if words else []


def _page(
    db: Session, model: type[Model], key: Any, wanted: Sequence[ColumnElement[bool]], after: str
) -> Listed:
    made: Any = model.created_at  # type: ignore[attr-defined]
    query: Select[Any] = select(model).where(*wanted).order_by(made.desc(), col(key).desc()).limit(A_PAGE + 1)
    last: Any = db.get(model, after) if after else None
    if last is not None:
        query = query.where(tuple_(made, col(key)) < (last.created_at, getattr(last, key.key)))
    rows = list(db.scalars(query))
    further = getattr(rows[A_PAGE - 1], key.key) if len(rows) > A_PAGE else ""
    return Listed(rows[:A_PAGE], further)


def _counts(
    db: Session, what: Any, by: Any, keys: Sequence[str], *wanted: ColumnElement[bool]
) -> dict[str, int]:
    query = select(col(by), func.count(col(what))).where(col(by).in_(keys), *wanted).group_by(col(by))
    counts: dict[str, int] = dict(db.execute(query).all())  # type: ignore[arg-type]
    return counts
