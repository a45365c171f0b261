"""Usage of all workspaces, for operators: a page of one month or twelve, and the file for billing.

Months are in UTC, as the daily limit is. A page adds up in the database; only the file lists every line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app import clock
from app.admin import queries, usage_breakdowns
from app.admin.usage_figures import UsageOfMonths
from app.database import snapshot
from app.errors import InvalidInput
from app.usage import csv_files, figures, outcomes
from app.usage.figures import Count
from app.workspaces.models import Workspace

MONTHS = 12
LISTED = 20
HEADINGS = ("month", "workspace_id", "workspace", "tier", "tool", "outcome", "calls", "total_ms")
HEIGHT = 120
SLOT = 60


@dataclass(frozen=True)
class MonthBar:
    """The calls of one month, and its bar. Lengths are in the units of the drawing."""

    month: date
    count: Count
    height: float
    failed_height: float

    @property
    def words(self) -> str:
        """Its label: "November 2026: 1,204 calls, 3 failed"."""
        failed = f", {self.count.failed:,} failed" if self.count.failed else ""
        return (
            f"{self.month:%B %Y}: {self.count.calls:,} {'call' if self.count.calls == 1 else 'calls'}{failed}"
        )


@dataclass(frozen=True)
class UsageLine:
    """Calls of one workspace, or of one tool with one outcome."""

    key: str
    name: str
    outcome: str
    count: Count


@dataclass(frozen=True)
class AllUsagePage:
    """The page. `chosen` is the first day of a month, or None for all twelve."""

    chosen: date | None
    months: list[date]  # newest first
    workspace: Workspace | None
    total: Count
    bars: list[MonthBar]
    top: int
    workspaces: list[UsageLine]
    tools: list[UsageLine]
    by: str  # the breakdown below: "" (tools), service, member or day
    parts: list[UsageLine]


def load(month: str, workspace_id: str, by: str = "") -> AllUsagePage:
    """The page of a month such as 2026-11, or of twelve if empty, broken down `by` service, member or day.

    Raises InvalidInput.
    """
    usage_breakdowns.check(by)
    months = _months()
    chosen = _chosen(month, months)
    first, last = (chosen, _last_day(chosen)) if chosen else (months[-1], _last_day(months[0]))
    with snapshot() as db:
        workspace = db.get(Workspace, workspace_id) if workspace_id.isprintable() else None
        if workspace_id and workspace is None:
            raise InvalidInput("No workspace has that id. Copy it from the list of workspaces.")
        by_month = UsageOfMonths(db, workspace_id, months[-1], _last_day(months[0])).by_month()
        figures = UsageOfMonths(db, workspace_id, first, last)
        by_tool, most = figures.by_tool(), figures.most("workspace", LISTED)
        names = queries.names_of_workspaces_unsafe(db, list(most))
        parts = usage_breakdowns.load(db, by, figures) if by else []
    workspaces = [UsageLine(key, names.get(key, "Deleted workspace"), "", most[key]) for key in most]
    bars, top = _bars(months, by_month)
    tools = [
        UsageLine(tool, tool, outcome, _count(outcome, calls)) for (tool, outcome), calls in by_tool.items()
    ]
    total = _sum(line.count for line in tools)
    return AllUsagePage(
        chosen,
        months,
        workspace,
        total,
        bars,
        top,
        workspaces,
        sorted(tools, key=_most_calls),
        by,
        [UsageLine(key, name, "", count) for key, name, count in parts],
    )


def csv_lines(month: str, workspace_id: str, by: str = "") -> Iterator[str]:
    """The file, one month at a time, the oldest first. Raises InvalidInput before the first part."""
    usage_breakdowns.check(by)
    months = _months()
    chosen = _chosen(month, months)
    listed = [chosen] if chosen else months[::-1]
    if by:
        return usage_breakdowns.csv_lines(by, [(each, _last_day(each)) for each in listed], workspace_id)
    return _csv(listed, workspace_id)


def _csv(months: Sequence[date], workspace_id: str) -> Iterator[str]:
    yield csv_files.table(HEADINGS, ())
    for month in months:
        with snapshot() as db:
            lines = figures.of_all_workspaces_unsafe(db, month, _last_day(month), workspace_id)
            known = queries.billed_as_unsafe(db, sorted({line.workspace_id for line in lines}))
        rows = [
            (
                line.month,
                line.workspace_id,
                *known.get(line.workspace_id, ("", "")),
                line.tool,
                line.outcome,
                line.calls,
                round(line.total_ms, 1),
            )
            for line in lines
        ]
        if rows:
            yield csv_files.table(rows[0], rows[1:])


def _bars(months: list[date], found: dict[str, Count]) -> tuple[list[MonthBar], int]:
    """The bars, oldest first, and the number at the top of their scale."""
    counts = {f"{month:%Y-%m}": found.get(f"{month:%Y-%m}", Count()) for month in months}
    top = _round_up(max(count.calls for count in counts.values()))
    bars = []
    for first in months[::-1]:
        count = counts[f"{first:%Y-%m}"]
        bars.append(MonthBar(first, count, _length(count.calls, top), _length(count.failed, top)))
    return bars, top


def _length(calls: int, top: int) -> float:
    """At least two units, so that one call can be seen."""
    return max(2.0, round(HEIGHT * calls / top, 2)) if calls else 0.0


def _round_up(calls: int) -> int:
    """The next 2, 4 or 10 times a power of ten, so that half of it is a whole number too."""
    scale = 1
    while calls > 10 * scale:
        scale *= 10
    return next(step * scale for step in (2, 4, 10) if calls <= step * scale)


def _count(outcome: str, calls: int) -> Count:
    return Count(calls, 0 if outcomes.is_fine(outcome) else calls)


def _sum(counts: Iterator[Count]) -> Count:
    total = Count()
    for count in counts:
        total.add(count.calls, count.failed)
    return total


def _most_calls(line: UsageLine) -> tuple[int, str, str]:
    return -line.count.calls, line.name, line.outcome


def _months() -> list[date]:
    """The first days of this month and the eleven before it, newest first."""
    month = clock.now().date().replace(day=1)
    months = [month]
    while len(months) < MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months


def _chosen(month: str, months: list[date]) -> date | None:
    if not month:
        return None
    found = [each for each in months if f"{each:%Y-%m}" == month]
    if not found:
        raise InvalidInput(f"Choose one of the last {MONTHS} months, such as {months[0]:%Y-%m}.")
    return found[0]


def _last_day(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
