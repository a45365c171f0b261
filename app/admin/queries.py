"""Queries that cross workspaces, on purpose: for operators only. Everywhere else a query names its workspace.

Each name contains `unsafe`, so that a use in another package is noticed in review. Lists are newest first and
page by the last row seen, so that the hundredth page costs as much as the first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, extract, func, literal, or_, select, tuple_, union_all
from sqlmodel import Session, SQLModel, col

from app import clock
from app.accounts.models import LoginSession, User
from app.accounts.sessions import is_alive
from app.oauth_server.callers import API_KEY
from app.oauth_server.models import Client, Grant
from app.usage import rollup, totals
from app.usage.models import CallRow, UsageMark, UsageTally, UsageTotal
from app.vault.models import Connection, Credential
from app.workspaces.models import Membership, Workspace

PAGE_SIZE = 25
DAYS = 28
_LONGEST_SEARCH = 200
MOST_PARAMETERS = 500  # of one statement, well under SQLite's limit
Model = TypeVar("Model", bound=SQLModel)
Item = TypeVar("Item")
Other = TypeVar("Other")


@dataclass(frozen=True)
class RowPage(Generic[Item]):
    """One page of a list. `after` is the id the next page begins behind, or "" at the end."""

    rows: Sequence[Item]
    after: str

    def map(self, change: Callable[[list[Item]], Sequence[Other]]) -> "RowPage[Other]":
        """The same page with other rows."""
        return RowPage(change(list(self.rows)), self.after)


def every_workspace_unsafe(db: Session, search: str, after: str) -> RowPage[Workspace]:
    """Workspaces of all companies, by name or id."""
    return _page(db, Workspace, Workspace.id, _like(search, Workspace.name, Workspace.id), after)


def every_person_unsafe(db: Session, search: str, after: str) -> RowPage[User]:
    """People of all companies, by address, name or id."""
    return _page(db, User, User.id, _like(search, User.email, User.name, User.id), after)


def every_ai_client_unsafe(db: Session, search: str, after: str, kind: str) -> RowPage[Client]:
    """AI clients anybody uses, by name or id; `kind` is a client kind, `blocked`, or "" for all."""
    conditions = _like(search, Client.name, Client.client_id)
    if kind:
        conditions.append(
            col(Client.blocked_at).is_not(None) if kind == "blocked" else col(Client.kind) == kind
        )
    return _page(db, Client, Client.client_id, conditions, after)


def every_api_key_unsafe(db: Session) -> list[tuple[Grant, str, str]]:
    """Operators' live API keys, newest first: grant, its creator's email address, its workspace's name."""
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
    """The number of members of each of these workspaces."""
    return _counts(db, Membership.workspace_id, Membership.workspace_id, workspace_ids)


