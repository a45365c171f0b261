"""The days a summary covers and those it compares them with, in a business's own time zone.

Like is compared with like: a month with the month before, an unfinished day with the same hours of an earlier
one, or not at all.
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app import clock
from app.errors import InvalidArguments

MOST_DAYS = 366
_OLDEST = date(2000, 1, 1)
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)

Preset = Literal["7d", "30d", "this_month", "last_month"]


@dataclass(frozen=True)
class Days:
    """The requested days and the days before to compare them with. `now` is in their time zone."""

    first: date
    last: date
    before_first: date
    before_last: date
    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The calendar day there."""
        return self.now.date()

    @property
    def is_over(self) -> bool:
        """Whether the last day has ended."""
        return self.last < self.today

    @property
    def finished(self) -> tuple[date, date] | None:
        """The last finished day of the requested days, and its counterpart; None if there is none.

        It bounds the comparison of records that have days but no times.
        """
        if self.is_over:
            return self.last, self.before_last
        elapsed = self.today - _DAY - self.first
        if elapsed < timedelta(0):
            return None
        return self.first + elapsed, min(self.before_first + elapsed, self.before_last)

    @property
    def before_end(self) -> datetime:
        """The moment at which the compared span ends: as far into it as now is into the requested days."""
        end = self._midnight(self.before_last + _DAY)
        if self.is_over:
            return end
        same_hour = datetime.combine(
            self.before_first + (self.today - self.first), self.now.time(), self.zone
        )
        return max(self._midnight(self.before_first), min(same_hour, end))

    def covers(self, day: date) -> bool:
        """Whether it is one of the requested days."""
        return self.first <= day <= self.last

    def day_of(self, moment: datetime) -> date:
        """The calendar day of that moment in this time zone."""
        return moment.astimezone(self.zone).date()

    def spans(self) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
        """The requested span from its first midnight to the one after its last day, and the compared one."""
        return (
            (self._midnight(self.first), self._midnight(self.last + _DAY)),
            (self._midnight(self.before_first), self.before_end),
        )

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.zone)


class ReportingPeriod(Protocol):
    """The days a summary covers, before the time zone is known."""

    @property
    def is_one_day(self) -> bool:
        """Whether it covers a single day."""

    def days(self, now: datetime, zone: ZoneInfo) -> Days:
        """The days in that time zone at that moment."""


@dataclass(frozen=True)
class OneDay:
    """One day, or today; compared with the same weekday a week before. Raises InvalidArguments."""

    day: date | None = None
    is_one_day: bool = True

    def __post_init__(self) -> None:
        _check("date", self.day)

    def days(self, now: datetime, zone: ZoneInfo) -> Days:
        """The day there."""
        there = now.astimezone(zone)
        day = self.day or there.date()
        return Days(day, day, day - _WEEK, day - _WEEK, there, zone)


@dataclass(frozen=True)
class DateRange:
    """Consecutive days or a preset. Raises InvalidArguments.

    Whole months are compared with as many months before, a month so far with the same days of the month
    before, and anything else with as many days before.
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

    def days(self, now: datetime, zone: ZoneInfo) -> Days:
        """The period there."""
        there = now.astimezone(zone)
        first, last = self._bounds(there.date())
        return Days(first, last, *_before(first, last, there.date()), there, zone)

    def _bounds(self, today: date) -> tuple[date, date]:
        if self.first and self.last:
            return self.first, self.last
        if self.preset == "this_month":
            return today.replace(day=1), today
        if self.preset == "last_month":
            last = today.replace(day=1) - _DAY
            return last.replace(day=1), last
        return today - timedelta(days=6 if self.preset == "7d" else 29), today


def _before(first: date, last: date, today: date) -> tuple[date, date]:
    """The days to compare with."""
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if first.day == 1 and last == _end_of_month(last):
        index = first.year * 12 + first.month - 1 - months
        return date(index // 12, index % 12 + 1, 1), first - _DAY
    if first.day == 1 and months == 1 and last == today:
        end = first - _DAY
        return end.replace(day=1), end.replace(day=min(last.day, end.day))
    return first - (last - first + _DAY), first - _DAY


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _check(name: str, day: date | None) -> None:
    """Raises InvalidArguments for a day that has no books: long ago, or tomorrow in every time zone."""
    if day is not None and not _OLDEST <= day <= clock.now().date() + _DAY:
        raise InvalidArguments(
            f"{name}: choose a day from {_OLDEST} until today.", details={"fields": [name]}
        )


def find_zone(name: str | None) -> ZoneInfo | None:
    """The time zone of that IANA name, or None for an unknown one."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
