"""Takes deleted days out of the totals, so that totals and tallies agree."""

from datetime import date
from typing import Any

from sqlalchemy import Date, case, delete, func, literal, select
from sqlmodel import Session, col

from app.usage import outcomes, totals
from app.usage.models import UsageRank, UsageTime, UsageTotal
from app.usage.totals import EVERYBODY, FACETS, OF_EVERYBODY, RANKED, add


def forget_day(db: Session, workspace_id: str, day: date) -> None:
    """Take a workspace's calls of a day out, in the transaction that deletes its tallies of that day."""
    totals.lock(db)
    _forget_calls(db, workspace_id, day)
    _forget_times(db, workspace_id, day)


def _forget_calls(db: Session, workspace_id: str, day: date) -> None:
    table: Any = UsageTotal
    mine = (table.workspace_id == workspace_id, table.unit == "d", table.start == day)
    month = day.replace(day=1)
    values = (table.value, table.slug, table.outcome, -table.calls, table.first_id, table.last_id)
    starts = {"d": day, "m": month}
    for whose, facets, unit in (
        (workspace_id, tuple(FACETS), "m"),
        *((EVERYBODY, (facet,), unit) for facet, unit in OF_EVERYBODY),
    ):
        key = (literal(whose), table.facet, literal(unit), literal(starts[unit], Date()))
        add(db, UsageTotal, select(*key, *values).where(*mine, table.facet.in_(facets)))
    _forget_ranks(db, workspace_id, day)
    db.execute(delete(UsageTotal).where(*mine))
    for whose in (workspace_id, EVERYBODY):
        emptied = (table.workspace_id == whose, table.start.in_([day, month]), table.calls <= 0)
        db.execute(delete(UsageTotal).where(table.facet.in_(FACETS), table.unit.in_(starts), *emptied))


def _forget_ranks(db: Session, workspace_id: str, day: date) -> None:
    table: Any = UsageTotal
    mine = (table.workspace_id == workspace_id, table.unit == "d", table.start == day)
    failed = case((table.outcome.in_(outcomes.FINE), 0), else_=-table.calls)
    sources: dict[str, tuple[str, Any]] = {
        "workspace": ("all", literal(workspace_id)),
        "member": ("member", table.value),
    }
    for months, last in totals.years_of(db, day.replace(day=1)):
        for ranked, (facet, value) in sources.items():
            key = (literal(months), literal(last, Date()), literal(ranked), value)
            less = select(*key, -func.sum(table.calls), func.sum(failed))
            add(db, UsageRank, less.where(*mine, table.facet == facet).group_by(value))
        rank = (col(UsageRank.months) == months, col(UsageRank.last_month) == last)
        emptied = (col(UsageRank.facet).in_(RANKED), col(UsageRank.calls) <= 0)
        db.execute(delete(UsageRank).where(*rank, *emptied))


def _forget_times(db: Session, workspace_id: str, day: date) -> None:
    table: Any = UsageTime
    month = day.replace(day=1)
    mine = (table.workspace_id == workspace_id, table.unit == "d", table.start == day)
    key = (table.workspace_id, literal("m"), literal(month, Date()), table.tool, table.slug, table.bucket)
    add(db, UsageTime, select(*key, -table.calls, -table.total_ms, -table.upstream_ms).where(*mine))
    db.execute(delete(UsageTime).where(*mine))
    of_month = (table.workspace_id == workspace_id, table.unit == "m", table.start == month)
    db.execute(delete(UsageTime).where(*of_month, table.calls <= 0))
