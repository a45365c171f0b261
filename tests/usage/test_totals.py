"""Totals agree with tallies: on the page, for operators, and after days or workspaces were deleted."""

import importlib.util
from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, text

from app import clock, database
from app.admin import queries
from app.admin.usage_figures import UsageOfMonths
from app.usage import filters, period_figures, periods, retention, rollup, scheduler, totals
from app.usage.models import UsageMark, UsageRank, UsageTime, UsageTotal
from app.usage.total_figures import spans_of
from app.workspaces.models import Workspace
from tests.conftest import both_databases
from tests.support.databases import ROOT
from tests.usage.conftest import a_call, some_calls

TABLES = {
    UsageTotal: ("calls",),
    UsageTime: ("calls", "total_ms", "upstream_ms"),
    UsageRank: ("calls", "failed"),
}


@pytest.fixture
def year(people, write):
    """Calls of two workspaces over two years."""
    calls = some_calls(1, 400, days=720)
    calls += some_calls(2, 150, days=720, workspace_id="wsp_contoso", user_id="usr_charlie")
    return write([*calls, *some_calls(3, 60, days=3)])


def counts_of(figures):
    """The counts that a page displays of figures."""
    counts = figures.chosen
    by_facet = (counts.tools, counts.services, counts.clients, counts.members, counts.outcomes)
    days = {day: (each.calls, each.failed) for day, each in figures.days.items() if each.calls}
    return [{key: (each.calls, each.failed) for key, each in facet.items()} for facet in by_facet], days


def times_of(figures):
    """The histograms of figures, bucket by bucket."""
    histograms = {(each.tool, each.slug): each.histogram for each in figures.times}
    return {
        (*key, bucket): sums
        for key, histogram in {**histograms, ("before", ""): figures.before}.items()
        for bucket, *sums in histogram.stored()
    }


def compare_pages():
    for name, _ in periods.CHOICES:
        chosen = filters.read("wsp_northwind", None, {"period": name})
        with database.current().snapshot() as db:
            found, expected = period_figures._of_totals(db, chosen), period_figures._of_tallies(db, chosen)
        assert counts_of(found) == counts_of(expected), name
        check_same(times_of(found), times_of(expected))


