"""Figures from the tallies, and from the rows that are not in them yet: right to the last call, at the price
of a few tallies.

Every query is one of a workspace. `db` is a snapshot, so that mark, tallies and rows belong together.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, Subquery, case, func, literal, select, union_all
from sqlmodel import Session, col

from app.usage import outcomes, rollup
from app.usage.buckets import Histogram, Quantile, bucket_column
from app.usage.filters import Asked
from app.usage.models import CallRow, UsageTally


@dataclass
class Count:
    """Calls, and how many of them failed."""

    calls: int = 0
    failed: int = 0

    def add(self, calls: int, failed: int) -> None:
        """Count more."""
        self.calls += calls
        self.failed += failed

    @property
    def failed_percent(self) -> float:
        """The failed ones in a hundred."""
        return 100 * self.failed / self.calls if self.calls else 0.0


@dataclass
class Timed(Count):
    """Calls with their histogram."""

    histogram: Histogram = field(default_factory=Histogram)

    @property
    def median(self) -> Quantile | None:
        """The time half of the calls did not exceed. None without calls."""
        return self.histogram.quantile(0.5)

    @property
    def p95(self) -> Quantile | None:
        """The time 95 in a hundred did not exceed. None without calls."""
        return self.histogram.quantile(0.95)


@dataclass(frozen=True)
class ByTool:
    """A tool and its calls. `slug` is its connector, or empty."""

    tool: str
    slug: str
    timed: Timed


@dataclass(frozen=True)
class Known:
    """What there is to choose from: the values that occur in the period."""

    tools: list[str]
    slugs: list[str]
    user_ids: list[str]
    clients: list[str]
    outcomes: list[str]


def by_tool(db: Session, asked: Asked) -> list[ByTool]:
    """Calls of each tool with their times, most used first."""
    found: dict[tuple[str, str], Timed] = defaultdict(Timed)
    added = select(
        UsageTally.tool, UsageTally.slug, UsageTally.outcome, UsageTally.calls, UsageTally.histogram
    )  # type: ignore[call-overload]
    for tool, slug, outcome, calls, histogram in db.execute(added.where(*asked.of_tallies())):
        timed = found[tool, slug]
        timed.add(calls, 0 if outcomes.is_fine(outcome) else calls)
        timed.histogram.merge(histogram)
    key = [col(CallRow.tool), col(CallRow.slug), col(CallRow.outcome), bucket_column(CallRow.total_ms)]  # type: ignore[arg-type]
    fresh = (
        select(*key, func.count(), func.sum(CallRow.total_ms), func.sum(CallRow.upstream_ms))
        .where(*_behind(db, asked))
        .group_by(*key)
    )
    for tool, slug, outcome, bucket, calls, total_ms, upstream_ms in db.execute(fresh):
        timed = found[tool, slug]
        timed.add(calls, 0 if outcomes.is_fine(outcome) else calls)
        timed.histogram.add(bucket, calls, total_ms, upstream_ms)
    tools = [ByTool(tool, slug, timed) for (tool, slug), timed in found.items()]
    return sorted(tools, key=lambda each: (-each.timed.calls, each.tool))


def by_day(db: Session, asked: Asked) -> dict[tuple[date, str], int]:
    """Calls of each day and outcome."""
    c = _lines(db, asked).c
    query = select(c.day, c.outcome, func.sum(c.calls)).group_by(c.day, c.outcome)
    return {(day, outcome): int(calls) for day, outcome, calls in db.execute(query)}


def by_person(db: Session, asked: Asked) -> tuple[dict[str, Count], dict[str, Count]]:
    """Calls of each member, by user id, and of each AI client, by name; most first."""
    c = _lines(db, asked).c
    people: dict[str, Count] = defaultdict(Count)
    clients: dict[str, Count] = defaultdict(Count)
    query = select(c.user_id, c.client_name, func.sum(c.calls), func.sum(c.failed)).group_by(
        c.user_id, c.client_name
    )
    for user_id, client_name, calls, failed in db.execute(query):
        people[user_id].add(int(calls), int(failed))
        clients[client_name].add(int(calls), int(failed))
    return _most_first(people), _most_first(clients)


def known(db: Session, asked: Asked) -> Known:
    """What occurs in the period, whatever else was chosen."""
    c = _lines(db, asked.widened).c
    seen: list[set[str]] = [set() for _ in range(5)]
    for row in db.execute(select(c.tool, c.slug, c.user_id, c.client_name, c.outcome).distinct()):
        for values, value in zip(seen, row, strict=True):
            values.add(value)
    return Known(*(sorted(values) for values in seen))


def _most_first(counts: Mapping[str, Count]) -> dict[str, Count]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1].calls, item[0])))


def _lines(db: Session, asked: Asked) -> Subquery:
    """What was asked for, from both places, with how many calls a line stands for."""
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
    return union_all(added.where(*asked.of_tallies()), fresh.where(*_behind(db, asked))).subquery()


def _behind(db: Session, asked: Asked) -> list[ColumnElement[bool]]:
    """The rows that are in no tally yet."""
    return [col(CallRow.id) > rollup.mark_in(db), *asked.of_rows()]
