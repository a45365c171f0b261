"""A service's part in summaries across services: the figures of one business, per currency.

A connector declares one function, `Connector.summarize`. It takes a `Summarizing` and returns one `Part` per
currency. Days follow the business's own calendar, or the workspace's where the service names no time zone.

    def summarize(summary: Summarizing) -> list[Part]:
        totals = FigureTotals(summary.days(), home="EUR")
        with summary.reading("invoices"):
            totals.add_all("invoices_issued", ((i.currency, i.total, i.date) for i in ...))
        return totals.parts()
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from app import clock
from app.connectors.api import Api
from app.connectors.money import as_text
from app.connectors.rows import Row
from app.connectors.summary_days import Days, ReportingPeriod, find_zone
from app.errors import ReconnectNeeded, ToolError

FigureName = Literal[
    "net_sales",
    "gross_sales",
    "tax",
    "discounts",
    "refunds",
    "average_order",
    "orders",
    "payments_received",
    "invoices_issued",
    "overdue",
]
_STANDING: frozenset[FigureName] = frozenset(["overdue"])  # true now: no days to compare with


class Figure(Row):
    """One figure. `before`: the same over the days compared with."""

    name: FigureName
    amount: str | None = Field(None, description="Decimal, in the part's currency.")
    count: int | None = Field(None, description="How many.")
    amount_before: str | None = None
    count_before: int | None = None
    change_percent: float | None = Field(None, description="null: nothing to compare with.")


class Ranked(Row):
    """A product, a location or an order."""

    id: str
    name: str | None
    amount: str
    count: int | None = Field(None, description="Quantity sold, or orders.")


class Part(Row):
    """The figures of one currency. Never add parts of different currencies up."""

    currency: str | None
    timezone: str
    first_day: date
    last_day: date
    compared_first_day: date
    compared_last_day: date
    is_over: bool = Field(description="false: the last day is still going on.")
    figures: list[Figure]
    top_products: list[Ranked] = []
    locations: list[Ranked] = []
    latest_orders: list[Ranked] = []


@dataclass
class Summarizing:
    """The summary of one business in the making: its period, its API, and what could not be read."""

    api: Api
    period: ReportingPeriod
    fallback_zone: ZoneInfo  # the workspace's
    problems: list[tuple[str, ToolError]] = field(default_factory=list)
    _read: int = 0

    def days(self, zone: str | None = None) -> Days:
        """The days in the business's time zone, or the workspace's where that is unknown."""
        there = find_zone(zone) or self.fallback_zone
        return self.period.days(clock.now().astimezone(there).date(), there)

    @contextlib.contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Reads one thing of several; a refusal or failure is noted, as the others are still worth having.

        Raises ReconnectNeeded: without access nothing else can be read either.
        """
        try:
            yield
        except ReconnectNeeded:
            raise
        except ToolError as error:
            self.problems.append((what, error))
        else:
            self._read += 1

    def stop_if_nothing_was_read(self) -> None:
        """Raises the first problem when nothing at all could be read."""
        if self.problems and not self._read:
            raise self.problems[0][1]


class FigureTotals:
    """Adds amounts up per figure and currency."""

    def __init__(self, days: Days, home: str | None) -> None:
        self._days = days
        self._names: list[FigureName] = []
        self._home = home
        self._totals: dict[tuple[str | None, FigureName, str], tuple[Decimal, int]] = {}

    def add_all(self, name: FigureName, entries: Iterable[tuple[str | None, Decimal, date | None]]) -> None:
        """Adds up one figure from entries of currency, amount and day; days outside the period do not count.

        Reads every entry first: a figure that cannot be read is left out, so that nobody takes it for zero.
        """
        complete = list(entries)
        self._names.append(name)
        for currency, amount, day in complete:
            if span := "now" if name in _STANDING else self._days.classify(day):
                total, count = self._totals.get((currency, name, span), (Decimal(0), 0))
                self._totals[currency, name, span] = total + amount, count + 1

    def parts(self) -> list[Part]:
        """One part for the business's own currency, and one per other currency that has entries."""
        currencies: set[str | None] = {currency for currency, _, _ in self._totals} | (
            {self._home} if self._home else set()
        )
        ordered = sorted(
            currencies or {None},
            key=lambda currency: (currency != self._home, currency is None, currency or ""),
        )
        return [
            part_of(self._days, currency, [self._figure(currency, name) for name in self._names])
            for currency in ordered
        ]

    def _figure(self, currency: str | None, name: FigureName) -> Figure:
        nothing = (Decimal(0), 0)
        now = self._totals.get((currency, name, "now"), nothing)
        if name in _STANDING:
            return Figure(name=name, amount=as_text(now[0], currency), count=now[1])
        return compared(name, currency, now, self._totals.get((currency, name, "before"), nothing))


def compared(
    name: FigureName,
    currency: str | None,
    now: tuple[Decimal | None, int | None],
    before: tuple[Decimal | None, int | None],
) -> Figure:
    """A figure beside its value before; each has an amount, a count or both."""
    amount, count = now
    amount_before, count_before = before
    new, old = (count, count_before) if amount is None else (amount, amount_before)
    return Figure(
        name=name,
        amount=None if amount is None else as_text(amount, currency),
        count=count,
        amount_before=None if amount_before is None else as_text(amount_before, currency),
        count_before=count_before,
        change_percent=round(float((Decimal(new) - Decimal(old)) * 100 / abs(Decimal(old))), 1)
        if new is not None and old
        else None,
    )


def part_of(days: Days, currency: str | None, figures: list[Figure]) -> Part:
    """A part that covers those days."""
    return Part(
        currency=currency,
        timezone=days.zone.key,
        first_day=days.first,
        last_day=days.last,
        compared_first_day=days.before_first,
        compared_last_day=days.before_last,
        is_over=days.last < days.today,
        figures=figures,
    )
