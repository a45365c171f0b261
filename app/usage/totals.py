"""Add calls up a second time, by one facet each and by month too, for figures over many of them.

A tally tells calls apart by everything that can be filtered, so a busy workspace has hundreds a day. Pages
without a filter read totals instead, of which a year has few. They follow the tallies: a call is added once
its id is behind the mark of the roll-up, so ids that appear late are no concern here. Each call is added
once, because a mark of their own moves in the same transaction, with its row locked.

Totals of all workspaces have the workspace "". Which workspaces and people made the most calls is read from
`usage_ranks`, by an index: a row per month, and one for the twelve months that end with the present one.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    FunctionElement,
    Select,
    case,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Session, SQLModel, col

from app import clock, database
from app.usage import outcomes, rollup
from app.usage.buckets import bucket_column
from app.usage.models import CallRow, UsageMark, UsageRank, UsageTime, UsageTotal

MARK = "totals"
EVERYBODY = ""  # as a workspace: all of them together
YEAR = 12
_BATCH = {"sqlite": 1_000, "postgresql": 20_000}  # on SQLite no other writer runs meanwhile
FACETS: dict[str, Any] = {
    "all": literal(""),
    "tool": col(CallRow.tool),
    "client": col(CallRow.client_name),
    "member": col(CallRow.user_id),
}
OF_EVERYBODY = (("all", "d"), ("all", "m"), ("tool", "m"))
RANKED: dict[str, Any] = {"workspace": col(CallRow.workspace_id), "member": col(CallRow.user_id)}


class utc_month(FunctionElement[date]):
    """The first day of a timestamp's month, in UTC."""

    type = Date()
    inherit_cache = True


@compiles(utc_month, "sqlite")
def _sqlite_month(element: FunctionElement[date], compiler: object, **options: object) -> str:
    return f"date({compiler.process(element.clauses, **options)}, 'start of month')"  # type: ignore[attr-defined]


@compiles(utc_month, "postgresql")
def _postgres_month(element: FunctionElement[date], compiler: object, **options: object) -> str:
    at = compiler.process(element.clauses, **options)  # type: ignore[attr-defined]
    return f"CAST(date_trunc('month', {at} AT TIME ZONE 'UTC') AS DATE)"


_STARTS: dict[str, Any] = {"d": rollup.utc_day(CallRow.at), "m": utc_month(CallRow.at)}  # type: ignore[arg-type]


def run() -> int:
    """Add up every call that is in the tallies. Returns how many ids it passed.

    Stops if another process is adding up. Raises Unavailable; what was added up before stays.
    """
    passed = 0
    while True:
        started = time.monotonic()
        with database.transaction() as db:
            step = _take_batch(db)
        if not step:
            return passed
        passed += step
        time.sleep(min(1.0, time.monotonic() - started))  # let other writers in


def mark_in(db: Session) -> int:
    """The id up to which calls are in the totals, as this session sees it."""
    return (
        db.execute(select(col(UsageMark.upto)).where(col(UsageMark.name) == MARK)).scalar_one_or_none() or 0
    )


def this_month() -> date:
    """The first day of the present month, in UTC."""
    return clock.now().date().replace(day=1)


def months_before(month: date, count: int) -> date:
    """The first day of the month so many months before."""
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)


def _take_batch(db: Session) -> int:
    """Add the next calls. Returns how many ids it passed: 0 if there are none, or another process adds up."""
    begun = lock(db, skip_locked=True)
    if begun is None:
        return 0
    _open_year(db)
    upto = min(begun + _BATCH[db.get_bind().dialect.name], rollup.mark_in(db))
    if upto <= begun:
        return 0
    between = col(CallRow.id).between(begun + 1, upto)
    for model, values, key in _sums():
        columns = [each for each in key if not isinstance(each, BindParameter)]
        add(db, model, select(*values).where(between).group_by(*columns))
    present = this_month()
    within = _STARTS["m"].between(months_before(present, YEAR - 1), present)
    for facet, value in RANKED.items():
        key = (literal(YEAR), literal(present, Date()), literal(facet), value)
        add(db, UsageRank, select(*key, *_RANK_SUMS).where(between, within).group_by(value))
    db.execute(update(UsageMark).where(col(UsageMark.name) == MARK).values(upto=upto))
    return upto - begun


