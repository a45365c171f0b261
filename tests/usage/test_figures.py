"""The figures equal counting every row by hand: rolled up, half rolled up, and not at all."""

import operator
import statistics
from collections import Counter, defaultdict
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.usage import calls_log, figures, filters, outcomes, periods, rollup
from app.usage.buckets import BOUNDS, bucket_of
from app.usage.figures import TimedCount
from app.usage.filters import FAILED, NONE
from app.usage.models import UsageTally
from tests.conftest import both_databases
from tests.usage.conftest import a_call, some_calls

pytestmark = pytest.mark.usefixtures("noon")

QUESTIONS = [
    {},
    {"period": "28d"},
    {"period": "7d", "tool": "xero_list_invoices"},
    {"period": "90d", "connector": "gmail"},
    {"period": "90d", "connector": NONE},
    {"period": "90d", "member": "usr_bob", "client": "Cursor"},
    {"period": "90d", "client": NONE},
    {"period": "90d", "outcome": FAILED},
    {"period": "90d", "outcome": "TIMEOUT", "member": "usr_alice"},
    {"period": "last-month"},
    {"period": "today"},
    {"period": "12m", "tool": "no_such_tool"},
]


def naively(calls, usage_filter):
    """The matching rows, found by going through all of them."""

    def fits(call):
        return (
            call.workspace_id == usage_filter.workspace_id
            and usage_filter.user_id in {None, call.user_id}
            and usage_filter.period.first <= call.at.date() <= usage_filter.period.last
            and usage_filter.tool in {"", call.tool}
            and usage_filter.connector in {"", call.slug or NONE}
            and usage_filter.member in {"", call.user_id}
            and usage_filter.client in {"", call.client_name or NONE}
            and (
                usage_filter.outcome in {"", call.outcome}
                or (usage_filter.outcome == FAILED and not outcomes.is_fine(call.outcome))
            )
        )

    return [call for call in calls if fits(call)]


def times_of(calls):
    """The times of calls by tool."""
    times = defaultdict(list)
    for call in calls:
        times[call.tool].append(call.total_ms)
    return times


