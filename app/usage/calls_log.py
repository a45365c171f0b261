"""Single calls, newest first, read in stretches of ids: no query runs on and on, however rare the matches.

The tallies tell between which ids matches can be; calls that are not in them yet come after the mark.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.database import reading
from app.usage import rollup
from app.usage.filters import UsageFilter
from app.usage.models import CallRow, UsageTally
from app.usage.total_figures import TotalFigures

_STRETCH = 2_000
_MOST_LOOKED_AT = 20_000


@dataclass(frozen=True)
class LatestCalls:
    """The newest calls. `whole` is False if older calls that were not searched may match too."""

    calls: Sequence[CallRow]
    whole: bool


@dataclass(frozen=True)
class _Span:
    """Ids to search, from `below` down to `above`, both exclusive. `below` None: from the newest."""

    above: int
    below: int | None


def latest(db: Session, usage_filter: UsageFilter, most: int) -> LatestCalls:
    """The newest matching calls, among as many as one page view may search."""
    calls: list[CallRow] = []
    looked_at = 0
    for span in _spans(db, usage_filter):
        while span is not None:
            if looked_at >= _MOST_LOOKED_AT:
                return LatestCalls(calls, False)
            found, span = _search_span(db, usage_filter, span, most - len(calls))
            looked_at += _STRETCH
            calls += found
            if len(calls) >= most:
                return LatestCalls(calls[:most], True)
    return LatestCalls(calls, True)


def all_calls(usage_filter: UsageFilter) -> Iterator[Sequence[CallRow]]:
    """All matching calls in batches, newest first. No connection is held in between. Raises Unavailable."""
    with reading() as db:
        spans = _spans(db, usage_filter)
    for span in spans:
        while span is not None:
            with reading() as db:
                found, span = _search_span(db, usage_filter, span)
            yield found


def _spans(db: Session, usage_filter: UsageFilter) -> Sequence[_Span | None]:
    """Where matches can be: after the mark, and between the ids that the tallies or totals name."""
    if usage_filter.narrowed or usage_filter.user_id is not None:
        upto = rollup.mark_in(db)
        ends = select(func.min(UsageTally.first_id), func.max(UsageTally.last_id)).where(
            *usage_filter.of_tallies()
        )
        first, last = db.execute(ends).one()
    else:
        figures, period = TotalFigures(db, usage_filter.workspace_id), usage_filter.period
        upto = figures.mark
        first, last = figures.ids(period.first, period.last)
    fresh = _Span(upto, None)
    return [fresh] if first is None else [fresh, _Span(first - 1, min(last, upto) + 1)]


def _search_span(
    db: Session, usage_filter: UsageFilter, span: _Span, most: int | None = None
) -> tuple[Sequence[CallRow], _Span | None]:
    """The newest matching calls of one stretch, `most` of them or all, and the span that is left."""
    ids = select(col(CallRow.id)).where(
        col(CallRow.workspace_id) == usage_filter.workspace_id, col(CallRow.id) > span.above
    )
    if span.below is not None:
        ids = ids.where(col(CallRow.id) < span.below)
    stretch = ids.order_by(col(CallRow.id).desc()).limit(_STRETCH).subquery()
    count, lowest, highest = db.execute(
        select(func.count(), func.min(stretch.c.id), func.max(stretch.c.id))
    ).one()
    if not count:
        return [], None
    within = col(CallRow.id).between(lowest, highest)
    found = (
        select(CallRow).where(within, *usage_filter.of_rows()).order_by(col(CallRow.id).desc()).limit(most)
    )
    left = _Span(span.above, lowest) if count == _STRETCH else None
    return list(db.execute(found).scalars()), left