_ID_SUMS: Any = (func.count(), func.min(CallRow.id), func.max(CallRow.id))
_TIME_SUMS: Any = (func.count(), func.sum(CallRow.total_ms), func.sum(CallRow.upstream_ms))
_RANK_SUMS: Any = (func.count(), func.sum(case((col(CallRow.outcome).in_(outcomes.FINE), 0), else_=1)))


def _sums() -> Iterator[tuple[type[SQLModel], Sequence[Any], Sequence[Any]]]:
    """What each batch adds where: the table, the columns to select from calls, and those to group by."""
    nothing: Any = literal("")
    bucket = bucket_column(CallRow.total_ms)  # type: ignore[arg-type]
    workspace_id: Any = CallRow.workspace_id
    key: tuple[Any, ...]
    for unit, start in _STARTS.items():
        for facet, value in FACETS.items():
            slug = col(CallRow.slug) if facet == "tool" else nothing
            group = (start, value, slug, CallRow.outcome)
            what = (literal(facet), literal(unit), *group, *_ID_SUMS)
            yield UsageTotal, (workspace_id, *what), (workspace_id, *group)
            if (facet, unit) in OF_EVERYBODY:
                yield UsageTotal, (literal(EVERYBODY), *what), group
        for tool, slug in ((col(CallRow.tool), col(CallRow.slug)), (nothing, nothing)):
            key = (workspace_id, literal(unit), start, tool, slug, bucket)
            yield UsageTime, (*key, *_TIME_SUMS), key
    for facet, value in RANKED.items():
        key = (_STARTS["m"], value)
        yield UsageRank, (literal(1), key[0], literal(facet), value, *_RANK_SUMS), key


def _open_year(db: Session) -> None:
    """Make the rows of the twelve months that end with the present one, once a month."""
    present = this_month()
    year = (col(UsageRank.months) == YEAR, col(UsageRank.last_month) == present)
    if db.execute(select(col(UsageRank.value)).where(*year).limit(1)).first() is not None:
        return
    db.execute(delete(UsageRank).where(col(UsageRank.months) == YEAR))
    key: Any = (UsageRank.facet, UsageRank.value)
    every = select(
        literal(YEAR), literal(present, Date()), *key, func.sum(UsageRank.calls), func.sum(UsageRank.failed)
    )
    months = col(UsageRank.last_month).between(months_before(present, YEAR - 1), present)
    add(db, UsageRank, every.where(col(UsageRank.months) == 1, months).group_by(*key))


def years_of(db: Session, month: date) -> Iterator[tuple[int, date]]:
    """The ranks that a month counts towards: its own, and the stored ones of twelve months."""
    yield 1, month
    made = select(col(UsageRank.last_month)).where(col(UsageRank.months) == YEAR).distinct()
    for last in list(db.execute(made).scalars()):
        if months_before(last, YEAR - 1) <= month <= last:
            yield YEAR, last


def add(db: Session, model: type[SQLModel], found: Select[Any]) -> None:
    """Add the selected sums to the rows of their keys. The locked mark keeps other writers out."""
    table = model.__table__  # type: ignore[attr-defined]
    keys = [column.name for column in table.primary_key]
    storing = database.upsert_into(model).from_select([column.name for column in table.columns], found)
    sums: dict[str, ColumnElement[Any]] = {
        column.name: column + storing.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    if model is UsageTotal:
        smaller, larger = (
            (func.min, func.max) if database.current().is_sqlite else (func.least, func.greatest)
        )
        for name, choose in (("first_id", smaller), ("last_id", larger)):
            sums[name] = choose(table.c[name], storing.excluded[name])
    db.execute(storing.on_conflict_do_update(index_elements=keys, set_=sums))


def lock(db: Session, *, skip_locked: bool = False) -> int | None:
    """Lock the mark and return it. With `skip_locked` None if another process has it."""
    db.execute(database.upsert_into(UsageMark).values(name=MARK, upto=0).on_conflict_do_nothing())
    found = select(col(UsageMark.upto)).where(col(UsageMark.name) == MARK)
    found = found.with_for_update(skip_locked=skip_locked)
    return db.execute(found).scalar_one_or_none()
