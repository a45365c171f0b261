"""Days and sums of a summary: the calendar of a time zone, and one sum a currency."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.connectors.money import as_text, from_minor
from app.connectors.summary import FigureTotals
from app.connectors.summary_days import DateRange, OneDay
from app.connectors.xero.zones import iana_name

BERLIN = ZoneInfo("Europe/Berlin")
MARCH_1 = date(2026, 3, 1)


def noon(day, zone=BERLIN):
    return datetime.combine(day, time(12), zone)


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
    (start, end), _ = OneDay(day).days(noon(day, ZoneInfo(zone)), ZoneInfo(zone)).spans()
    assert (end.astimezone(UTC) - start.astimezone(UTC)) == timedelta(hours=hours)


def test_what_happened_around_the_change_of_clocks_belongs_to_its_own_day():
    days = OneDay(date(2026, 10, 25)).days(noon(date(2026, 10, 26)), BERLIN)
    for moment, day in (
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), 24),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), 25),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), 25),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), 26),
    ):
        assert days.day_of(moment).day == day


@pytest.mark.parametrize(
    ("preset", "today", "first", "last", "before_first", "before_last"),
    [
        ("7d", MARCH_1, (2, 23), (3, 1), (2, 16), (2, 22)),
        ("30d", MARCH_1, (1, 31), (3, 1), (1, 1), (1, 30)),
        ("this_month", MARCH_1, (3, 1), (3, 1), (2, 1), (2, 1)),
        ("this_month", date(2026, 3, 17), (3, 1), (3, 17), (2, 1), (2, 17)),
        ("this_month", date(2026, 3, 31), (3, 1), (3, 31), (2, 1), (2, 28)),
        ("last_month", MARCH_1, (2, 1), (2, 28), (1, 1), (1, 31)),
        ("last_month", date(2026, 4, 30), (3, 1), (3, 31), (2, 1), (2, 28)),
    ],
)
def test_a_preset_is_compared_with_days_of_its_kind(preset, today, first, last, before_first, before_last):
    days = DateRange(preset=preset).days(noon(today), BERLIN)
    bounds = (days.first, days.last, days.before_first, days.before_last)
    assert bounds == tuple(date(2026, *day) for day in (first, last, before_first, before_last))


@pytest.mark.parametrize(
    ("first", "last", "before_first", "before_last"),
    [
        (date(2026, 2, 1), date(2026, 2, 28), date(2026, 1, 1), date(2026, 1, 31)),
        (date(2026, 1, 1), date(2026, 3, 31), date(2025, 10, 1), date(2025, 12, 31)),
        (date(2025, 1, 1), date(2025, 12, 31), date(2024, 1, 1), date(2024, 12, 31)),
        (date(2026, 2, 1), date(2026, 2, 27), date(2026, 1, 5), date(2026, 1, 31)),
        (date(2026, 2, 2), date(2026, 3, 1), date(2026, 1, 5), date(2026, 2, 1)),
        (date(2026, 5, 1), date(2026, 5, 20), date(2026, 4, 1), date(2026, 4, 20)),  # a month so far
    ],
)
def test_whole_months_are_compared_with_months_and_other_days_with_as_many(
    first, last, before_first, before_last, monkeypatch
):
    monkeypatch.setattr("app.connectors.summary_days.clock.now", lambda: noon(date(2026, 5, 20)))
    days = DateRange(first, last).days(noon(date(2026, 5, 20)), BERLIN)
    assert (days.before_first, days.before_last) == (before_first, before_last)


def test_a_year_before_is_found_across_the_turn_of_the_year():
    days = DateRange(preset="last_month").days(noon(date(2026, 1, 15)), BERLIN)
    assert (days.first, days.before_first, days.before_last) == (
        date(2025, 12, 1),
        date(2025, 11, 1),
        date(2025, 11, 30),
    )


def totals_of(days, *, timed, entries):
    totals = FigureTotals(days, "EUR", timed=timed)
    totals.add_all("payments_received", (("EUR", Decimal(amount), when) for amount, when in entries))
    (part,) = totals.parts()
    return part.model_dump(mode="json"), part.model_dump(mode="json")["figures"][0]


def at(day, hour, minute=0):
    return datetime(2026, 5, day, hour, minute, tzinfo=BERLIN)


def test_an_unfinished_day_is_compared_with_the_same_hours():
    days = OneDay().days(at(8, 12, 30), BERLIN)
    entries = [(60, at(8, 9)), (100, at(1, 9)), (20, at(1, 12, 29)), (999, at(1, 12, 30)), (999, at(1, 23))]
    part, figure = totals_of(days, timed=True, entries=entries)
    assert figure == {
        "name": "payments_received",
        "amount": "60.00",
        "count": 1,
        "amount_before": "120.00",
        "count_before": 2,
        "change_percent": -50.0,
    }
    assert (part["compared_first_day"], part["compared_last_day"]) == ("2026-05-01", "2026-05-01")
    assert part["comparison"] == "Until 12:30 on the last day of both, as today is not over."


def test_an_unfinished_day_of_records_without_a_time_is_not_compared():
    days = OneDay().days(at(8, 12, 30), BERLIN)
    entries = [(60, date(2026, 5, 8)), (100, date(2026, 5, 1))]
    part, figure = totals_of(days, timed=False, entries=entries)
    assert figure == {"name": "payments_received", "amount": "60.00", "count": 1}
    assert "compared_last_day" not in part and part["comparison"].startswith(
        "Not compared: today is not over"
    )


def test_an_unfinished_period_of_records_without_a_time_is_compared_without_today():
    days = DateRange(preset="7d").days(at(8, 12, 30), BERLIN)
    entries = [
        (5, date(2026, 5, 8)),
        (60, date(2026, 5, 7)),
        (30, date(2026, 4, 30)),
        (999, date(2026, 5, 1)),
    ]
    part, figure = totals_of(days, timed=False, entries=entries)
    # 2 to 7 May beside 25 to 30 April; the counterpart of today, 1 May, does not count
    assert (part["compared_first_day"], part["compared_last_day"]) == ("2026-04-25", "2026-04-30")
    assert (figure["amount"], figure["amount_compared"], figure["amount_before"]) == (
        "65.00",
        "60.00",
        "30.00",
    )
    assert part["comparison"].startswith("Without today")


def test_an_unfinished_period_of_records_with_a_time_is_compared_to_the_hour():
    days = DateRange(preset="this_month").days(at(8, 12, 30), BERLIN)
    april = datetime(2026, 4, 8, 12, 29, tzinfo=BERLIN)
    entries = [(40, at(8, 12)), (10, april), (999, april + timedelta(minutes=1))]
    _, figure = totals_of(days, timed=True, entries=entries)
    assert (figure["amount"], figure["amount_before"], figure["change_percent"]) == ("40.00", "10.00", 300.0)


@pytest.mark.parametrize("timed", [True, False])
def test_a_finished_day_is_compared_whole(timed):
    days = OneDay(date(2026, 5, 7)).days(at(8, 0, 1), BERLIN)
    entries = [(60, at(7, 23)), (30, at(30, 23) - timedelta(days=30))]
    entries = entries if timed else [(amount, when.date()) for amount, when in entries]
    part, figure = totals_of(days, timed=timed, entries=entries)
    assert (figure["amount_before"], figure["change_percent"]) == ("30.00", 100.0)
    assert part["is_over"] and "comparison" not in part


def test_a_month_that_is_longer_than_the_one_before_is_compared_with_all_of_it():
    days = DateRange(preset="this_month").days(datetime(2026, 3, 31, 12, tzinfo=BERLIN), BERLIN)
    assert days.before_end == datetime(2026, 3, 1, tzinfo=BERLIN)
    assert days.finished == (date(2026, 3, 30), date(2026, 2, 28))


def test_what_is_overdue_says_of_which_day_it_is():
    days = DateRange(preset="last_month").days(noon(date(2026, 5, 8)), BERLIN)
    totals = FigureTotals(days, "EUR")
    totals.add_all("overdue", [("EUR", Decimal(3), None)])
    (part,) = totals.parts()
    assert part.model_dump(mode="json")["figures"] == [
        {"name": "overdue", "amount": "3.00", "count": 1, "as_of": "2026-05-08"}
    ]


def test_totals_keep_currencies_and_days_apart():
    days = OneDay(date(2026, 5, 8)).days(noon(date(2026, 5, 9)), BERLIN)
    totals = FigureTotals(days, "EUR")
    issued = (("EUR", "10.10", 8), ("EUR", "5", 1), ("JPY", "7", 8), ("JPY", "99", 4), (None, "1", 8))
    totals.add_all(
        "invoices_issued", ((currency, Decimal(n), date(2026, 5, day)) for currency, n, day in issued)
    )
    totals.add_all("overdue", [("JPY", Decimal("3"), None)])
    parts = [part.model_dump(mode="json") for part in totals.parts()]
    found = {
        part["currency"]: {
            f["name"]: (f["amount"], f["count"], f.get("amount_before")) for f in part["figures"]
        }
        for part in parts
    }
    assert list(found) == ["EUR", "JPY", None]
    assert found["EUR"] == {"invoices_issued": ("10.10", 1, "5.00"), "overdue": ("0.00", 0, None)}
    assert found["JPY"] == {"invoices_issued": ("7", 1, "0"), "overdue": ("3", 1, None)}


def test_a_business_without_anything_has_one_part_of_zeros():
    days = OneDay(date(2026, 5, 8)).days(noon(date(2026, 5, 8)), BERLIN)
    for home in ("EUR", None):
        totals = FigureTotals(days, home)
        totals.add_all("payments_received", [])
        parts = [part.model_dump(mode="json") for part in totals.parts()]
        assert [(part["currency"], part["figures"][0]["amount"]) for part in parts] == [(home, "0.00")]


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
