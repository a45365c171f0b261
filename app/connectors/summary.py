"""What a service adds to a summary across services: for which days, compared with which, and the figures.

A connector declares one function, `Connector.summarize`: it takes a `Summarizing` and gives `Part`s, one a
currency. Days are days of the business's own calendar; where the service does not say which time zone that
is, the workspace's counts.

    def summarize(asked: Summarizing) -> list[Part]:
        days = asked.days()
        sums = Sums(days, home="EUR")
        with asked.reading("invoices"):
            sums.open("invoices_issued")
            for invoice in ...:
                sums.add("invoices_issued", invoice.currency, invoice.total, invoice.date)
        return sums.parts()
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from app import clock
from app.connectors.api import Api
from app.connectors.money import as_text
from app.connectors.tool import Row
from app.errors import InvalidArguments, ReconnectNeeded, ToolError

MOST_DAYS = 366
_OLDEST = date(2000, 1, 1)
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)

Preset = Literal["7d", "30d", "this_month", "last_month"]
Name = Literal[
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


class Figure(Row):
    """One figure. `before`: the same over the days compared with."""

    name: Name
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


@dataclass(frozen=True)
class Days:
    """The days asked for and those they are compared with, all in one time zone."""

    first: date
    last: date
    before_first: date
    before_last: date
    today: date
    zone: ZoneInfo

    def are(self, day: date | None) -> Literal["now", "before"] | None:
        """Which of the two a day belongs to."""
        if day is not None and self.first <= day <= self.last:
            return "now"
        return "before" if day is not None and self.before_first <= day <= self.before_last else None

    def day_of(self, moment: datetime) -> date:
        """The day on which the moment was there."""
        return moment.astimezone(self.zone).date()

    def spans(self) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
        """From the beginning of the first day to that of the day after the last: asked for, and compared
        with.
        """
        return self._span(self.first, self.last), self._span(self.before_first, self.before_last)

    def _span(self, first: date, last: date) -> tuple[datetime, datetime]:
        return datetime.combine(first, time.min, self.zone), datetime.combine(
            last + _DAY, time.min, self.zone
        )


class Wanted(Protocol):
    """Which days a summary is about, said without a time zone."""

    @property
    def is_one_day(self) -> bool:
        """Whether it is about a single day."""

    def days(self, today: date, zone: ZoneInfo) -> Days:
        """The days, where it is that day today."""


@dataclass(frozen=True)
class OneDay:
    """A day, or today; compared with the same weekday before."""

    day: date | None = None
    is_one_day: bool = True

    def __post_init__(self) -> None:
        _check("date", self.day)

    def days(self, today: date, zone: ZoneInfo) -> Days:
        """The day there."""
        day = self.day or today
        return Days(day, day, day - _WEEK, day - _WEEK, today, zone)


@dataclass(frozen=True)
class Period:
    """Some days in a row, or one of the usual periods; compared with as many days before. Raises
    InvalidArguments.
    """

    first: date | None = None
    last: date | None = None
    preset: Preset | None = None
    is_one_day: bool = False

    def __post_init__(self) -> None:
        given = (self.first is not None, self.last is not None)
        if given not in {(True, True), (False, False)} or any(given) == (self.preset is not None):
            raise InvalidArguments(
                "from: give `from` and `to`, or a preset.", details={"fields": ["from", "to", "preset"]}
            )
        _check("from", self.first)
        _check("to", self.last)
        if self.first and self.last and not _DAY <= self.last - self.first + _DAY <= MOST_DAYS * _DAY:
            raise InvalidArguments(
                f"to: must be from `from` on, and at most {MOST_DAYS} days in all.",
                details={"fields": ["from", "to"]},
            )

    def days(self, today: date, zone: ZoneInfo) -> Days:
        """The period there."""
        first, last = self._bounds(today)
        length = last - first + _DAY
        return Days(first, last, first - length, first - _DAY, today, zone)

    def _bounds(self, today: date) -> tuple[date, date]:
        if self.first and self.last:
            return self.first, self.last
        if self.preset == "this_month":
            return today.replace(day=1), today
        if self.preset == "last_month":
            last = today.replace(day=1) - _DAY
            return last.replace(day=1), last
        return today - timedelta(days=6 if self.preset == "7d" else 29), today


def _check(name: str, day: date | None) -> None:
    """Raises InvalidArguments for a day no business has books of: long ago, or tomorrow everywhere."""
    if day is not None and not _OLDEST <= day <= clock.now().date() + _DAY:
        raise InvalidArguments(
            f"{name}: choose a day from {_OLDEST} until today.", details={"fields": [name]}
        )


@dataclass
class Summarizing:
    """One business being summarized: what was asked, its API, and what could not be read."""

    api: Api
    wanted: Wanted
    spare_zone: ZoneInfo  # the workspace's
    problems: list[tuple[str, ToolError]] = field(default_factory=list)
    _read: int = 0

    def days(self, zone: str | None = None) -> Days:
        """The days in the business's time zone; in the workspace's where it is not known."""
        there = find_zone(zone) or self.spare_zone
        return self.wanted.days(clock.now().astimezone(there).date(), there)

    @contextlib.contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Read one thing of several: when the service refuses or fails, the others are still worth having.

        Not when the sign-in is over: ReconnectNeeded goes on.
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
        """Raises what the service said, when it gave nothing at all."""
        if self.problems and not self._read:
            raise self.problems[0][1]


class Sums:
    """Adds amounts up, each currency for itself and each figure for itself."""

    def __init__(self, days: Days, home: str | None) -> None:
        self._days = days
        self._names: list[Name] = []
        self._home = home
        self._sums: dict[tuple[str | None, Name, str], tuple[Decimal, int]] = {}

    def open(self, name: Name) -> None:
        """This figure is known, be it zero. One that could not be read is left out, so that nobody takes
        it for zero.
        """
        self._names.append(name)

    def add(self, name: Name, currency: str | None, amount: Decimal, day: date | None) -> None:
        """Something of that day, if the day counts."""
        if when := self._days.are(day):
            self._add(currency, name, when, amount)

    def add_now(self, name: Name, currency: str | None, amount: Decimal) -> None:
        """Something that is so now: it is compared with nothing."""
        self._add(currency, name, "now", amount)

    def _add(self, currency: str | None, name: Name, when: str, amount: Decimal) -> None:
        total, counted = self._sums.get((currency, name, when), (Decimal(0), 0))
        self._sums[currency, name, when] = total + amount, counted + 1

    def parts(self) -> list[Part]:
        """A part for the business's own currency and for each other one there is something in."""
        currencies: set[str | None] = {currency for currency, _, _ in self._sums} | (
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

    def _figure(self, currency: str | None, name: Name) -> Figure:
        nothing = (Decimal(0), 0)
        now = self._sums.get((currency, name, "now"), nothing)
        if name == "overdue":
            return Figure(name=name, amount=as_text(now[0], currency), count=now[1])
        return compared(name, currency, now, self._sums.get((currency, name, "before"), nothing))


def compared(
    name: Name,
    currency: str | None,
    now: tuple[Decimal | None, int | None],
    before: tuple[Decimal | None, int | None],
) -> Figure:
    """A figure beside what it was before; either may have an amount, a count or both."""
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
    """A part about those days."""
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


def find_zone(name: str | None) -> ZoneInfo | None:
    """The time zone of that IANA name, or None when there is no such."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
