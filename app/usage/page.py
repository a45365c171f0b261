"""What the page of usage shows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.models import User
from app.connectors import registry
from app.database import snapshot
from app.usage import calls_log, charts, figures, filters, outcomes, periods, remaining
from app.usage.calls_log import Latest
from app.usage.charts import Chart
from app.usage.figures import ByTool, Count, Timed
from app.usage.filters import Asked
from app.usage.remaining import Allowance
from app.workspaces.guard import Member

LATEST = 50
_SLOWEST = 5


@dataclass(frozen=True)
class Named:
    """A line of a table: the value to filter by, how people call it, and its calls."""

    value: str
    name: str
    count: Count


@dataclass(frozen=True)
class Menu:
    """One filter: its field, its words, and what to choose from as value and words."""

    field: str
    label: str
    every: str
    choices: Sequence[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class Shown:
    """The page. `menus` are the filters."""

    asked: Asked
    allowance: Allowance
    total: Timed
    chart: Chart
    tools: list[ByTool]
    slowest: list[ByTool]
    members: list[Named]
    clients: list[Named]
    errors: list[Named]
    latest: Latest
    names: Mapping[str, str]
    menus: list[Menu]


def asked_by(member: Member, given: Mapping[str, str]) -> Asked:
    """The question in an address, within what the member may see: a plain one sees their own calls. Raises
    InvalidInput.
    """
    return filters.read(member.workspace.id, None if member.manages else member.user.id, given)


def load(member: Member, given: Mapping[str, str]) -> Shown:
    """The whole page. Raises InvalidInput, Unavailable."""
    asked = asked_by(member, given)
    with snapshot() as db:
        tools = figures.by_tool(db, asked)
        days = figures.by_day(db, asked.over(asked.period.charted))
        people, clients = figures.by_person(db, asked)
        known = figures.known(db, asked)
        latest = calls_log.latest(db, asked, LATEST)
        names = _names(db, {*people, *known.user_ids, *(call.user_id for call in latest.calls)})
    total = _total(tools)
    return Shown(
        asked=asked,
        allowance=remaining.of(member.workspace),
        total=total,
        chart=charts.draw(_by_day(days), asked.period),
        tools=tools,
        slowest=sorted(tools, key=_p95, reverse=True)[:_SLOWEST] if len(tools) > 1 else [],
        members=[Named(user_id, names[user_id], count) for user_id, count in people.items()]
        if member.manages
        else [],
        clients=[Named(name or filters.NONE, client_name(name), count) for name, count in clients.items()],
        errors=_errors(days, asked),
        latest=latest,
        names=names,
        menus=_menus(asked, known, names, member.manages),
    )


def client_name(name: str) -> str:
    """An AI client's name as people read it."""
    return name or "Without a name"


def connector_name(slug: str) -> str:
    """A connector's name as people read it."""
    connector = registry.CONNECTORS.get(slug)
    return connector.name if connector else slug or "Built in"


def duration(milliseconds: float) -> str:
    """A time for people: "0.4 ms", "212 ms", "3.1 s"."""
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:,.0f} ms" if milliseconds < 9_999.5 else f"{milliseconds / 1000:,.1f} s"


def percent(value: float) -> str:
    """A share for people: "0.4 %", and never 0 or 100 where it is not quite."""
    if 0 < value < 0.1:
        return "< 0.1 %"
    return f"{min(value, 99.9):.1f} %" if value < 100 else "100 %"


def _names(db: Session, user_ids: set[str]) -> dict[str, str]:
    """Names of people by id, also of those who left."""
    found = db.execute(
        select(col(User.id), col(User.name), col(User.email)).where(col(User.id).in_(user_ids))
    ).all()
    names = {user_id: name or email for user_id, name, email in found}
    doubled = {name for name in names.values() if list(names.values()).count(name) > 1}
    told_apart = {user_id: f"{name} ({email})" for user_id, name, email in found if names[user_id] in doubled}
    return {**dict.fromkeys(user_ids, "Somebody who left"), **names, **told_apart}


def _total(tools: list[ByTool]) -> Timed:
    total = Timed()
    for each in tools:
        total.add(each.timed.calls, each.timed.failed)
        total.histogram.merge(each.timed.histogram.stored())
    return total


def _by_day(days: Mapping[tuple[date, str], int]) -> dict[date, Count]:
    counts: dict[date, Count] = defaultdict(Count)
    for (day, outcome), calls in days.items():
        counts[day].add(calls, 0 if outcomes.is_fine(outcome) else calls)
    return counts


def _errors(days: Mapping[tuple[date, str], int], asked: Asked) -> list[Named]:
    counts: dict[str, Count] = defaultdict(Count)
    for (day, outcome), calls in days.items():
        if day >= asked.period.first and not outcomes.is_fine(outcome):
            counts[outcome].add(calls, calls)
    by_calls = sorted(counts.items(), key=lambda item: (-item[1].calls, item[0]))
    return [Named(outcome, outcomes.in_words(outcome), count) for outcome, count in by_calls]


def _p95(each: ByTool) -> float:
    slow = each.timed.p95
    return slow.total_ms if slow else 0.0


def _menus(asked: Asked, known: figures.Known, names: Mapping[str, str], manages: bool) -> list[Menu]:
    people = sorted(
        ((user_id, names[user_id]) for user_id in known.user_ids), key=lambda each: each[1].casefold()
    )
    clients = [(name or filters.NONE, client_name(name)) for name in known.clients]
    connectors = sorted(
        ((slug or filters.NONE, connector_name(slug)) for slug in known.slugs),
        key=lambda each: each[1].casefold(),
    )
    endings = [(filters.FAILED, "Failed"), *((each, outcomes.in_words(each)) for each in known.outcomes)]
    menus = [
        Menu("tool", "Tool", "All", [(tool, tool) for tool in known.tools], asked.tool),
        Menu("connector", "Connector", "All", connectors, asked.connector),
        Menu("member", "Member", "All", people, asked.member),
        Menu("client", "AI client", "All", clients, asked.client),
        Menu("outcome", "Outcome", "All", endings, asked.outcome),
    ]
    period = Menu("period", "Period", "", periods.CHOICES, asked.period.name)
    return [period, *(_with_chosen(menu) for menu in menus if manages or menu.field != "member")]


def _with_chosen(menu: Menu) -> Menu:
    """A choice that fits nothing is shown all the same, so that the person sees why the page is empty."""
    if not menu.chosen or menu.chosen in {value for value, _ in menu.choices}:
        return menu
    words = "Nobody here" if menu.field == "member" else menu.chosen
    return Menu(menu.field, menu.label, menu.every, [*menu.choices, (menu.chosen, words)], menu.chosen)
