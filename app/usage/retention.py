"""Delete what is past its retention: few rows per transaction, a pause after each, so that no call waits.

Rows of calls are deleted after USAGE_RETENTION_DAYS, once they are in the tallies and the totals. Tallies are
deleted after two years and a month, so that a month can be compared with the same month of last year. Data of
a deleted workspace goes at once.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Select, delete, exists, func, or_, select, update
from sqlmodel import Session, col

from app import clock, database
from app.usage import rollup, totals, totals_removal
from app.usage.models import CallRow, LimitCounter, UsageMark, UsageTally
from app.workspaces.models import Workspace

TALLY_RETENTION_DAYS = 760
_EVERY = timedelta(hours=1)
_AT_ONCE = 1_000


def sweep_if_due(keep_days: int) -> None:
    """Sweep, unless any process has within the hour. Raises Unavailable."""
    at = clock.now()
    swept_at = col(UsageMark.swept_at)
    due = or_(swept_at.is_(None), swept_at < at - _EVERY, swept_at > at)
    with database.transaction() as db:
        taken = db.execute(
            update(UsageMark).where(col(UsageMark.name) == rollup.MARK, due).values(swept_at=at)
        )
    if cast("CursorResult[Any]", taken).rowcount:
        sweep(keep_days)


def sweep(keep_days: int, progress: Callable[[int], None] = lambda gone: None) -> int:
    """Delete what is too old. Returns how many calls. Raises Unavailable; earlier deletions stay."""
    gone = _forget_calls(keep_days, progress)
    first_retained = (clock.now() - timedelta(days=max(keep_days, TALLY_RETENTION_DAYS))).date()
    _forget_tallies(
        select(col(UsageTally.workspace_id), col(UsageTally.day)).where(col(UsageTally.day) < first_retained)
    )
    with database.reading() as db:
        deleted = list(db.execute(_deleted_workspaces().limit(_AT_ONCE)).scalars())
    for workspace_id in deleted:
        gone += forget_workspace(workspace_id)
    return gone


def forget_workspace(workspace_id: str) -> int:
    """Delete all usage of a deleted workspace. Returns how many rows of calls."""
    some = (
        select(col(CallRow.id))
        .where(col(CallRow.workspace_id) == workspace_id)
        .order_by(col(CallRow.id))
        .limit(_AT_ONCE)
    )
    total = 0
    while gone := _delete(delete(CallRow).where(col(CallRow.id).in_(some))):
        total += gone
    _forget_tallies(
        select(col(UsageTally.workspace_id), col(UsageTally.day)).where(
            col(UsageTally.workspace_id) == workspace_id
        )
    )
    _delete(delete(LimitCounter).where(col(LimitCounter.workspace_id) == workspace_id))
    return total


def _deleted_workspaces() -> Select[str]:
    """The workspaces that still have tallies: one look-up in the index for each, however many it has."""
    workspace_id = col(UsageTally.workspace_id)
    found = select(func.min(workspace_id).label("id")).cte("found", recursive=True)
    following = select(func.min(workspace_id)).where(workspace_id > found.c.id).scalar_subquery()
    found = found.union_all(select(following).where(found.c.id.is_not(None)))
    return select(found.c.id).where(found.c.id.is_not(None), ~exists().where(col(Workspace.id) == found.c.id))


def _forget_calls(keep_days: int, progress: Callable[[int], None]) -> int:
    """Delete from the oldest id on, until a whole batch holds nothing old enough."""
    retained_from = clock.now() - timedelta(days=keep_days)
    with database.reading() as db:
        upto = min(rollup.mark_in(db), totals.mark_in(db))
    behind, total = 0, 0
    while True:
        with database.reading() as db:
            next_ids = select(col(CallRow.id)).where(col(CallRow.id) > behind, col(CallRow.id) <= upto)
            ids = list(db.execute(next_ids.order_by(col(CallRow.id)).limit(_AT_ONCE)).scalars())
        if not ids:
            return total
        between = col(CallRow.id).between(ids[0], ids[-1])
        gone = _delete(delete(CallRow).where(between, col(CallRow.at) < retained_from))
        if not gone:
            return total
        total, behind = total + gone, ids[-1]
        progress(total)


def _forget_tallies(days: Select[str, date]) -> None:
    """Delete the tallies of these days of workspaces, one day per transaction."""
    while True:
        with database.reading() as db:
            found = db.execute(days.distinct().limit(_AT_ONCE)).all()
        if not found:
            return
        for workspace_id, day in found:
            of_day = col(UsageTally.workspace_id) == workspace_id, col(UsageTally.day) == day
            with _paced() as db:
                db.execute(delete(UsageTally).where(*of_day))
                totals_removal.forget_day(db, workspace_id, day)


def _delete(statement: Delete) -> int:
    with _paced() as db:
        return cast("CursorResult[Any]", db.execute(statement)).rowcount


@contextlib.contextmanager
def _paced() -> Iterator[Session]:
    """A transaction, and a pause for as long as it took."""
    started = time.monotonic()
    with database.transaction() as db:
        yield db
    time.sleep(min(0.5, time.monotonic() - started))
