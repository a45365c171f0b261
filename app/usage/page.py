"""The data of the usage page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.models import User
from app.database import snapshot
from app.usage import breakdowns, calls_log, charts, filters, outcomes, period_figures, periods, remaining
from app.usage.breakdowns import BreakdownRow, Breakdowns
from app.usage.calls_log import LatestCalls
from app.usage.charts import Chart
from app.usage.facets import FacetCounts
from app.usage.figures import TimedCount
from app.usage.filters import UsageFilter
from app.usage.models import CallRow
from app.usage.remaining import Allowance
from app.workspaces.guard import Member

LATEST = "latest"  # the view that lists single calls
MOST_LATEST = 50
FIRST_ROWS = 20  # of a table, until all are requested


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
    """The page. `view` is the kind of its table, or LATEST; `latest` is None in any other view."""

    filter: UsageFilter
    allowance: Allowance
    total: TimedCount
    before: TimedCount
    chart: Chart
    view: str
    sort: str
    views: Sequence[tuple[str, str]]
    tables: Breakdowns
    shows_all: bool
    latest: LatestCalls | None
    names: Mapping[str, str]
    menus: list[Menu]

    @property
    def rows(self) -> list[BreakdownRow]:
        """The rows of the chosen table, as many as are displayed."""
        rows = breakdowns.in_order(self.every_row, self.sort)
        return rows if self.shows_all else rows[:FIRST_ROWS]

    @property
    def every_row(self) -> list[BreakdownRow]:
        """All rows of the chosen table."""
        return self.tables.rows.get(self.view, [])

    @property
    def has_times(self) -> bool:
        """Whether the rows of the chosen table have times."""
        return self.view in {"tool", "connector"}

    def address(self, **more: str) -> str:
        """The page with its filters and view; `more` replaces parts of the address."""
        parts = {"view": self.view, "sort": self.sort, **more}
        defaults = {"view": "tool", "sort": "calls"}
        return self.filter.address(
            "/usage", **{name: value for name, value in parts.items() if value != defaults.get(name)}
        )


def filter_for(member: Member, given: Mapping[str, str]) -> UsageFilter:
    """The filter in a query string; a plain member sees only their own calls. Raises InvalidInput."""
    return filters.read(member.workspace.id, None if member.manages else member.user.id, given)


def load(member: Member, given: Mapping[str, str]) -> UsagePage:
    """The whole page, in a number of queries that does not depend on it. Raises InvalidInput, Unavailable."""
    usage_filter = filter_for(member, given)
    period = usage_filter.period
    views = _views(member.manages)
    view = given.get("view", "") if given.get("view", "") in dict(views) else "tool"
    with snapshot() as db:
        figures = period_figures.load(db, usage_filter)
        most = MOST_LATEST if given.get("rows") == "all" else FIRST_ROWS
        latest = calls_log.latest(db, usage_filter, most) if view == LATEST else None
        names = _names(db, {*figures.known.members, *(each.user_id for each in _calls(latest))})
    tables = breakdowns.of(member.workspace.id, figures.chosen, figures.times, names)
    before = TimedCount(histogram=figures.before)
    for day, count in figures.days.items():
        if period.before.first <= day <= period.before.last:
            before.add(count.calls, count.failed)
    return UsagePage(
        filter=usage_filter,
        allowance=remaining.of(member.workspace),
        total=tables.total,
        before=before,
        chart=charts.draw(figures.days, period),
        view=view,
        sort=given.get("sort", "") if given.get("sort", "") in dict(breakdowns.SORTS) else "calls",
        views=views,
        tables=tables,
        shows_all=given.get("rows") == "all",
        latest=latest,
        names=names,
        menus=_menus(usage_filter, figures.known, names, member.manages),
    )


def duration(milliseconds: float) -> str:
    """A time for people: "0.4 ms", "212 ms", "3.1 s"."""
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:,.0f} ms" if milliseconds < 9_999.5 else f"{milliseconds / 1000:,.1f} s"


def percent(value: float) -> str:
    """A share for people: "0.4%", never 0 or 100 unless it is exactly that."""
    if 0 < value < 0.1:
        return "< 0.1%"
    return f"{min(value, 99.9):.1f}%" if value < 100 else "100%"


def change(now: float, before: float) -> str:
    """How a figure changed, for people: "+12%", "−3%", "±0%". "" if there was none before."""
    if not before:
        return ""
    parts = round(100 * (now - before) / before)
    return f"{'+' if parts > 0 else '−' if parts < 0 else '±'}{abs(parts):,}%"


def points(now: float, before: float) -> str:
    """How a share changed, in percentage points: "+0.3 pts"."""
    parts = round(now - before, 1)
    return f"{'+' if parts > 0 else '−' if parts < 0 else '±'}{abs(parts):.1f} pts"


def _views(manages: bool) -> list[tuple[str, str]]:
    tables = [(kind, words) for kind, words, _ in breakdowns.KINDS if manages or kind != "member"]
    return [*tables, (LATEST, "Latest calls")]


def _calls(latest: LatestCalls | None) -> Iterable[CallRow]:
    return latest.calls if latest else ()


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
    return {**dict.fromkeys(user_ids, "Former member"), **names, **with_address}


def _menus(
    usage_filter: UsageFilter, known: FacetCounts, names: Mapping[str, str], manages: bool
) -> list[Menu]:
    """The filters, with the values that occur in the period whatever else is filtered."""

    def choices(field: str, words: Mapping[str, str]) -> Menu:
        label, chosen = _LABELS[field], getattr(usage_filter, field)
        sorted_by_words = sorted(words.items(), key=lambda each: each[1].casefold())
        return _with_chosen(Menu(field, label, "All", sorted_by_words, chosen))

    workspace_id = usage_filter.workspace_id
    menus = [
        Menu("period", "Period", "", periods.CHOICES, usage_filter.period.name),
        choices("tool", {tool: tool for tool, _ in known.tools}),
        choices(
            "connector",
            {
                slug or filters.NONE: breakdowns.connector_name(workspace_id, slug)
                for slug in dict.fromkeys(slug for _, slug in known.tools)
            },
        ),
        choices("member", {user_id: names[user_id] for user_id in known.members}),
        choices(
            "client",
            {name or filters.NONE: breakdowns.client_name(name) for name in known.clients},
        ),
    ]
    endings = {outcome: outcomes.describe(outcome) for outcome in known.outcomes}
    by_words = sorted(endings.items(), key=lambda each: each[1])
    outcome = Menu("outcome", "Outcome", "All", [(filters.FAILED, "Failed"), *by_words], usage_filter.outcome)
    return [menu for menu in [*menus, _with_chosen(outcome)] if manages or menu.field != "member"]


_LABELS = {"tool": "Tool", "connector": "Service", "member": "Member", "client": "AI client"}


def _with_chosen(menu: Menu) -> Menu:
    """A chosen value without calls stays in the menu, so that the person sees why the page is empty."""
    if not menu.chosen or menu.chosen in {value for value, _ in menu.choices}:
        return menu
    words = "Not a member" if menu.field == "member" else menu.chosen
    return Menu(menu.field, menu.label, menu.every, [*menu.choices, (menu.chosen, words)], menu.chosen)
