"""The figures of the operators' usage page: of all workspaces or of one, in whole months.

They cross workspaces on purpose, like `queries.py`. Calls that are in no total yet are added to each of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.admin.queries import MOST_PARAMETERS
from app.usage import outcomes, totals
from app.usage.facets import most_first
from app.usage.figures import Count
from app.usage.models import UsageRank
from app.usage.total_figures import TotalFigures

_RANKED_BY = {"workspace": "workspace_id", "member": "user_id"}


class UsageOfMonths:
    """Reads figures of some whole months in one session, which is a snapshot. `workspace_id` "": of all."""

    def __init__(self, db: Session, workspace_id: str, first: date, last: date) -> None:
        self._db, self._workspace_id, self._first, self._last = db, workspace_id, first, last
        self._figures = TotalFigures(db, workspace_id or totals.EVERYBODY)
        self._fresh = self._figures.fresh(first, last)

    def by_month(self) -> dict[str, Count]:
        """Calls per month, such as 2026-11."""
        return self._by_start("m", "%Y-%m")

    def by_day(self) -> dict[str, Count]:
        """Calls per day, such as 2026-11-29, in order."""
        return dict(sorted(self._by_start("d", "%Y-%m-%d").items()))

    def _by_start(self, unit: str, form: str) -> dict[str, Count]:
        stored = self._figures.counts_by(unit, self._first, self._last)
        counts = {f"{start:{form}}": count for start, count in stored.items()}
        for key, count in _counted((f"{x.day:{form}}", x.outcome, x.calls) for x in self._fresh).items():
            counts.setdefault(key, Count()).add(count.calls, count.failed)
        return counts

    def by_tool(self) -> dict[tuple[str, str], int]:
        """Calls per tool and outcome."""
        found: dict[tuple[str, str], int] = {}
        for each in self._figures.stored(("tool",), self._first, self._last):
            found[each.value, each.outcome] = found.get((each.value, each.outcome), 0) + each.calls
        for call in self._fresh:
            found[call.tool, call.outcome] = found.get((call.tool, call.outcome), 0) + call.calls
        return found

    def by_service(self) -> dict[str, Count]:
        """Calls per slug of a service, "" for built-in tools, most first."""
        stored = self._figures.stored(("tool",), self._first, self._last)
        return most_first(
            _counted(
                [(each.slug, each.outcome, each.calls) for each in stored],
                [(each.slug, each.outcome, each.calls) for each in self._fresh],
            )
        )

    def most(self, facet: str, listed: int) -> dict[str, Count]:
        """The workspaces (`workspace`) or people (`member`) with the most calls, most first."""
        fresh = [(getattr(each, _RANKED_BY[facet]), each.outcome, each.calls) for each in self._fresh]
        if self._workspace_id:
            counts = _counted(self._of_one(facet), fresh)
        else:
            counts = self._ranked(facet, listed, sorted({value for value, _, _ in fresh}))
            for value, count in _counted(fresh).items():
                counts.setdefault(value, Count()).add(count.calls, count.failed)
        return dict(list(most_first(counts).items())[:listed])

    def _of_one(self, facet: str) -> Iterator[tuple[str, str, int]]:
        """The chosen workspace, or its people."""
        of_people = facet == "member"
        for each in self._figures.stored(("member" if of_people else "all",), self._first, self._last):
            yield each.value if of_people else self._workspace_id, each.outcome, each.calls

    def _ranked(self, facet: str, listed: int, more: Sequence[str]) -> dict[str, Count]:
        """The stored counts of the first ones, and of `more`."""
        months, last_month = self._months()
        columns: Any = (col(UsageRank.calls), col(UsageRank.failed))
        if self._is_made(months, last_month):
            calls, failed = columns
            query: Any = select(col(UsageRank.value), calls, failed).where(
                col(UsageRank.months) == months, col(UsageRank.last_month) == last_month
            )
        else:  # a new month has begun, and nothing was added up in it
            calls, failed = (func.sum(each) for each in columns)
            query = select(col(UsageRank.value), calls, failed).group_by(col(UsageRank.value))
            within = col(UsageRank.last_month).between(self._first, last_month)
            query = query.where(col(UsageRank.months) == 1, within)
        query = query.where(col(UsageRank.facet) == facet)
        rows = list(self._db.execute(query.order_by(calls.desc(), col(UsageRank.value)).limit(listed)))
        for start in range(0, len(more), MOST_PARAMETERS):
            part = more[start : start + MOST_PARAMETERS]
            rows += self._db.execute(query.where(col(UsageRank.value).in_(part)))
        return {value: Count(int(calls), int(failed)) for value, calls, failed in rows}

    def _months(self) -> tuple[int, date]:
        """How many months, and the last of them."""
        last, first = self._last, self._first
        return 12 * (last.year - first.year) + last.month - first.month + 1, last.replace(day=1)

    def _is_made(self, months: int, last_month: date) -> bool:
        of = (col(UsageRank.months) == months, col(UsageRank.last_month) == last_month)
        made = select(col(UsageRank.value)).where(*of).limit(1)
        return months == 1 or self._db.execute(made).first() is not None


def _counted(*lists: Iterable[tuple[str, str, int]]) -> dict[str, Count]:
    """Counts by key, of keys with an outcome and a number of calls."""
    counts: dict[str, Count] = {}
    for key, outcome, calls in chain(*lists):
        counts.setdefault(key, Count()).add(calls, 0 if outcomes.is_fine(outcome) else calls)
    return counts