def compare_for_operators():
    month = totals.this_month()
    for first in (month, totals.months_before(month, 2), totals.months_before(month, 11)):
        last = (first if first != totals.months_before(month, 11) else month).replace(day=28)
        last = (last + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        for workspace_id in ("", "wsp_northwind"):
            with database.current().snapshot() as db:
                compare_months(db, workspace_id, first, last)


def compare_months(db, workspace_id, first, last):
    figures = UsageOfMonths(db, workspace_id, first, last)
    found = {
        "month": figures.by_month(),
        "day": figures.by_day(),
        "slug": figures.by_service(),
        "user_id": figures.most("member", 20),
        "workspace_id": figures.most("workspace", 20),
    }
    for column, counts in found.items():
        expected = Counter()
        for (key, _), calls in queries.usage_by_unsafe(
            db, (column, "outcome"), first, last, workspace_id
        ).items():
            expected[key] += calls
        assert {key: each.calls for key, each in counts.items()} == expected, column
    by_tool = queries.usage_by_unsafe(db, ("tool", "outcome"), first, last, workspace_id)
    assert figures.by_tool() == by_tool


def stored():
    """The rows by their keys, and their sums."""
    with database.reading() as db:
        return {
            (table.__tablename__, *row[:keys]): row[keys:]
            for table, sums in TABLES.items()
            for keys in [len(table.__table__.primary_key)]
            for row in db.execute(
                select(*table.__table__.primary_key, *(getattr(table, each) for each in sums))
            )
        }


def made_anew():
    """The same, made by the migration of what the tallies hold."""
    (path,) = (ROOT / "migrations" / "versions").glob("*_totals.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    with database.transaction() as db:
        for table in TABLES:
            db.execute(delete(table))
        db.execute(delete(UsageMark).where(UsageMark.name == totals.MARK))
        migration.fill(db.get_bind().dialect.name, lambda statement: db.execute(text(statement)))
    totals.run()  # which makes the rows of twelve months
    return stored()


def check_same(found, expected):
    assert found.keys() == expected.keys()
    for key, sums in found.items():
        assert list(sums) == pytest.approx(list(expected[key]), abs=0.05), key


@both_databases
def test_pages_read_the_same_from_totals_as_from_tallies(noon, year, write, monkeypatch):
    monkeypatch.setattr(totals, "_BATCH", {"sqlite": 97, "postgresql": 97})
    compare_pages()
    rollup.run()
    compare_pages()  # nothing is in the totals yet
    totals.run()
    compare_pages()
    write(some_calls(5, 40, days=50))
    compare_pages()
    scheduler.add_up()
    compare_pages()


@both_databases
def test_operators_read_the_same_from_totals_as_from_tallies(early, year, write):
    compare_for_operators()
    scheduler.add_up()
    compare_for_operators()
    write(some_calls(5, 40, days=50))
    compare_for_operators()


@both_databases
def test_twelve_months_end_with_the_present_one(early, year):
    scheduler.add_up()
    clock.shift(timedelta(days=31))
    compare_for_operators()  # the rows of these twelve months are not made yet
    scheduler.add_up()
    compare_for_operators()
    with database.reading() as db:
        ends = select(UsageRank.last_month).where(UsageRank.months == totals.YEAR).distinct()
        assert list(db.execute(ends).scalars()) == [totals.this_month()]


@both_databases
def test_a_deleted_workspace_leaves_the_totals_of_all(year, people):
    scheduler.add_up()
    with database.transaction() as db:
        db.execute(delete(Workspace).where(Workspace.id == "wsp_contoso"))
    retention.sweep(365 * 3)
    left = stored()
    assert left and not any("wsp_contoso" in key for key in left)
    check_same(left, made_anew())


@both_databases
def test_days_past_their_time_leave_the_totals(people, write, monkeypatch):
    write([*some_calls(7, 60, days=40), *some_calls(8, 30, days=1)])
    scheduler.add_up()
    monkeypatch.setattr(retention, "TALLY_RETENTION_DAYS", 20)
    retention.sweep(20)
    with database.reading() as db:
        days = set(db.execute(select(UsageTotal.start).where(UsageTotal.unit == "d")).scalars())
    assert min(days) >= (clock.now() - timedelta(days=20)).date()
    check_same(stored(), made_anew())


@both_databases
def test_the_migration_makes_what_the_roll_up_makes(year):
    scheduler.add_up()
    check_same(stored(), made_anew())
    with database.reading() as db:
        assert totals.mark_in(db) == rollup.mark_in(db) > 0


def test_rows_stay_until_they_are_in_the_totals(people, write):
    write([a_call(at=clock.now() - timedelta(days=91))])
    rollup.run()
    assert retention.sweep(90) == 0
    totals.run()
    assert retention.sweep(90) == 1


@pytest.mark.parametrize(
    "first, last, today, spans",
    [
        ("2026-11-01", "2026-11-15", "2026-11-15", ["m 2026-11-01 2026-11-01"]),
        ("2026-11-01", "2026-11-15", "2026-11-16", ["d 2026-11-01 2026-11-15"]),
        ("2026-11-03", "2026-11-15", "2026-11-15", ["d 2026-11-03 2026-11-15"]),
        ("2026-10-01", "2026-10-31", "2026-11-15", ["m 2026-10-01 2026-10-01"]),
        (
            "2025-11-16",
            "2026-11-15",
            "2026-11-15",
            ["m 2025-12-01 2026-11-01", "d 2025-11-16 2025-11-30"],
        ),
        (
            "2025-10-30",
            "2026-01-02",
            "2026-11-15",
            ["m 2025-11-01 2025-12-01", "d 2025-10-30 2025-10-31", "d 2026-01-01 2026-01-02"],
        ),
    ],
)
def test_a_period_is_whole_months_and_days(first, last, today, spans):
    found = spans_of(*(date.fromisoformat(each) for each in (first, last, today)))
    assert [f"{unit} {begin} {end}" for unit, begin, end in found] == spans
