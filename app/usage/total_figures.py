"""Figures from the totals, and from the rows not in them yet: of one workspace, or of all for operators.

A period is read as its whole months and the days before and after them, so that a year costs as many rows as
a few months. A month that is not over counts as whole if the period reaches to today.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import Session, col

from app import clock
from app.usage import rollup, totals
from app.usage.buckets import bucket_column
from app.usage.models import CallRow, UsageTime, UsageTotal


@dataclass(frozen=True)
class TotalCalls:
    """Calls that agree in a facet. `start` is the day or the first of the month they are counted under."""

    facet: str
    start: date
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
        self._db, self._workspace_id, self._mark = db, workspace_id, totals.mark_in(db)

    def stored(self, facets: Sequence[str], first: date, last: date) -> list[TotalCalls]:
        """The totals of a period by their values, in one query."""
        return self._totals(facets, _within(UsageTotal, first, last), None)

    def stored_by(self, unit: str, facets: Sequence[str], first: date, last: date) -> list[TotalCalls]:
        """The same by day (`d`) or month (`m`) too: a month that begins in the period counts whole."""
        within = and_(col(UsageTotal.unit) == unit, col(UsageTotal.start).between(first, last))
        return self._totals(facets, within, col(UsageTotal.start))

    def fresh(self, first: date, last: date) -> list[FreshCalls]:
        """The calls of a period that are in no total yet."""
        day: Any = rollup.utc_day(CallRow.at)  # type: ignore[arg-type]
        names = ("workspace_id", "tool", "slug", "user_id", "client_name", "outcome")
        bucket = bucket_column(CallRow.total_ms)  # type: ignore[arg-type]
        key: list[Any] = [day, *(getattr(CallRow, name) for name in names), bucket]
        sums = (func.count(), func.sum(CallRow.total_ms), func.sum(CallRow.upstream_ms))
        query = select(*key, *sums).where(
            col(CallRow.id) > self._mark,
            col(CallRow.at) >= datetime.combine(first, time(), UTC),
            col(CallRow.at) < datetime.combine(last + timedelta(days=1), time(), UTC),
        )
        if self._workspace_id != totals.EVERYBODY:
            query = query.where(col(CallRow.workspace_id) == self._workspace_id)
        return [FreshCalls(*row) for row in self._db.execute(query.group_by(*key))]

    def times(self, first: date, last: date, *, of_each_tool: bool) -> Iterator[BucketOfTool]:
        """How long the stored calls of a period took: by tool, or all together as those of the tool ""."""
        key: Any = (UsageTime.tool, UsageTime.slug, UsageTime.bucket)
        sums = (func.sum(getattr(UsageTime, name)) for name in ("calls", "total_ms", "upstream_ms"))
        of_all = col(UsageTime.tool) == ""
        query = select(*key, *sums).where(
            col(UsageTime.workspace_id) == self._workspace_id,
            ~of_all if of_each_tool else of_all,
            _within(UsageTime, first, last),
        )
        for tool, slug, bucket, calls, total_ms, upstream_ms in self._db.execute(query.group_by(*key)):
            yield BucketOfTool(tool, slug, bucket, int(calls), total_ms, upstream_ms)

    def _totals(self, facets: Sequence[str], within: ColumnElement[bool], start: Any) -> list[TotalCalls]:
        names = ("facet", "value", "slug", "outcome")
        key: list[Any] = [getattr(UsageTotal, name) for name in names]
        group = [*key, start] if start is not None else key
        query = select(*key, func.min(UsageTotal.start), func.sum(UsageTotal.calls)).where(
            col(UsageTotal.workspace_id) == self._workspace_id, col(UsageTotal.facet).in_(facets), within
        )
        return [
            TotalCalls(facet, at, value, slug, outcome, int(calls))
            for facet, value, slug, outcome, at, calls in self._db.execute(query.group_by(*group))
        ]


def _within(table: type[UsageTotal] | type[UsageTime], first: date, last: date) -> ColumnElement[bool]:
    """Of the totals, those that make up the period: each call counts in one of them."""
    return or_(
        *(
            and_(col(table.unit) == unit, col(table.start).between(begin, end))
            for unit, begin, end in spans_of(first, last, clock.now().date())
        )
    )


def spans_of(first: date, last: date, today: date) -> list[tuple[str, date, date]]:
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
