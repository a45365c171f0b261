"""Figures from the totals, and from the rows not in them yet: of one workspace, or of all for operators.

A period is read as its whole months and the days before and after them, so that a year costs as many rows as
a few months. A month that is not over counts as whole if the period reaches to today.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Subquery, case, func, select, union_all
from sqlmodel import Session, col

from app import clock
from app.usage import outcomes, rollup, totals
from app.usage.buckets import bucket_column
from app.usage.figures import Count
from app.usage.models import CallRow, UsageTime, UsageTotal

Span = tuple[str, date, date]  # days (d) or months (m), and the starts of the first and the last


@dataclass(frozen=True)
class TotalCalls:
    """Calls that agree in a facet."""

    facet: str
    value: str
    slug: str
    outcome: str
    calls: int


@dataclass(frozen=True)
class FreshCalls:
    """Calls that are in no total yet and differ in nothing but the moment."""

    day: date
    workspace_id: str
    tool: str
    slug: str
    user_id: str
    client_name: str
    outcome: str
    bucket: int
    calls: int
    total_ms: float
    upstream_ms: float


@dataclass(frozen=True)
class BucketOfTool:
    """Calls of a tool that took equally long, in a period."""

    tool: str
    slug: str
    bucket: int
    calls: int
    total_ms: float
    upstream_ms: float


class TotalFigures:
    """Reads figures of a workspace, or of all (`totals.EVERYBODY`), in one session, which is a snapshot."""

    def __init__(self, db: Session, workspace_id: str) -> None:
        self._db, self._workspace_id, self.mark = db, workspace_id, totals.mark_in(db)

    def stored(self, facets: Sequence[str], first: date, last: date) -> list[TotalCalls]:
        """The totals of a period by their values, in one query."""
        c = self._of_facets(facets, spans_of(first, last, clock.now().date())).c
        key = (c.facet, c.value, c.slug, c.outcome)
        found = self._db.execute(select(*key, func.sum(c.calls)).group_by(*key))
        return [
            TotalCalls(facet, value, slug, outcome, int(calls))
            for facet, value, slug, outcome, calls in found
        ]

    def counts_by(self, unit: str, first: date, last: date) -> dict[date, Count]:
        """The calls that are in the totals by day (`d`) or month (`m`), of those that begin in the period."""
        c = self._of_facets(("all",), [(unit, first, last)]).c
        failed = func.sum(case((c.outcome.in_(outcomes.FINE), 0), else_=c.calls))
        query = select(c.start, func.sum(c.calls), failed).group_by(c.start)
        return {start: Count(int(calls), int(missed)) for start, calls, missed in self._db.execute(query)}

    def ids(self, first: date, last: date) -> tuple[int | None, int | None]:
        """Between which ids the rows of the stored calls of a period are. None if there are none."""
        c = self._of_facets(("all",), spans_of(first, last, clock.now().date())).c
        lowest, highest = self._db.execute(select(func.min(c.first_id), func.max(c.last_id))).one()
        return lowest, highest

    def fresh(self, first: date, last: date) -> list[FreshCalls]:
        """The calls of a period that are in no total yet."""
        day: Any = rollup.utc_day(CallRow.at)  # type: ignore[arg-type]
        names = ("workspace_id", "tool", "slug", "user_id", "client_name", "outcome")
        bucket = bucket_column(CallRow.total_ms)  # type: ignore[arg-type]
        key: list[Any] = [day, *(getattr(CallRow, name) for name in names), bucket]
        sums = (func.count(), func.sum(CallRow.total_ms), func.sum(CallRow.upstream_ms))
        query = select(*key, *sums).where(
            col(CallRow.id) > self.mark,
            col(CallRow.at) >= datetime.combine(first, time(), UTC),
            col(CallRow.at) < datetime.combine(last + timedelta(days=1), time(), UTC),
        )
        if self._workspace_id != totals.EVERYBODY:
            query = query.where(col(CallRow.workspace_id) == self._workspace_id)
        return [FreshCalls(*row) for row in self._db.execute(query.group_by(*key))]

    def times(self, first: date, last: date, *, of_each_tool: bool) -> Iterator[BucketOfTool]:
        """How long the stored calls of a period took: by tool, or all together as those of the tool ""."""
        of_all = col(UsageTime.tool) == ""
        mine = (col(UsageTime.workspace_id) == self._workspace_id, ~of_all if of_each_tool else of_all)
        c = _of_spans(UsageTime, mine, spans_of(first, last, clock.now().date())).c
        key = (c.tool, c.slug, c.bucket)
        sums = (func.sum(each) for each in (c.calls, c.total_ms, c.upstream_ms))
        for tool, slug, bucket, calls, total_ms, upstream_ms in self._db.execute(
            select(*key, *sums).group_by(*key)
        ):
            yield BucketOfTool(tool, slug, bucket, int(calls), total_ms, upstream_ms)

    def _of_facets(self, facets: Sequence[str], spans: Sequence[Span]) -> Subquery:
        mine = (col(UsageTotal.workspace_id) == self._workspace_id, col(UsageTotal.facet).in_(facets))
        return _of_spans(UsageTotal, mine, spans)


def _of_spans(
    table: type[UsageTotal] | type[UsageTime], mine: Iterable[ColumnElement[bool]], spans: Sequence[Span]
) -> Subquery:
    """The rows of the spans, by one SELECT each: each is a range of the primary key, but SQLite would read an
    OR of them from end to end.
    """
    rows: Any = select(table.__table__).where(*mine)  # type: ignore[union-attr]
    parts = [
        rows.where(col(table.unit) == unit, col(table.start).between(first, last))
        for unit, first, last in spans
    ]
    return union_all(*parts).subquery()


def spans_of(first: date, last: date, today: date) -> list[Span]:
    """A period as days, whole months and days again: the unit, and the first and last start."""
    month = first if first.day == 1 else totals.months_before(first.replace(day=1), -1)
    begin = month
    while (following := totals.months_before(month, -1)) <= last + timedelta(
        days=1
    ) or month <= today <= last:
        month = following
    if month == begin:
        return [("d", first, last)]
    spans = [("m", begin, totals.months_before(month, 1))]
    if first < begin:
        spans.append(("d", first, begin - timedelta(days=1)))
    if month <= last:
        spans.append(("d", month, last))
    return spans
