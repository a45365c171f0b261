"""Figures from the tallies, and from the rows not in them yet: right to the last call, cheap as few tallies.

`CallFigures` is bound to one workspace by its filters, and reads from a snapshot, so that mark, tallies and
rows agree. Each method is one query for counts, two for times: no figure costs a query per row of the page.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    Subquery,
    column,
    extract,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlmodel import Session, col

from app.usage import outcomes, rollup
from app.usage.buckets import Histogram, Quantile, bucket_column
from app.usage.filters import UsageFilter
from app.usage.models import CallRow, UsageTally

# The rows of a JSON list, in the words of each database.
_ELEMENTS = {"sqlite": "json_each", "postgresql": "json_array_elements"}
# By name: to PostgreSQL, an expression repeated with another parameter is another expression.
_TIMES_KEY = ("tool", "slug", "inside", "bucket")
_NAMES = ("tool", "slug", "user_id", "client_name", "outcome")


@dataclass
class Count:
    """Calls, and how many of them failed."""

    calls: int = 0
    failed: int = 0

    def add(self, calls: int, failed: int) -> None:
        """Add calls."""
        self.calls += calls
        self.failed += failed

    @property
    def failed_percent(self) -> float:
        """Failed calls in percent."""
        return 100 * self.failed / self.calls if self.calls else 0.0

    @property
    def succeeded_percent(self) -> float:
        """Calls that did not fail, in percent."""
        return 100 * (self.calls - self.failed) / self.calls if self.calls else 0.0


@dataclass
class TimedCount(Count):
    """Calls with their histogram."""

    histogram: Histogram = field(default_factory=Histogram)

    @property
    def median(self) -> Quantile | None:
        """The time that half of the calls did not exceed. None without calls."""
        return self.histogram.quantile(0.5)

    @property
    def p95(self) -> Quantile | None:
        """The time that 95 % of the calls did not exceed. None without calls."""
        return self.histogram.quantile(0.95)


@dataclass(frozen=True)
class CallGroup:
    """Calls that differ in nothing but their day."""

    tool: str
    slug: str
    user_id: str
    client_name: str
    outcome: str
    calls: int

    @property
    def failed(self) -> int:
        """How many of them failed: all or none."""
        return 0 if outcomes.is_fine(self.outcome) else self.calls


@dataclass(frozen=True)
class ToolTimes:
    """How long the calls of one tool took, within the period or (not `inside`) in the one before it."""

    tool: str
    slug: str
    inside: bool
    histogram: Histogram


@dataclass(frozen=True)
class MonthlyUsage:
    """Calls of a workspace in one month with one tool and outcome. Times are sums in milliseconds."""

    month: str  # 2026-11, in UTC
    workspace_id: str
    tool: str
    slug: str
    outcome: str
    calls: int
    total_ms: float
    upstream_ms: float


class CallFigures:
    """Reads figures in one session, which is a snapshot."""

    def __init__(self, db: Session) -> None:
        self._db, self._mark = db, rollup.mark_in(db)

    def groups(self, usage_filter: UsageFilter) -> list[CallGroup]:
        """The calls by everything but their day."""
        c = self._all_calls(usage_filter).c
        key = [c[name] for name in _NAMES]
        query = select(*key, func.sum(c.calls)).group_by(*key)
        return [
            CallGroup(tool, slug, user_id, client_name, outcome, int(calls))
            for tool, slug, user_id, client_name, outcome, calls in self._db.execute(query)
        ]

    def by_day(self, usage_filter: UsageFilter) -> dict[tuple[date, str], int]:
        """Calls per day and outcome."""
        c = self._all_calls(usage_filter).c
        query = select(c.day, c.outcome, func.sum(c.calls)).group_by(c.day, c.outcome)
        return {(day, outcome): int(calls) for day, outcome, calls in self._db.execute(query)}

    def times(self, usage_filter: UsageFilter) -> list[ToolTimes]:
        """The times of each tool in the period and, apart, in the one before. The database adds them up."""
        found: dict[tuple[str, str, bool], Histogram] = defaultdict(Histogram)
        for query in (self._stored_times(usage_filter), self._fresh_times(usage_filter)):
            for tool, slug, inside, bucket, calls, total_ms, upstream_ms in self._db.execute(query):
                found[tool, slug, bool(inside)].add(int(bucket), int(calls), total_ms, upstream_ms)
        return [ToolTimes(*key, histogram) for key, histogram in found.items()]

    def _stored_times(self, usage_filter: UsageFilter) -> Select[Any]:
        elements = getattr(func, _ELEMENTS[self._db.get_bind().dialect.name])
        bucket = (
            elements(UsageTally.histogram).table_valued(column("value", JSON), joins_implicitly=True).c.value
        )
        sums = (func.sum(bucket[place].as_float()) for place in (1, 2, 3))
        inside = (col(UsageTally.day) >= usage_filter.period.first).label("inside")
        key = [col(UsageTally.tool), col(UsageTally.slug), inside, bucket[0].as_integer().label("bucket")]
        both = usage_filter.with_before.of_tallies()
        between = _in_either(col(UsageTally.day), usage_filter)
        return select(*key, *sums).where(*both, between).group_by(*_TIMES_KEY)

    def _fresh_times(self, usage_filter: UsageFilter) -> Select[Any]:
        day: Any = rollup.utc_day(CallRow.at)  # type: ignore[arg-type]
        inside = (day >= usage_filter.period.first).label("inside")
        bucket = bucket_column(CallRow.total_ms).label("bucket")  # type: ignore[arg-type]
        key: list[Any] = [col(CallRow.tool), col(CallRow.slug), inside, bucket]
        sums = (func.count(), func.sum(CallRow.total_ms), func.sum(CallRow.upstream_ms))
        rows = self._not_rolled_up(usage_filter.with_before)
        return select(*key, *sums).where(*rows, _in_either(day, usage_filter)).group_by(*_TIMES_KEY)

    def _all_calls(self, usage_filter: UsageFilter) -> Subquery:
        """The matching tallies and rows, each with how many calls it stands for."""
        added: Any = select(
            *(col(getattr(UsageTally, name)).label(name) for name in ("day", *_NAMES)),
            col(UsageTally.calls).label("calls"),
        )
        fresh: Any = select(
            rollup.utc_day(CallRow.at).label("day"),  # type: ignore[arg-type]
            *(getattr(CallRow, name).label(name) for name in _NAMES),
            literal(1).label("calls"),
        )
        return union_all(
            added.where(*usage_filter.of_tallies()), fresh.where(*self._not_rolled_up(usage_filter))
        ).subquery()

    def _not_rolled_up(self, usage_filter: UsageFilter) -> list[ColumnElement[bool]]:
        """Conditions on the matching rows that are in no tally yet."""
        return [col(CallRow.id) > self._mark, *usage_filter.of_rows()]


def _in_either(day: Any, usage_filter: UsageFilter) -> ColumnElement[bool]:
    """In the period or in the one before it: days between the two, and days only charted, count for none."""
    before = usage_filter.period.before
    return or_(day >= usage_filter.period.first, day.between(before.first, before.last))


def add_up(groups: Iterable[CallGroup], key: Callable[[CallGroup], str]) -> dict[str, Count]:
    """The calls of the groups by a key, most first."""
    counts: dict[str, Count] = defaultdict(Count)
    for group in groups:
        counts[key(group)].add(group.calls, group.failed)
    return dict(sorted(counts.items(), key=lambda item: (-item[1].calls, item[0])))


def of_all_workspaces_unsafe(
    db: Session, first: date, last: date, workspace_id: str = ""
) -> Sequence[MonthlyUsage]:
    """Usage of every workspace (or one) per month, tool and outcome: for operators only. Days are in UTC.

    One query over the tallies and the rows that are in none yet; `db` is a snapshot, so none counts twice.
    """
    names = ("workspace_id", "tool", "slug", "outcome")
    times = ("total_ms", "upstream_ms")
    tallies: Any = select(
        *(col(getattr(UsageTally, name)).label(name) for name in ("day", *names, "calls", *times))
    ).where(col(UsageTally.day).between(first, last))
    day = rollup.utc_day(CallRow.at)  # type: ignore[arg-type]
    rows: Any = select(
        day.label("day"),
        *(getattr(CallRow, name).label(name) for name in names),
        literal(1).label("calls"),
        *(getattr(CallRow, name).label(name) for name in times),
    ).where(col(CallRow.id) > rollup.mark_in(db), day.between(first, last))
    if workspace_id:
        tallies = tallies.where(col(UsageTally.workspace_id) == workspace_id)
        rows = rows.where(col(CallRow.workspace_id) == workspace_id)
    c = union_all(tallies, rows).subquery().c
    year, month = extract("year", c.day), extract("month", c.day)
    key = [year, month, *(c[name] for name in names)]
    query = select(*key, *(func.sum(c[name]) for name in ("calls", *times))).group_by(*key)
    found = [
        MonthlyUsage(
            month=f"{int(row[0]):04}-{int(row[1]):02}",
            workspace_id=row[2],
            tool=row[3],
            slug=row[4],
            outcome=row[5],
            calls=int(row[6]),
            total_ms=float(row[7]),
            upstream_ms=float(row[8]),
        )
        for row in db.execute(query)
    ]
    return sorted(found, key=lambda each: (each.month, each.workspace_id, each.tool, each.outcome))
