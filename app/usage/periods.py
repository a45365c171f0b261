"""The periods of the usage page. Days and months are in UTC, like the daily limit."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app import clock
from app.errors import InvalidInput

CHART_DAYS = 28

# As the form offers them: the value in the address, the words in the menu.
CHOICES = (
    ("month", "This month"),
    ("today", "Today"),
    ("7d", "Last 7 days"),
    ("28d", "Last 28 days"),
    ("90d", "Last 90 days"),
    ("last-month", "Last month"),
    ("12m", "Last 12 months"),
)
DEFAULT = "month"
_WORDS = {
    "month": "this month",
    "today": "today",
    "7d": "in the last 7 days",
    "28d": "in the last 28 days",
    "90d": "in the last 90 days",
    "last-month": "last month",
    "12m": "in the last 12 months",
}
_DAYS = {"today": 1, "7d": 7, "28d": 28, "90d": 90, "12m": 365}


@dataclass(frozen=True)
class UsagePeriod:
    """From the first day to the last, both included."""

    name: str
    first: date
    last: date

    @property
    def words(self) -> str:
        """The end of a sentence: "this month"."""
        return _WORDS[self.name]

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    @property
    def before(self) -> "UsagePeriod":
        """The period it is compared with: as many days before it, for a month those of the month before."""
        last = self.first - timedelta(days=1)
        if self.name == "month":
            return UsagePeriod("before", last.replace(day=1), last.replace(day=min(self.last.day, last.day)))
        if self.name == "last-month":
            return UsagePeriod("before", last.replace(day=1), last)
        return UsagePeriod("before", self.first - (self.last - last), last)

    @property
    def dates(self) -> str:
        """Its days in short: "18 Nov", "1–18 Nov", "28 Oct – 3 Nov"."""
        if self.first == self.last:
            return f"{self.last.day} {self.last:%b}"
        if (self.first.year, self.first.month) == (self.last.year, self.last.month):
            return f"{self.first.day}–{self.last.day} {self.last:%b}"
        year = f" {self.first.year}" if self.first.year != self.last.year else ""
        until = f" {self.last.year}" if year else ""
        return f"{self.first.day} {self.first:%b}{year} – {self.last.day} {self.last:%b}{until}"

    @property
    def charted(self) -> "UsagePeriod":
        """The days of its chart: a short period is drawn with the days before it."""
        return UsagePeriod(self.name, min(self.first, self.last - timedelta(days=CHART_DAYS - 1)), self.last)


def find(name: str) -> UsagePeriod:
    """The period of that name, as of today. Raises InvalidInput."""
    today = clock.now().date()
    if name in _DAYS:
        return UsagePeriod(name, today - timedelta(days=_DAYS[name] - 1), today)
    if name == "month":
        return UsagePeriod(name, today.replace(day=1), today)
    if name == "last-month":
        last = today.replace(day=1) - timedelta(days=1)
        return UsagePeriod(name, last.replace(day=1), last)
    raise InvalidInput("There is no such period. Choose one from the menu on the usage page.")
