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
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from app import clock
from app.connectors.api import Api
from app.connectors.money import Money, MoneyRow
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


class SummaryRow(MoneyRow):
    """A row without the members that say nothing: a summary has many figures, most with few of them."""

    @model_serializer(mode="wrap")
    def _in_its_currency(self, serialize: SerializerFunctionWrapHandler) -> Any:
        members = super()._in_its_currency(serialize)
        fields = type(self).model_fields
        return {
            name: value
            for name, value in members.items()
            if value not in (None, []) or fields[name].is_required()
        }


class Figure(SummaryRow):
    """One figure. `before`: the same over the days compared with."""

    name: FigureName
    amount: Money | None = None
    count: int | None = None
    amount_before: Money | None = None
    count_before: int | None = None
    amount_compared: Money | None = Field(
        None, description="Without today: what amount_before stands beside."
    )
    count_compared: int | None = None
    change_percent: float | None = None
    as_of: date | None = Field(None, description="The figure is of this day, whatever the period.")


class Ranked(SummaryRow):
    """A product, a location or an order."""

    id: str
    name: str | None = None
    amount: Money | None = None
    currency: str | None = Field(None, description="If not the part's.")
    count: int | None = Field(None, description="Quantity sold, or orders.")


class Part(SummaryRow):
    """The figures of one currency. Never add parts of different currencies up."""

    currency: str | None
    timezone: str
    first_day: date
    last_day: date
    compared_first_day: date | None = None
    compared_last_day: date | None = None
    is_over: bool = Field(description="false: the last day is still going on.")
    comparison: str | None = Field(None, description="How an unfinished day is compared, or why not.")
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
        return self.period.days(clock.now(), find_zone(zone) or self.fallback_zone)

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
    """Adds amounts up per figure and currency. `timed`: entries carry moments, else days."""

    def __init__(self, days: Days, home: str | None, *, timed: bool = False) -> None:
        self._days = days
        self._timed = timed
        self._names: list[FigureName] = []
        self._home = home
        self._totals: dict[tuple[str | None, FigureName, _Span], _Total] = {}

    def add_all(
        self, name: FigureName, entries: Iterable[tuple[str | None, Decimal, date | datetime | None]]
    ) -> None:
        """Adds up one figure from entries of currency, amount and when; others than the days' do not count.

        Reads every entry first: a figure that cannot be read is left out, so that nobody takes it for zero.
        """
        complete = list(entries)
        self._names.append(name)
        for currency, amount, when in complete:
            for span in ("now",) if name in _STANDING else self._spans_of(when):
                total, count = self._totals.get((currency, name, span), _NOTHING)
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
            part_of(
                self._days,
                currency,
                [self._figure(currency, name) for name in self._names],
                timed=self._timed,
            )
            for currency in ordered
        ]

    def _spans_of(self, when: date | datetime | None) -> "tuple[_Span, ...]":
        days = self._days
        if isinstance(when, datetime):
            if days.covers(days.day_of(when)):
                return ("now",)
            start, end = days.spans()[1]
            return ("before",) if start <= when < end else ()
        if when is None:
            return ()
        finished = days.finished
        if days.covers(when):
            return ("now", "compared") if finished and when <= finished[0] else ("now",)
        return ("before",) if finished and days.before_first <= when <= finished[1] else ()

    def _figure(self, currency: str | None, name: FigureName) -> Figure:
        def total(span: _Span) -> _Total:
            return self._totals.get((currency, name, span), _NOTHING)

        now = total("now")
        if name in _STANDING:
            return Figure(name=name, amount=now[0], count=now[1], as_of=self._days.today)
        if not is_compared(self._days, timed=self._timed):
            return Figure(name=name, amount=now[0], count=now[1])
        without_today = None if self._timed or self._days.is_over else total("compared")
        return compared(name, now, total("before"), without_today)


_Span = Literal["now", "before", "compared"]
_Total = tuple[Decimal, int]
_NOTHING: _Total = (Decimal(0), 0)


def compared(
    name: FigureName,
    now: tuple[Decimal | None, int | None],
    before: tuple[Decimal | None, int | None],
    without_today: tuple[Decimal | None, int | None] | None = None,
) -> Figure:
    """A figure beside its value before; each has an amount, a count or both.

    `without_today`: the figure over the finished days only, if these are what `before` is compared with.
    """
    new, old = (pair[1] if now[0] is None else pair[0] for pair in (without_today or now, before))
    return Figure(
        name=name,
        amount=now[0],
        count=now[1],
        amount_before=before[0],
        count_before=before[1],
        amount_compared=without_today[0] if without_today else None,
        count_compared=without_today[1] if without_today else None,
        change_percent=round(float((Decimal(new) - Decimal(old)) * 100 / abs(Decimal(old))), 1)
        if new is not None and old
        else None,
    )


def is_compared(days: Days, *, timed: bool) -> bool:
    """Whether the days have a counterpart. `timed`: records carry moments, else days."""
    return days.first <= days.today if timed else days.finished is not None


def part_of(days: Days, currency: str | None, figures: list[Figure], *, timed: bool = False) -> Part:
    """A part that covers those days."""
    last_compared, comparison = None, None
    if days.is_over:
        last_compared = days.before_last
    elif not is_compared(days, timed=timed):
        comparison = (
            "Not compared: today is not over, and these records carry no time of day. Summarize a finished "
            "day to compare."
        )
    elif timed:
        last_compared = min(days.before_first + (days.today - days.first), days.before_last)
        comparison = f"Until {days.now:%H:%M} on the last day of both, as today is not over."
    elif days.finished:
        last_compared = days.finished[1]
        comparison = (
            "Without today, which is not over, as these records carry no time of day: amount_before and "
            "change_percent are beside amount_compared."
        )
    return Part(
        currency=currency,
        timezone=days.zone.key,
        first_day=days.first,
        last_day=days.last,
        compared_first_day=days.before_first if last_compared else None,
        compared_last_day=last_compared,
        is_over=days.is_over,
        comparison=comparison,
        figures=figures,
    )
