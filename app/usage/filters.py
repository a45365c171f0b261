"""What a person chose to see of a workspace's usage: whose calls, of which period, filtered by what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from sqlalchemy import ColumnElement
from sqlmodel import col

from app.errors import InvalidInput
from app.usage import outcomes, periods
from app.usage.models import CallRow, UsageTally
from app.usage.periods import UsagePeriod

FAILED = "failed"  # as an outcome: every failure
NONE = "(none)"  # calls without a connector, or without a client name
_LONGEST = 300


@dataclass(frozen=True)
class UsageFilter:
    """One selection of calls. `user_id` limits a plain member to their own; the rest is what they chose."""

    workspace_id: str
    user_id: str | None
    period: UsagePeriod
    tool: str = ""
    connector: str = ""
    member: str = ""
    client: str = ""
    outcome: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the period was chosen."""
        return any((self.tool, self.connector, self.member, self.client, self.outcome))

    @property
    def widened(self) -> "UsageFilter":
        """The same without any choice but the period."""
        return UsageFilter(self.workspace_id, self.user_id, self.period)

    @property
    def with_before(self) -> "UsageFilter":
        """The same over the period, the days of its chart, and the period it is compared with."""
        first = min(self.period.before.first, self.period.charted.first)
        return self.over(UsagePeriod(self.period.name, first, self.period.last))

    def over(self, period: UsagePeriod) -> "UsageFilter":
        """The same for another period."""
        return replace(self, period=period)

    def address(self, path: str, **more: str) -> str:
        """The path with the choices as its query, for links."""
        chosen = {
            name: value
            for name, value in self.chosen.items()
            if value and (name, value) != ("period", periods.DEFAULT)
        }
        query = urlencode({**chosen, **more})
        return f"{path}?{query}" if query else path

    @property
    def chosen(self) -> dict[str, str]:
        """The fields of the form."""
        named = ("tool", "connector", "member", "client", "outcome")
        return {"period": self.period.name, **{name: getattr(self, name) for name in named}}

    def selects(self, tool: str, slug: str, user_id: str, client_name: str, outcome: str) -> bool:
        """Whether calls with these values match, in whatever period they are."""
        by_outcome = (
            not outcomes.is_fine(outcome) if self.outcome == FAILED else self.outcome in {"", outcome}
        )
        return (
            by_outcome
            and self.user_id in {None, user_id}
            and self.tool in {"", tool}
            and self.member in {"", user_id}
            and (not self.connector or _or_none(self.connector) == slug)
            and (not self.client or _or_none(self.client) == client_name)
        )

    def of_tallies(self) -> Iterator[ColumnElement[bool]]:
        """As conditions on tallies."""
        yield col(UsageTally.day).between(self.period.first, self.period.last)
        yield from self._of(UsageTally)

    def of_rows(self) -> Iterator[ColumnElement[bool]]:
        """As conditions on rows of calls."""
        yield col(CallRow.at) >= self.period.begins_at
        yield col(CallRow.at) < self.period.ends_at
        yield from self._of(CallRow)

    def _of(self, table: type[UsageTally] | type[CallRow]) -> Iterator[ColumnElement[bool]]:
        yield col(table.workspace_id) == self.workspace_id
        if self.user_id is not None:
            yield col(table.user_id) == self.user_id
        if self.tool:
            yield col(table.tool) == self.tool
        if self.connector:
            yield col(table.slug) == _or_none(self.connector)
        if self.member:
            yield col(table.user_id) == self.member
        if self.client:
            yield col(table.client_name) == _or_none(self.client)
        if self.outcome == FAILED:
            yield col(table.outcome).not_in(outcomes.FINE)
        elif self.outcome:
            yield col(table.outcome) == self.outcome


def read(workspace_id: str, user_id: str | None, given: Mapping[str, str]) -> UsageFilter:
    """The filter in a query string. Raises InvalidInput for an unknown period or an impossible value."""
    chosen = {
        name: given.get(name, "").strip() for name in ("tool", "connector", "member", "client", "outcome")
    }
    if any(len(value) > _LONGEST or not value.isprintable() for value in chosen.values()):
        raise InvalidInput("That filter cannot be used. Go back to the usage page and choose from its menus.")
    return UsageFilter(
        workspace_id, user_id, periods.find(given.get("period", "") or periods.DEFAULT), **chosen
    )


def _or_none(value: str) -> str:
    return "" if value == NONE else value
