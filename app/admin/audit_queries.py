"""Entries of the audit trail of all workspaces, for operators only: each query ends after a page's rows.

Each name contains `unsafe`, as in `queries.py`.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select, union_all
from sqlmodel import Session, col

from app import database
from app.audit import AuditEntry

PAGE_SIZE = 50
_MOST_APART = timedelta(days=1)  # between the clocks of two hosts that write entries one after the other


def every_audit_entry_unsafe(
    db: Session, workspace_id: str, action: str, below: int | None
) -> tuple[list[AuditEntry], bool]:
    """Entries of all workspaces, of one, or with `-` of none; newest first. And whether older ones exist."""
    if workspace_id:
        query = _of_workspace(db, workspace_id, below)
        if action:
            query = query.where(col(AuditEntry.action).startswith(action, autoescape=True))
    elif action:
        query = _of_actions(db, action, below)
    else:
        query = _newest(below)
    rows = list(db.scalars(query.limit(PAGE_SIZE + 1)))
    return rows[:PAGE_SIZE], len(rows) > PAGE_SIZE


def _newest(below: int | None) -> Select[Any]:
    query: Any = select(AuditEntry).order_by(col(AuditEntry.id).desc())
    return query if below is None else query.where(col(AuditEntry.id) < below)  # type: ignore[no-any-return]


def _of_workspace(db: Session, workspace_id: str, below: int | None) -> Select[Any]:
    """By time, as the index of a workspace's entries is. Ids are in about the same order."""
    query: Any = _newest(below).order_by(None).order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc())
    if below is not None:
        before = select(col(AuditEntry.at)).where(col(AuditEntry.id) <= below)
        last = db.scalar(before.order_by(col(AuditEntry.id).desc()).limit(1))
        query = query if last is None else query.where(col(AuditEntry.at) <= last + _MOST_APART)
    none = col(AuditEntry.workspace_id).is_(None)
    mine = none if workspace_id == "-" else col(AuditEntry.workspace_id) == workspace_id
    return query.where(mine)  # type: ignore[no-any-return]


def _of_actions(db: Session, action: str, below: int | None) -> Select[Any]:
    """The newest of each action that begins so, from its part of the index, and of these the newest."""
    begins = action.lower() if database.current().is_sqlite else action  # as LIKE compares there
    found = [name for name in _actions(db) if name.startswith(begins)]
    if not found:
        return _newest(0)
    ids = [
        _newest(below).with_only_columns(col(AuditEntry.id)).where(col(AuditEntry.action) == name)
        for name in found
    ]
    newest = union_all(*(select(each.limit(PAGE_SIZE + 1).subquery()) for each in ids)).subquery()
    return _newest(below).where(col(AuditEntry.id).in_(select(newest.c.id)))


def _actions(db: Session) -> list[str]:
    """The actions that occur: one look-up in the index for each, however many entries have it."""
    action = col(AuditEntry.action)
    found = select(func.min(action).label("name")).cte("found", recursive=True)
    following = select(func.min(action)).where(action > found.c.name).scalar_subquery()
    found = found.union_all(select(following).where(found.c.name.is_not(None)))
    return list(db.scalars(select(found.c.name).where(found.c.name.is_not(None))))
