"""The days a summary covers and those it compares them with, in a business's own time zone."""

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
    """The requested days and the days before to compare them with, all in one time zone."""

    first: date
    last: date
    before_first: date
    before_last: date
    today: date
    zone: ZoneInfo

    def classify(self, day: date | None) -> Literal["now", "before"] | None:
        """Which of the two spans the day belongs to; None for neither."""
        if day is not None and self.first <= day <= self.last:
            return "now"
        return "before" if day is not None and self.before_first <= day <= self.before_last else None

    def day_of(self, moment: datetime) -> date:
        """The calendar day of that moment in this time zone."""
        return moment.astimezone(self.zone).date()

    def spans(self) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
        """The requested span and the compared one, each from the first midnight to the one after the last."""
        return self._span(self.first, self.last), self._span(self.before_first, self.before_last)

    def _span(self, first: date, last: date) -> tuple[datetime, datetime]:
        return datetime.combine(first, time.min, self.zone), datetime.combine(
            last + _DAY, time.min, self.zone
        )


class ReportingPeriod(Protocol):
    """The days a summary covers, before the time zone is known."""

    @property
    def is_one_day(self) -> bool:
        """Whether it covers a single day."""

    def days(self, today: date, zone: ZoneInfo) -> Days:
        """The days in that time zone, where today is `today`."""


@dataclass(frozen=True)
class OneDay:
    """One day, or today; compared with the same weekday a week before. Raises InvalidArguments."""

    day: date | None = None
    is_one_day: bool = True

    def __post_init__(self) -> None:
        _check("date", self.day)

    def days(self, today: date, zone: ZoneInfo) -> Days:
        """The day there."""
        day = self.day or today
        return Days(day, day, day - _WEEK, day - _WEEK, today, zone)


@dataclass(frozen=True)
class DateRange:
    """Consecutive days or a preset; compared with as many days before. Raises InvalidArguments."""

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