def check_times(found, calls):
    """Median and 95th percentile of each tool are within a bucket of the exact ones."""
    times = times_of(calls)
    assert {each.tool for each in found} == set(times)
    for each in found:
        exact = sorted(times[each.tool])
        timed = TimedCount(histogram=each.histogram)
        assert timed.median.total_ms == pytest.approx(statistics.median_low(exact), rel=0.091)
        assert timed.p95.total_ms == pytest.approx(exact[-(-95 * len(exact) // 100) - 1], rel=0.091)


def compare(calls, usage_filter):
    mine = naively(calls, usage_filter)
    with database.current().snapshot() as db:
        reader = figures.CallFigures(db)
        groups, days = reader.groups(usage_filter), reader.by_day(usage_filter)
        widened, times = reader.groups(usage_filter.widened), reader.times(usage_filter)
        latest = calls_log.latest(db, usage_filter, 50)
    for name in ("tool", "slug", "user_id", "client_name", "outcome"):
        counted = figures.add_up(groups, operator.attrgetter(name))
        assert {key: count.calls for key, count in counted.items()} == Counter(
            getattr(call, name) for call in mine
        )
        failed = Counter(getattr(call, name) for call in mine if not outcomes.is_fine(call.outcome))
        assert {key: count.failed for key, count in counted.items() if count.failed} == failed
    chosen = [
        each
        for each in widened
        if usage_filter.selects(each.tool, each.slug, each.user_id, each.client_name, each.outcome)
    ]
    assert sorted(chosen, key=repr) == sorted(groups, key=repr)
    assert days == Counter((call.at.date(), call.outcome) for call in mine)
    check_times([each for each in times if each.inside], mine)
    before = naively(calls, usage_filter.over(usage_filter.period.before))
    check_times([each for each in times if not each.inside], before)
    newest = sorted((call.id for call in mine), reverse=True)
    assert [call.id for call in latest.calls] == newest[:50]
    assert [call.id for lot in calls_log.all_calls(usage_filter) for call in lot] == newest


@both_databases
@pytest.mark.parametrize("seed", [1, 2])
def test_every_figure_is_what_the_rows_add_up_to(people, write, seed, monkeypatch):
    monkeypatch.setattr(calls_log, "_STRETCH", 37)  # so that a few hundred calls take many stretches
    calls = write(
        [
            *some_calls(seed, 300),
            *some_calls(seed + 100, 80, workspace_id="wsp_contoso", user_id="usr_charlie"),
        ]
    )
    usage_filters = [filters.read("wsp_northwind", None, each) for each in QUESTIONS]
    usage_filters.append(filters.read("wsp_northwind", "usr_bob", {"period": "90d"}))
    usage_filters.append(filters.read("wsp_northwind", "usr_bob", {"period": "90d", "member": "usr_alice"}))
    for usage_filter in usage_filters:
        compare(calls, usage_filter)  # from rows alone
    assert rollup.run() == 380
    calls += write(some_calls(seed + 200, 60))
    for usage_filter in usage_filters:
        compare(calls, usage_filter)  # from both
    rollup.run()
    for usage_filter in usage_filters:
        compare(calls, usage_filter)  # from tallies alone


@both_databases
def test_the_day_of_a_call_is_the_one_of_utc(people, write):
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=23, minutes=59)]
    calls = write([a_call(at=at) for at in moments])
    usage_filter = filters.read("wsp_northwind", None, {"period": "7d"})
    for _ in range(2):
        compare(calls, usage_filter)
        rollup.run()


@both_databases
def test_times_at_the_edges_of_buckets_are_put_where_python_puts_them(people, write):
    times = [0.0, 1e9, *BOUNDS[::7], *(bound - 0.0001 for bound in BOUNDS[::11])]
    write([a_call(total_ms=each, upstream_ms=0.0) for each in times])
    rollup.run()
    with database.reading() as db:
        (histogram,) = db.execute(select(UsageTally.histogram)).scalars()
    assert {bucket: calls for bucket, calls, _, _ in histogram} == Counter(bucket_of(each) for each in times)


def test_the_hubs_own_share_is_that_of_the_middle_call(people, write):
    write([a_call(total_ms=total, upstream_ms=total - own) for total, own in ((100, 1), (200, 3), (900, 40))])
    with database.current().snapshot() as db:
        (only,) = figures.CallFigures(db).times(filters.read("wsp_northwind", None, {"period": "7d"}))
    median = only.histogram.quantile(0.5)
    assert (median.total_ms, median.own_ms) == (200, 3)


def test_looking_for_something_rare_ends(people, write, monkeypatch):
    monkeypatch.setattr(calls_log, "_STRETCH", 10)
    monkeypatch.setattr(calls_log, "_MOST_LOOKED_AT", 50)
    write([a_call(outcome="TIMEOUT"), *(a_call() for _ in range(100)), a_call(outcome="TIMEOUT")])
    with database.current().snapshot() as db:
        latest = calls_log.latest(db, filters.read("wsp_northwind", None, {"outcome": "TIMEOUT"}), 50)
    assert (len(latest.calls), latest.whole) == (1, False)


@both_databases
def test_usage_of_all_workspaces_is_what_every_row_adds_up_to(people, write):
    calls = write(
        [*some_calls(21, 150), *some_calls(22, 90, workspace_id="wsp_contoso", user_id="usr_charlie")]
    )
    rollup.run()
    calls += write(some_calls(23, 40))
    first, last = (clock.now() - timedelta(days=33)).date(), clock.now().date()
    mine = [call for call in calls if first <= call.at.date() <= last]
    for workspace_id in ("", "wsp_contoso"):
        with database.current().snapshot() as db:
            lines = figures.of_all_workspaces_unsafe(db, first, last, workspace_id)
        by_key = Counter(
            (f"{call.at:%Y-%m}", call.workspace_id, call.tool, call.outcome)
            for call in mine
            if workspace_id in {"", call.workspace_id}
        )
        assert {
            (each.month, each.workspace_id, each.tool, each.outcome): each.calls for each in lines
        } == by_key
        assert sum(each.total_ms for each in lines) == pytest.approx(
            sum(call.total_ms for call in mine if workspace_id in {"", call.workspace_id})
        )


@pytest.mark.parametrize(
    ("today", "name", "days", "dates"),
    [
        ("2026-11-15", "month", 15, "1–15 Oct"),
        ("2026-03-31", "month", 28, "1–28 Feb"),
        ("2026-11-15", "last-month", 30, "1–30 Sep"),
        ("2026-11-15", "today", 1, "14 Nov"),
        ("2026-11-15", "7d", 7, "2–8 Nov"),
        ("2026-11-15", "28d", 28, "21 Sep – 18 Oct"),
        ("2026-11-15", "12m", 365, "16 Nov 2024 – 15 Nov 2025"),
    ],
)
def test_a_period_is_compared_with_the_one_before(today, name, days, dates):
    at = datetime.fromisoformat(f"{today}T12:00:00+00:00")
    clock.shift(at - clock.now())
    before = periods.find(name).before
    assert ((before.last - before.first).days + 1, before.dates) == (days, dates)
