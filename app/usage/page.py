"""The data of the usage page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.models import User
from app.connectors.services import services_of
from app.database import snapshot
from app.usage import calls_log, charts, figures, filters, outcomes, periods, remaining
from app.usage.calls_log import LatestCalls
from app.usage.charts import Chart
from app.usage.figures import Count, TimedCount, ToolFigures
from app.usage.filters import UsageFilter
from app.usage.remaining import Allowance
from app.workspaces.guard import Member

LATEST = 50
_SLOWEST = 5


@dataclass(frozen=True)
class NamedCount:
    """A line of a table: the value to filter by, the name people read, and its calls."""

    value: str
    name: str
    count: Count


@dataclass(frozen=True)
class Menu:
    """One filter: its field, its label, and its choices as value and words."""

    field: str
    label: str
    every: str
    choices: Sequence[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class UsagePage:
    """The page. `menus` are the filters."""

    filter: UsageFilter
    allowance: Allowance
    total: TimedCount
    chart: Chart
    tools: list[ToolFigures]
    slowest: list[ToolFigures]
    members: list[NamedCount]
    clients: list[NamedCount]
    errors: list[NamedCount]
    latest: LatestCalls
    names: Mapping[str, str]
    menus: list[Menu]


def filter_for(member: Member, given: Mapping[str, str]) -> UsageFilter:
    """The filter in a query string; a plain member sees only their own calls. Raises InvalidInput."""
    return filters.read(member.workspace.id, None if member.manages else member.user.id, given)


def load(member: Member, given: Mapping[str, str]) -> UsagePage:
    """The whole page. Raises InvalidInput, Unavailable."""
    usage_filter = filter_for(member, given)
    with snapshot() as db:
        tools = figures.by_tool(db, usage_filter)
        days = figures.by_day(db, usage_filter.over(usage_filter.period.charted))
        people, clients = figures.by_person(db, usage_filter)
        known = figures.filter_choices(db, usage_filter)
        latest = calls_log.latest(db, usage_filter, LATEST)
        names = _names(db, {*people, *known.user_ids, *(call.user_id for call in latest.calls)})
    total = _total(tools)
    return UsagePage(
        filter=usage_filter,
        allowance=remaining.of(member.workspace),
        total=total,
        chart=charts.draw(_by_day(days), usage_filter.period),
        tools=tools,
        slowest=sorted(tools, key=_p95, reverse=True)[:_SLOWEST] if len(tools) > 1 else [],
        members=[NamedCount(user_id, names[user_id], count) for user_id, count in people.items()]
        if member.manages
        else [],
        clients=[
            NamedCount(name or filters.NONE, client_name(name), count) for name, count in clients.items()
        ],
        errors=_errors(days, usage_filter),
        latest=latest,
        names=names,
        menus=_menus(usage_filter, known, names, member.manages),
    )


def client_name(name: str) -> str:
    """An AI client's name as people read it."""
    return name or "Without a name"


def connector_name(workspace_id: str, slug: str) -> str:
    """The name of one of the workspace's connectors as people read it."""
    connector = services_of(workspace_id).find(slug)
    return connector.name if connector else slug or "Built in"


def duration(milliseconds: float) -> str:
    """A time for people: "0.4 ms", "212 ms", "3.1 s"."""
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:,.0f} ms" if milliseconds < 9_999.5 else f"{milliseconds / 1000:,.1f} s"


def percent(value: float) -> str:
    """A share for people: "0.4 %", never 0 or 100 unless it is exactly that."""
    if 0 < value < 0.1:
        return "< 0.1 %"
    return f"{min(value, 99.9):.1f} %" if value < 100 else "100 %"


def _names(db: Session, user_ids: set[str]) -> dict[str, str]:
    """The names of users by id, also of those who left."""
    found = db.execute(
        select(col(User.id), col(User.name), col(User.email)).where(col(User.id).in_(user_ids))
    ).all()
    names = {user_id: name or email for user_id, name, email in found}
    doubled = {name for name in names.values() if list(names.values()).count(name) > 1}
    with_address = {
        user_id: f"{name} ({email})" for user_id, name, email in found if names[user_id] in doubled
    }
    return {**dict.fromkeys(user_ids, "Somebody who left"), **names, **with_address}


def _total(tools: list[ToolFigures]) -> TimedCount:
    total = TimedCount()
    for each in tools:
        total.add(each.timed.calls, each.timed.failed)
        total.histogram.merge(each.timed.histogram.stored())
    return total


def _by_day(days: Mapping[tuple[date, str], int]) -> dict[date, Count]:
    counts: dict[date, Count] = defaultdict(Count)
    for (day, outcome), calls in days.items():
        counts[day].add(calls, 0 if outcomes.is_fine(outcome) else calls)
    return counts


def _errors(days: Mapping[tuple[date, str], int], usage_filter: UsageFilter) -> list[NamedCount]:
    counts: dict[str, Count] = defaultdict(Count)
    for (day, outcome), calls in days.items():
        if day >= usage_filter.period.first and not outcomes.is_fine(outcome):
            counts[outcome].add(calls, calls)
    by_calls = sorted(counts.items(), key=lambda item: (-item[1].calls, item[0]))
    return [NamedCount(outcome, outcomes.describe(outcome), count) for outcome, count in by_calls]


def _p95(each: ToolFigures) -> float:
    slow = each.timed.p95
    return slow.total_ms if slow else 0.0


def _menus(
    usage_filter: UsageFilter, known: figures.FilterChoices, names: Mapping[str, str], manages: bool
) -> list[Menu]:
    people = sorted(
        ((user_id, names[user_id]) for user_id in known.user_ids), key=lambda each: each[1].casefold()
    )
    clients = [(name or filters.NONE, client_name(name)) for name in known.clients]
    connectors = sorted(
        ((slug or filters.NONE, connector_name(usage_filter.workspace_id, slug)) for slug in known.slugs),
        key=lambda each: each[1].casefold(),
    )
    endings = [(filters.FAILED, "Failed"), *((each, outcomes.describe(each)) for each in known.outcomes)]
    menus = [
        Menu("tool", "Tool", "All", [(tool, tool) for tool in known.tools], usage_filter.tool),
        Menu("connector", "Connector", "All", connectors, usage_filter.connector),
        Menu("member", "Member", "All", people, usage_filter.member),
        Menu("client", "AI client", "All", clients, usage_filter.client),
        Menu("outcome", "Outcome", "All", endings, usage_filter.outcome),
    ]
    period = Menu("period", "Period", "", periods.CHOICES, usage_filter.period.name)
    return [period, *(_with_chosen(menu) for menu in menus if manages or menu.field != "member")]


def _with_chosen(menu: Menu) -> Menu:
    """A chosen value without calls stays in the menu, so that the person sees why the page is empty."""
    if not menu.chosen or menu.chosen in {value for value, _ in menu.choices}:
        return menu
    words = "Nobody here" if menu.field == "member" else menu.chosen
    return Menu(menu.field, menu.label, menu.every, [*menu.choices, (menu.chosen, words)], menu.chosen)
