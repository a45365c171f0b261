"""Add calls up into tallies: each call once, however many processes do it, however late its row arrives.

Calls are added in order of their ids, one batch per transaction; the mark says how far. The mark moves in the
same transaction with its row locked, so a batch counts once or not at all.

PostgreSQL assigns an id before the row is visible, so a smaller id may appear after a larger one. An id
therefore counts as settled only after every transaction has ended that was writing calls when the id was
read, as CREATE INDEX CONCURRENTLY waits. SQLite has one writer at a time, and ids appear in order.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, FunctionElement, and_, func, select, text, update
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Session, col

from app import database
from app.usage.buckets import Histogram, bucket_column
from app.usage.models import CallRow, UsageMark, UsageTally

MARK = "calls"
_BATCH = {"sqlite": 2_000, "postgresql": 20_000}  # on SQLite no other writer runs meanwhile
_PATIENCE_SECONDS = 2.0

_KEY = ("workspace_id", "day", "tool", "user_id", "client_name", "slug", "outcome")
_SUMS = ("calls", "total_ms", "upstream_ms", "first_id", "last_id", "histogram")
_WRITING = text(
    """
    SELECT DISTINCT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'calls'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
)


class utc_day(FunctionElement[date]):
    """The day of a timestamp, in UTC."""

    type = Date()
    inherit_cache = True


@compiles(utc_day, "sqlite")
def _sqlite_day(element: FunctionElement[date], compiler: object, **options: object) -> str:
    return f"date({compiler.process(element.clauses, **options)})"  # type: ignore[attr-defined]


@compiles(utc_day, "postgresql")
def _postgres_day(element: FunctionElement[date], compiler: object, **options: object) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC' AS DATE)"  # type: ignore[attr-defined]


def run(progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Add up every settled call. Returns how many. Stops if another process is adding up.

    Raises Unavailable; what was added up before stays.
    """
    done, begun, goal = 0, mark(), _settled_id()
    while True:
        started = time.monotonic()
        with database.transaction() as db:
            upto = _take_batch(db, goal)
        if upto is None:
            return done
        done = upto - begun
        progress(done, goal - begun)
        if upto >= goal:
            return done
        time.sleep(min(1.0, time.monotonic() - started))  # let other writers in


def mark() -> int:
    """The id up to which calls are in the tallies."""
    with database.reading() as db:
        return mark_in(db)


def mark_in(db: Session) -> int:
    """The same, as this session sees it."""
    return (
        db.execute(select(col(UsageMark.upto)).where(col(UsageMark.name) == MARK)).scalar_one_or_none() or 0
    )


def _settled_id() -> int:
    """An id before which no row can still appear. The mark if writers stay busy too long."""
    with database.reading() as db:
        newest: int = db.execute(select(func.max(CallRow.id))).scalar_one() or 0
    if database.current().is_sqlite:
        return newest
    writing, until = _writers(), time.monotonic() + _PATIENCE_SECONDS
    while writing:
        if time.monotonic() > until:
            return mark()
        time.sleep(0.01)
        writing &= _writers()
    return newest


def _writers() -> set[str]:
    """Open transactions that have written calls, or are about to."""
    with database.reading() as db:
        return set(db.execute(_WRITING).scalars())


def _take_batch(db: Session, goal: int) -> int | None:
    """Add up the next calls, at most to `goal`. Returns the new mark; None if idle or another is at it."""
    db.execute(database.upsert_into(UsageMark).values(name=MARK, upto=0).on_conflict_do_nothing())
    found = select(col(UsageMark.upto)).where(col(UsageMark.name) == MARK).with_for_update(skip_locked=True)
    begun: int | None = db.execute(found).scalar_one_or_none()
    if begun is None or begun >= goal:
        return None
    upto = min(begun + _BATCH[db.get_bind().dialect.name], goal)
    tallies = _sum(db, begun, upto)
    _add_stored(db, tallies, begun, upto)
    if tallies:
        rows = [
            dict(zip((*_KEY, *_SUMS), (*key, *tally.values()), strict=True)) for key, tally in tallies.items()
        ]
        storing = database.upsert_into(UsageTally)
        storing = storing.on_conflict_do_update(
            index_elements=_KEY, set_={name: storing.excluded[name] for name in _SUMS}
        )
        db.connection().execute(storing, rows)
    db.execute(update(UsageMark).where(col(UsageMark.name) == MARK).values(upto=upto))
    return upto


class _PendingTally:
    """The sum of some calls with one key, before it is stored."""

    def __init__(self) -> None:
        self.calls, self.total_ms, self.upstream_ms = 0, 0.0, 0.0
        self.first_id, self.last_id = 0, 0
        self.histogram = Histogram()

    def take(self, calls: int, total_ms: float, upstream_ms: float, first_id: int, last_id: int) -> None:
        """Add calls."""
        self.calls += calls
        self.total_ms += total_ms
        self.upstream_ms += upstream_ms
        self.first_id = min(self.first_id or first_id, first_id)
        self.last_id = max(self.last_id, last_id)

    def values(self) -> tuple[Any, ...]:
        """The values in the order of the columns."""
        return (
            self.calls,
            self.total_ms,
            self.upstream_ms,
            self.first_id,
            self.last_id,
            self.histogram.stored(),
        )


def _sum(db: Session, begun: int, upto: int) -> dict[tuple[Any, ...], _PendingTally]:
    """The calls between two ids, per key."""
    key, bucket = _key(), bucket_column(CallRow.total_ms)  # type: ignore[arg-type]
    sums: list[Any] = [
        func.count(),
        func.sum(CallRow.total_ms),
        func.sum(CallRow.upstream_ms),
        func.min(CallRow.id),
        func.max(CallRow.id),
    ]
    found: dict[tuple[Any, ...], _PendingTally] = defaultdict(_PendingTally)
    for *alike, number, calls, total_ms, upstream_ms, first_id, last_id in db.execute(
        select(*key, bucket, *sums).where(*_between(begun, upto)).group_by(*key, bucket)
    ):
        tally = found[tuple(alike)]
        tally.take(calls, total_ms, upstream_ms, first_id, last_id)
        tally.histogram.add(number, calls, total_ms, upstream_ms)
    return found


def _add_stored(db: Session, tallies: dict[tuple[Any, ...], _PendingTally], begun: int, upto: int) -> None:
    """Add what the stored tallies of these keys hold. The locked mark keeps other writers out."""
    wanted = select(*_key()).where(*_between(begun, upto)).distinct().subquery()
    same = and_(*(getattr(UsageTally, name) == wanted.c[name] for name in _KEY))
    stored = select(*(getattr(UsageTally, name) for name in (*_KEY, *_SUMS))).join(wanted, same)
    for row in db.execute(stored):
        tally, (calls, total_ms, upstream_ms, first_id, last_id, histogram) = (
            tallies[tuple(row[: len(_KEY)])],
            row[len(_KEY) :],
        )
        tally.take(calls, total_ms, upstream_ms, first_id, last_id)
        tally.histogram.merge(histogram)


def _key() -> list[ColumnElement[Any]]:
    """The columns of a call that make the key of its tally."""
    return [
        utc_day(CallRow.at).label(name) if name == "day" else getattr(CallRow, name).label(name)
        for name in _KEY
    ]  # type: ignore[arg-type]


def _between(begun: int, upto: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(CallRow.id) > begun, col(CallRow.id) <= upto
