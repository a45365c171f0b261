"""The tables of the page: the same calls by tool, service, AI client, member, and what failed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.connectors.services import services_of
from app.usage import filters, outcomes
from app.usage.buckets import Histogram, Quantile
from app.usage.facets import FacetCounts, most_first
from app.usage.figures import Count, TimedCount, ToolTimes

# As the page orders them: the name in the address (and of the filter its rows lead to), the words of the tab,
# and the heading of the first column.
KINDS = (
    ("tool", "Tools", "Tool"),
    ("connector", "Services", "Service"),
    ("client", "AI clients", "AI client"),
    ("member", "Members", "Member"),
    ("outcome", "Errors", "Error"),
)
# What a table can be sorted by, with the column's words. Calls first: that is how it comes.
SORTS = (("calls", "Calls"), ("failed", "Failed"), ("median", "Median"), ("p95", "95th percentile"))

_built_in: dict[str, str] = {}  # their titles by name


@dataclass(frozen=True)
class BreakdownRow:
    """A line of a table. `value` is what to filter by, `name` what people read, `hint` the name in code."""

    value: str
    name: str
    timed: TimedCount
    hint: str = ""
    slug: str = ""


@dataclass(frozen=True)
class Breakdowns:
    """The tables by kind. Only tools and services have times."""

    rows: Mapping[str, list[BreakdownRow]]
    total: TimedCount = field(default_factory=TimedCount)


def of(
    workspace_id: str, counts: FacetCounts, times: Iterable[ToolTimes], names: Mapping[str, str]
) -> Breakdowns:
    """All tables of these calls. `names` maps user ids to names."""
    by_tool: dict[tuple[str, str], Histogram] = {}
    by_service: dict[str, Histogram] = {}
    total = TimedCount()
    for each in times:
        by_tool[each.tool, each.slug] = each.histogram
        by_service.setdefault(each.slug, Histogram()).add_all(each.histogram)
        total.histogram.add_all(each.histogram)
    for count in counts.tools.values():
        total.add(count.calls, count.failed)
    failures = {outcome: count for outcome, count in counts.outcomes.items() if count.failed}
    rows = {
        "tool": _tools(workspace_id, counts.tools, by_tool),
        "connector": _rows(
            counts.services,
            lambda slug: connector_name(workspace_id, slug),
            by_service,
        ),
        "client": _rows(counts.clients, client_name),
        "member": _rows(counts.members, lambda user_id: names[user_id]),
        "outcome": _rows(failures, outcomes.describe),
    }
    return Breakdowns(rows, total)


def in_order(rows: Sequence[BreakdownRow], sort: str) -> list[BreakdownRow]:
    """The rows by a column of SORTS, largest first; unknown columns change nothing."""
    by: Mapping[str, Callable[[BreakdownRow], float]] = {
        "failed": lambda row: row.timed.failed,
        "median": lambda row: _milliseconds(row.timed.median),
        "p95": lambda row: _milliseconds(row.timed.p95),
    }
    return sorted(rows, key=by[sort], reverse=True) if sort in by else list(rows)


def client_name(name: str) -> str:
    """An AI client's name as people read it."""
    return name or "Unnamed client"


def connector_name(workspace_id: str, slug: str) -> str:
    """The name of one of the workspace's services as people read it."""
    connector = services_of(workspace_id).find(slug)
    return connector.name if connector else slug or "Built in"


def tool_title(workspace_id: str, name: str) -> str:
    """A tool's title; of one that is not a service's (any more) its name in words."""
    found = services_of(workspace_id).find_tool(name)
    return found[1].title if found else _built_in.get(name) or name.replace("_", " ").capitalize()


def name_built_in(titles: Mapping[str, str]) -> None:
    """Tell the titles of the tools that belong to no service: the package that offers them does, at start."""
    _built_in.update(titles)


def _tools(
    workspace_id: str,
    counts: Mapping[tuple[str, str], Count],
    times: Mapping[tuple[str, str], Histogram],
) -> list[BreakdownRow]:
    rows = [
        BreakdownRow(
            tool,
            tool_title(workspace_id, tool),
            TimedCount(count.calls, count.failed, times.get((tool, slug), Histogram())),
            hint=tool,
            slug=slug,
        )
        for (tool, slug), count in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.timed.calls, row.value))


def _rows(
    counts: Mapping[str, Count], name_of: Callable[[str], str], times: Mapping[str, Histogram] | None = None
) -> list[BreakdownRow]:
    return [
        BreakdownRow(
            value or filters.NONE,
            name_of(value),
            TimedCount(count.calls, count.failed, (times or {}).get(value, Histogram())),
        )
        for value, count in most_first(counts).items()
    ]


def _milliseconds(found: Quantile | None) -> float:
    return found.total_ms if found else 0.0
