"""Everything that the usage page displays of a period, from the stored sums that answer fastest."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlmodel import Session

from app.usage import outcomes
from app.usage.buckets import Histogram
from app.usage.facets import FacetCounts
from app.usage.figures import CallFigures, CallGroup, Count, ToolTimes
from app.usage.filters import UsageFilter
from app.usage.total_figures import BucketOfTool, FreshCalls, TotalFigures


@dataclass(frozen=True)
class PeriodFigures:
    """`known` are the calls of the period whatever else is filtered, `chosen` the matching ones; `days` and
    `before` reach back to the period before, `times` do not.
    """

    known: FacetCounts
    chosen: FacetCounts
    days: dict[date, Count]
    times: list[ToolTimes]
    before: Histogram = field(default_factory=Histogram)


def load(db: Session, usage_filter: UsageFilter) -> PeriodFigures:
    """The figures, in a number of queries that does not depend on them. `db` is a snapshot."""
    if usage_filter.narrowed or usage_filter.user_id is not None:
        return _of_tallies(db, usage_filter)
    return _of_totals(db, usage_filter)


def _of_tallies(db: Session, usage_filter: UsageFilter) -> PeriodFigures:
    figures = CallFigures(db)
    groups = figures.groups(usage_filter.widened)
    days: dict[date, Count] = defaultdict(Count)
    for (day, outcome), calls in figures.by_day(usage_filter.with_before).items():
        days[day].add(calls, 0 if outcomes.is_fine(outcome) else calls)
    times, before = figures.times(usage_filter), Histogram()
    for each in times:
        if not each.inside:
            before.add_all(each.histogram)
    return PeriodFigures(
        FacetCounts.of_groups(groups),
        FacetCounts.of_groups(each for each in groups if usage_filter.selects(*_values(each))),
        days,
        [each for each in times if each.inside],
        before,
    )


def _of_totals(db: Session, usage_filter: UsageFilter) -> PeriodFigures:
    figures, period = TotalFigures(db, usage_filter.workspace_id), usage_filter.period
    before, earliest = period.before, usage_filter.with_before.period.first
    fresh = figures.fresh(earliest, period.last)
    inside = [call for call in fresh if period.first <= call.day]
    earlier = Histogram()
    histograms: dict[tuple[str, str], Histogram] = defaultdict(Histogram)
    of_tools: list[BucketOfTool | FreshCalls] = [*inside]
    for each in (*of_tools, *figures.times(period.first, period.last, of_each_tool=True)):
        _add_time(histograms[each.tool, each.slug], each)
    of_all: list[BucketOfTool | FreshCalls] = [x for x in fresh if before.first <= x.day <= before.last]
    for each in (*of_all, *figures.times(before.first, before.last, of_each_tool=False)):
        _add_time(earlier, each)
    counts = _counts(figures, period.first, period.last, inside)
    return PeriodFigures(
        counts,
        counts,
        _days(figures, earliest, period.last, fresh),
        [ToolTimes(*key, True, histogram) for key, histogram in histograms.items()],
        earlier,
    )


def _counts(figures: TotalFigures, first: date, last: date, fresh: Iterable[FreshCalls]) -> FacetCounts:
    counts = FacetCounts()
    for each in figures.stored(("tool", "client", "member"), first, last):
        if each.facet == "tool":
            counts.add_tool(each.value, each.slug, each.outcome, each.calls)
        elif each.facet == "client":
            counts.add_client(each.value, each.outcome, each.calls)
        else:
            counts.add_member(each.value, each.outcome, each.calls)
    for call in fresh:
        counts.add_tool(call.tool, call.slug, call.outcome, call.calls)
        counts.add_client(call.client_name, call.outcome, call.calls)
        counts.add_member(call.user_id, call.outcome, call.calls)
    return counts


def _days(figures: TotalFigures, first: date, last: date, fresh: Iterable[FreshCalls]) -> dict[date, Count]:
    days = figures.counts_by("d", first, last)
    for call in fresh:
        days.setdefault(call.day, Count()).add(
            call.calls, 0 if outcomes.is_fine(call.outcome) else call.calls
        )
    return days


def _add_time(histogram: Histogram, found: BucketOfTool | FreshCalls) -> None:
    histogram.add(found.bucket, found.calls, found.total_ms, found.upstream_ms)


def _values(group: CallGroup) -> tuple[str, str, str, str, str]:
    return group.tool, group.slug, group.user_id, group.client_name, group.outcome