def workspaces_of_unsafe(db: Session, user_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """The workspaces of each of these people: name and role, by name."""
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
    """The number of live sessions of each of these people, and when the last one was seen."""
    query = (
        select(col(LoginSession.user_id), func.count(), func.max(col(LoginSession.last_seen_at)))
        .join(User, col(User.id) == col(LoginSession.user_id))
        .where(col(LoginSession.user_id).in_(user_ids), is_alive(clock.now()))
        .group_by(col(LoginSession.user_id))
    )
    return {user_id: (count, at) for user_id, count, at in db.execute(query)}


def grants_of_unsafe(db: Session, client_ids: Sequence[str]) -> dict[str, int]:
    """The number of live grants of each of these AI clients, of anybody."""
    at = clock.now()
    living = (
        col(Grant.revoked_at).is_(None),
        or_(col(Grant.expires_at).is_(None), col(Grant.expires_at) > at),
    )
    return _counts(db, Grant.client_id, Grant.client_id, client_ids, *living)


def calls_by_day_unsafe(db: Session, workspace_ids: Sequence[str], today: date) -> dict[str, list[int]]:
    """Calls of these workspaces per day for 28 days, oldest first: one query, totals plus newer calls."""
    first = today - timedelta(days=DAYS - 1)
    stored: Any = select(
        col(UsageTotal.workspace_id), col(UsageTotal.start).label("day"), col(UsageTotal.calls).label("calls")
    ).where(
        col(UsageTotal.workspace_id).in_(workspace_ids),
        col(UsageTotal.facet) == "all",
        col(UsageTotal.unit) == "d",
        col(UsageTotal.start).between(first, today),
    )
    fresh = _fresh(totals.MARK, ("workspace_id",), first, today)
    c = union_all(stored, fresh.where(col(CallRow.workspace_id).in_(workspace_ids))).subquery().c
    days: dict[str, list[int]] = {workspace_id: [0] * DAYS for workspace_id in workspace_ids}
    for workspace_id, day, calls in db.execute(
        select(c.workspace_id, c.day, func.sum(c.calls)).group_by(c.workspace_id, c.day)
    ):
        days[workspace_id][(day - first).days] = int(calls)
    return days


def usage_by_unsafe(
    db: Session, by: Sequence[str], first: date, last: date, workspace_id: str = ""
) -> dict[tuple[str, ...], int]:
    """Calls of all workspaces, or of one, from one day (UTC) to another, added up in the database.

    `by` names columns of `calls`, "day" (2026-11-29) or "month" (2026-11).
    """
    names = tuple(name for name in by if name not in {"day", "month"})
    c = _calls(names, first, last, [workspace_id] if workspace_id else None)
    month = (extract("year", c.day) * 100 + extract("month", c.day)).label("month")
    key = [month if name == "month" else c[name] for name in by]
    found: dict[tuple[str, ...], int] = {}
    for *values, calls in db.execute(select(*key, func.sum(c.calls)).group_by(*key)):
        words = tuple(
            f"{int(value) // 100:04}-{int(value) % 100:02}" if name == "month" else str(value or "")
            for name, value in zip(by, values, strict=True)
        )
        found[words] = int(calls)
    return found


def billed_as_unsafe(db: Session, workspace_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The name and tier of each of these workspaces. Deleted ones are missing."""
    query = select(col(Workspace.id), col(Workspace.name), col(Workspace.tier))
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(workspace_ids), MOST_PARAMETERS):
        part = workspace_ids[start : start + MOST_PARAMETERS]
        found |= {
            key: (name, tier) for key, name, tier in db.execute(query.where(col(Workspace.id).in_(part)))
        }
    return found


def _calls(names: Sequence[str], first: date, last: date, workspace_ids: Sequence[str] | None) -> Any:
    """The columns of tallies and of newer calls between two days. `calls` is what a line stands for."""
    stored: Any = select(
        *(col(getattr(UsageTally, name)).label(name) for name in (*names, "day", "calls"))
    ).where(col(UsageTally.day).between(first, last))
    fresh = _fresh(rollup.MARK, names, first, last)
    if workspace_ids is not None:
        stored = stored.where(col(UsageTally.workspace_id).in_(workspace_ids))
        fresh = fresh.where(col(CallRow.workspace_id).in_(workspace_ids))
    return union_all(stored, fresh).subquery().c


def _fresh(mark: str, names: Sequence[str], first: date, last: date) -> Any:
    """The calls between two days that are behind that mark."""
    upto = select(func.coalesce(func.max(col(UsageMark.upto)), 0)).where(col(UsageMark.name) == mark)
    day = rollup.utc_day(CallRow.at)  # type: ignore[arg-type]
    columns = (getattr(CallRow, name).label(name) for name in names)
    found: Any = select(*columns, day.label("day"), literal(1).label("calls"))
    return found.where(col(CallRow.id) > upto.scalar_subquery(), day.between(first, last))


@dataclass(frozen=True)
class ConnectionCounts:
    """The connections of one service in all workspaces, by state."""

    slug: str
    connected: int
    broken: int
    cooling: int  # in cooldown after a failed refresh


def every_connection_by_service_unsafe(db: Session) -> list[ConnectionCounts]:
    """The connections of all workspaces, counted by service and state."""
    cooling = func.count(col(Credential.connection_id)).filter(col(Credential.cooldown_until) > clock.now())
    connected = func.count().filter(col(Connection.state) == "connected")
    query = (
        select(col(Connection.slug), connected, func.count(), cooling)
        .outerjoin(Credential, col(Credential.connection_id) == col(Connection.id))
        .group_by(col(Connection.slug))
        .order_by(col(Connection.slug))
    )
    return [
        ConnectionCounts(slug, fine, every - fine, resting)
        for slug, fine, every, resting in db.execute(query)
    ]


def addresses_of_unsafe(db: Session, user_ids: Sequence[str]) -> dict[str, str]:
    """The addresses of these people."""
    query, found = select(col(User.id), col(User.email)), dict[str, str]()
    for start in range(0, len(user_ids), MOST_PARAMETERS):
        part = user_ids[start : start + MOST_PARAMETERS]
        found |= _pairs(db, query.where(col(User.id).in_(part)))
    return found


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
    db: Session, model: type[Model], key: Any, conditions: Sequence[ColumnElement[bool]], after: str
) -> RowPage[Model]:
    made: Any = model.created_at  # type: ignore[attr-defined]
    query: Select[Any] = (
        select(model).where(*conditions).order_by(made.desc(), col(key).desc()).limit(PAGE_SIZE + 1)
    )
    last: Any = db.get(model, after) if after else None
    if last is not None:
        query = query.where(tuple_(made, col(key)) < (last.created_at, getattr(last, key.key)))
    rows = list(db.scalars(query))
    further = getattr(rows[PAGE_SIZE - 1], key.key) if len(rows) > PAGE_SIZE else ""
    return RowPage(rows[:PAGE_SIZE], further)


def _counts(
    db: Session, what: Any, by: Any, keys: Sequence[str], *conditions: ColumnElement[bool]
) -> dict[str, int]:
    query = select(col(by), func.count(col(what))).where(col(by).in_(keys), *conditions).group_by(col(by))
    counts: dict[str, int] = dict(db.execute(query).all())  # type: ignore[arg-type]
    return counts
