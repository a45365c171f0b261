"""Days and sums of a summary: the calendar of a time zone, and one sum a currency."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.connectors.money import as_text, from_minor
from app.connectors.summary import FigureTotals
from app.connectors.summary_days import DateRange, OneDay
from app.connectors.xero.zones import iana_name

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 10, 25), "Europe/Berlin", 25),
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 3, 28), "Europe/Berlin", 24),
        (date(2026, 11, 1), "America/New_York", 25),
        (date(2026, 4, 5), "Australia/Sydney", 25),
        (date(2018, 11, 4), "America/Sao_Paulo", 23),  # its midnight does not exist
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day, zone, hours):
    (start, end), _ = OneDay(day).days(day, ZoneInfo(zone)).spans()
    assert (end.astimezone(UTC) - start.astimezone(UTC)) == timedelta(hours=hours)


def test_what_happened_around_the_change_of_clocks_belongs_to_its_own_day():
    days = OneDay(date(2026, 10, 25)).days(date(2026, 10, 26), BERLIN)
    for moment, day in (
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), 24),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), 25),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), 25),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), 26),
    ):
        assert days.day_of(moment).day == day


@pytest.mark.parametrize(
    ("preset", "first", "last", "before"),
    [
        ("7d", date(2026, 2, 23), date(2026, 3, 1), date(2026, 2, 16)),
        ("30d", date(2026, 1, 31), date(2026, 3, 1), date(2026, 1, 1)),
        ("this_month", date(2026, 3, 1), date(2026, 3, 1), date(2026, 2, 28)),
        ("last_month", date(2026, 2, 1), date(2026, 2, 28), date(2026, 1, 4)),
    ],
)
def test_a_preset_is_compared_with_as_many_days_before(preset, first, last, before):
    days = DateRange(preset=preset).days(date(2026, 3, 1), BERLIN)
    assert (days.first, days.last, days.before_first) == (first, last, before)
    assert days.before_last == days.first - timedelta(days=1)
    assert days.last - days.first == days.before_last - days.before_first


def test_totals_keep_currencies_and_days_apart():
    days = OneDay(date(2026, 5, 8)).days(date(2026, 5, 8), BERLIN)
    totals = FigureTotals(days, "EUR")
    issued = (
        ("EUR", "10.10", 8),
        ("EUR", "5", 1),
        ("USD", "7.5", 8),
        ("USD", "99", 4),
        (None, "1", 8),
    )
    totals.add_all(
        "invoices_issued", ((currency, Decimal(n), date(2026, 5, day)) for currency, n, day in issued)
    )
    totals.add_all("overdue", [("USD", Decimal("3"), None)])
    found = {
        part.currency: {f.name: (f.amount, f.count, f.amount_before) for f in part.figures}
        for part in totals.parts()
    }
    assert list(found) == ["EUR", "USD", None]
    assert found["EUR"] == {"invoices_issued": ("10.10", 1, "5.00"), "overdue": ("0.00", 0, None)}
    assert found["USD"] == {"invoices_issued": ("7.50", 1, "0.00"), "overdue": ("3.00", 1, None)}


def test_a_business_without_anything_has_one_part_of_zeros():
    days = OneDay(date(2026, 5, 8)).days(date(2026, 5, 8), BERLIN)
    for home in ("EUR", None):
        totals = FigureTotals(days, home)
        totals.add_all("payments_received", [])
        assert [(part.currency, part.figures[0].amount) for part in totals.parts()] == [(home, "0.00")]


def test_amounts_have_the_decimals_of_their_currency():
    assert (from_minor(1999, "EUR"), from_minor(1999, "JPY"), from_minor(1999, "kwd")) == (
        Decimal("19.99"),
        1999,
        Decimal("1.999"),
    )
    assert as_text(Decimal("1150.0"), "AUD") == "1150.00" and as_text(Decimal(500), "JPY") == "500"
    assert as_text(Decimal("0.12345"), "EUR") == "0.12345" and as_text(Decimal(0), None) == "0.00"


def test_xeros_names_of_time_zones_are_understood():
    assert iana_name("AUSEASTERNSTANDARDTIME") == "Australia/Sydney"
    assert iana_name("W. Europe Standard Time") == "Europe/Berlin"
    assert iana_name("MOONSTANDARDTIME") is None and iana_name(None) is None
