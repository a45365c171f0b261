"""Figures from the tallies, and from the rows not in them yet: right to the last call, cheap as few tallies.

Every query is bound to one workspace. `db` is a snapshot, so that mark, tallies and rows agree.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, Subquery, case, func, literal, select, union_all
from sqlmodel import Session, col

from app.usage import outcomes, rollup
from app.usage.buckets import Histogram, Quantile, bucket_column
from app.usage.filters import UsageFilter
from app.usage.models import CallRow, UsageTally


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
class ToolFigures:
    """A tool and its calls. `slug` is its connector, or ""."""

    tool: str
    slug: str
    timed: TimedCount


@dataclass(frozen=True)
class FilterChoices:
    """The values that occur in the period, for the filter menus."""

    tools: list[str]
    slugs: list[str]
    user_ids: list[str]
    clients: list[str]
    outcomes: list[str]


def by_tool(db: Session, usage_filter: UsageFilter) -> list[ToolFigures]:
    """Calls per tool with their times, most used first."""
    found: dict[tuple[str, str], TimedCount] = defaultdict(TimedCount)
    added = select(
        UsageTally.tool, UsageTally.slug, UsageTally.outcome, UsageTally.calls, UsageTally.histogram
    )  # type: ignore[call-overload]
    for tool, slug, outcome, calls, histogram in db.execute(added.where(*usage_filter.of_tallies())):
        timed = found[tool, slug]
        timed.add(calls, 0 if outcomes.is_fine(outcome) else calls)
        timed.histogram.merge(histogram)
    key = [col(CallRow.tool), col(CallRow.slug), col(CallRow.outcome), bucket_column(CallRow.total_ms)]  # type: ignore[arg-type]
    fresh = (
        select(*key, func.count(), func.sum(CallRow.total_ms), func.sum(CallRow.upstream_ms))
        .where(*_not_rolled_up(db, usage_filter))
        .group_by(*key)
    )
    for tool, slug, outcome, bucket, calls, total_ms, upstream_ms in db.execute(fresh):
        timed = found[tool, slug]
        timed.add(calls, 0 if outcomes.is_fine(outcome) else calls)
        timed.histogram.add(bucket, calls, total_ms, upstream_ms)
    tools = [ToolFigures(tool, slug, timed) for (tool, slug), timed in found.items()]
    return sorted(tools, key=lambda each: (-each.timed.calls, each.tool))


def by_day(db: Session, usage_filter: UsageFilter) -> dict[tuple[date, str], int]:
    """Calls per day and outcome."""
    c = _all_calls(db, usage_filter).c
    query = select(c.day, c.outcome, func.sum(c.calls)).group_by(c.day, c.outcome)
    return {(day, outcome): int(calls) for day, outcome, calls in db.execute(query)}


def by_person(db: Session, usage_filter: UsageFilter) -> tuple[dict[str, Count], dict[str, Count]]:
    """Calls per member, by user id, and per AI client, by name; most first."""
    c = _all_calls(db, usage_filter).c
    people: dict[str, Count] = defaultdict(Count)
    clients: dict[str, Count] = defaultdict(Count)
    query = select(c.user_id, c.client_name, func.sum(c.calls), func.sum(c.failed)).group_by(
        c.user_id, c.client_name
    )
    for user_id, client_name, calls, failed in db.execute(query):
        people[user_id].add(int(calls), int(failed))
        clients[client_name].add(int(calls), int(failed))
    return _most_first(people), _most_first(clients)


def filter_choices(db: Session, usage_filter: UsageFilter) -> FilterChoices:
    """The values that occur in the period, whatever else is filtered."""
    c = _all_calls(db, usage_filter.widened).c
    seen: list[set[str]] = [set() for _ in range(5)]
    for row in db.execute(select(c.tool, c.slug, c.user_id, c.client_name, c.outcome).distinct()):
        for values, value in zip(seen, row, strict=True):
            values.add(value)
    return FilterChoices(*(sorted(values) for values in seen))


def _most_first(counts: Mapping[str, Count]) -> dict[str, Count]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1].calls, item[0])))


def _all_calls(db: Session, usage_filter: UsageFilter) -> Subquery:
    """The matching tallies and rows, each with how many calls it stands for."""
    names = ("tool", "user_id", "client_name", "slug", "outcome")
    added = select(
        col(UsageTally.day).label("day"),
        *(getattr(UsageTally, name).label(name) for name in names),
        col(UsageTally.calls).label("calls"),
        case((col(UsageTally.outcome).in_(outcomes.FINE), 0), else_=UsageTally.calls).label("failed"),
    )
    fresh = select(
        rollup.utc_day(CallRow.at).label("day"),  # type: ignore[arg-type]
        *(getattr(CallRow, name).label(name) for name in names),
        literal(1).label("calls"),
        case((col(CallRow.outcome).in_(outcomes.FINE), 0), else_=1).label("failed"),
    )
    return union_all(
        added.where(*usage_filter.of_tallies()), fresh.where(*_not_rolled_up(db, usage_filter))
    ).subquery()


def _not_rolled_up(db: Session, usage_filter: UsageFilter) -> list[ColumnElement[bool]]:
    """Conditions on the matching rows that are in no tally yet."""
    return [col(CallRow.id) > rollup.mark_in(db), *usage_filter.of_rows()]
