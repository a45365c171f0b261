"""Single calls, newest first, a stretch of ids at a time: however rare what was asked for is, no query reads
on and on.

The tallies say between which ids there is anything to find; what is not in them yet lies behind the mark.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.database import reading
from app.usage import rollup
from app.usage.filters import Asked
from app.usage.models import CallRow, UsageTally

_STRETCH = 2_000
_MOST_LOOKED_AT = 20_000


@dataclass(frozen=True)
class Latest:
    """The newest calls. `whole` is False when there may be more among older ones that were not looked at."""

    calls: Sequence[CallRow]
    whole: bool


@dataclass(frozen=True)
class _Span:
    """Ids to look through, from `below` down to `above`, both left out. None: from the newest."""

    above: int
    below: int | None


def latest(db: Session, asked: Asked, most: int) -> Latest:
    """The newest calls, looked for among as many as one page view can afford."""
    calls: list[CallRow] = []
    looked_at = 0
    for span in _spans(db, asked):
        while span is not None:
            if looked_at >= _MOST_LOOKED_AT:
                return Latest(calls, False)
            found, span = _look(db, asked, span)
            looked_at += _STRETCH
            calls += found
            if len(calls) >= most:
                return Latest(calls[:most], True)
    return Latest(calls, True)


def every(asked: Asked) -> Iterator[Sequence[CallRow]]:
    """All calls, newest first. No connection is held between two lots. Raises Unavailable."""
    with reading() as db:
        spans = _spans(db, asked)
    for span in spans:
        while span is not None:
            with reading() as db:
                found, span = _look(db, asked, span)
            yield found


def _spans(db: Session, asked: Asked) -> Sequence[_Span | None]:
    """Where there may be something: behind the mark, and between the ids the tallies name."""
    upto = rollup.mark_in(db)
    ends = select(func.min(UsageTally.first_id), func.max(UsageTally.last_id)).where(*asked.of_tallies())
    first, last = db.execute(ends).one()
    fresh = _Span(upto, None)
    return [fresh] if first is None else [fresh, _Span(first - 1, min(last, upto) + 1)]


def _look(db: Session, asked: Asked, span: _Span) -> tuple[Sequence[CallRow], _Span | None]:
    """What one stretch holds of what was asked for, and the span that is left."""
    ids = select(col(CallRow.id)).where(
        col(CallRow.workspace_id) == asked.workspace_id, col(CallRow.id) > span.above
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
    found = select(CallRow).where(within, *asked.of_rows()).order_by(col(CallRow.id).desc())
    left = _Span(span.above, lowest) if count == _STRETCH else None
    return list(db.execute(found).scalars()), left
