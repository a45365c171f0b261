"""Every call is added up once: by many processes, again, interrupted, arriving late."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import delete, func, select

from app import clock, database
from app.errors import Unavailable
from app.usage import ledger, retention, rollup, scheduler
from app.usage.models import CallRow, LimitCounter, UsageMark, UsageTally
from tests.conftest import both_databases
from tests.usage.conftest import a_call, some_calls

pytestmark = pytest.mark.usefixtures("noon", "patient_database")


def tallied():
    """Every tally as plain values, without the effect of adding floats in another order."""
    with database.reading() as db:
        rows = db.execute(select(*UsageTally.__table__.columns)).all()
    return {
        repr([round(value, 2) if isinstance(value, float) else value for value in row[:-1]]) + _shape(row[-1])
        for row in rows
    }


def _shape(histogram):
    return repr([(bucket, calls, round(total, 1)) for bucket, calls, total, _ in histogram])


def added_up():
    with database.reading() as db:
        return db.execute(select(func.sum(UsageTally.calls))).scalar_one() or 0


def rows_left():
    with database.reading() as db:
        return db.execute(select(func.count()).select_from(CallRow)).scalar_one()


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(rollup, "_BATCH", {"sqlite": 7, "postgresql": 7})


@both_databases
def test_running_again_changes_nothing(people, write):
    write(some_calls(3, 200))
    assert rollup.run() == 200
    before = tallied()
    assert rollup.run() == 0
    assert tallied() == before


@both_databases
def test_batches_give_the_same_as_one(people, write, small_batches):
    write(some_calls(4, 100))
    seen = []
    rollup.run(lambda done, total: seen.append((done, total)))
    assert (seen[0], seen[-1]) == ((7, 100), (100, 100))
    piecewise = tallied()
    with database.transaction() as db:
        db.execute(delete(UsageTally))
        db.execute(delete(UsageMark))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollup, "_BATCH", {"sqlite": 1_000, "postgresql": 1_000})
        rollup.run()
    assert tallied() == piecewise


@both_databases
def test_many_at_once_count_each_call_once(people, write, small_batches):
    write(some_calls(5, 150))
    gate = threading.Barrier(6)

    def run(_):
        gate.wait()
        return rollup.run()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    rollup.run()  # when all but one stepped back at once, the rest is done here
    assert added_up() == 150


@both_databases
def test_calls_made_meanwhile_are_counted_once_too(people, small_batches):
    def write_some(_):
        for _ in range(20):
            ledger.record(a_call())

    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(write_some, n) for n in range(4)]
        while not all(writer.done() for writer in writers):
            rollup.run()
    rollup.run()
    assert added_up() == rows_left() == 80


@pytest.mark.parametrize("database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)])
def test_a_row_that_becomes_visible_after_a_later_one_is_not_missed(people, write, monkeypatch):
    monkeypatch.setattr(rollup, "_PATIENCE_SECONDS", 0.2)
    with database.transaction() as slow:
        slow.add(a_call())
        slow.flush()  # has its id, and no other transaction sees it yet
        (later,) = write([a_call()])
        assert rollup.run() == 0, "an id was called settled while a smaller one was still to come"
    with database.reading() as db:
        assert db.execute(select(func.min(CallRow.id))).scalar_one() < later.id
    assert rollup.run() == 2
    assert added_up() == 2


@both_databases
def test_a_call_written_down_hours_late_counts_for_its_own_day(people, write):
    write([a_call()])
    rollup.run()
    at = clock.now() - timedelta(days=2)
    write([a_call(at=at)])
    rollup.run()
    with database.reading() as db:
        days = dict(db.execute(select(UsageTally.day, UsageTally.calls)).all())
    assert days == {clock.now().date(): 1, at.date(): 1}


@both_databases
def test_what_fails_half_way_is_done_the_next_time(people, write, small_batches, monkeypatch):
    write(some_calls(6, 30))
    real, calls = rollup._take_batch, []

    def break_the_third(db, goal):
        upto = real(db, goal)
        calls.append(upto)
        if len(calls) == 3:
            raise Unavailable()
        return upto

    monkeypatch.setattr(rollup, "_take_batch", break_the_third)
    with pytest.raises(Unavailable):
        rollup.run()
    assert added_up() == 14
    rollup.run()
    assert added_up() == 30


@both_databases
def test_old_rows_go_once_they_are_added_up_and_the_sums_stay(people, write, monkeypatch):
    monkeypatch.setattr(retention, "_AT_ONCE", 7)
    old = [a_call(at=clock.now() - timedelta(days=91)) for _ in range(30)]
    write([*old, *(a_call() for _ in range(5))])
    assert retention.sweep(90) == 0, "rows that are in no tally yet were deleted"
    scheduler.add_up()
    assert retention.sweep(90) == 30
    assert (rows_left(), added_up()) == (5, 35)
    assert retention.sweep(90) == 0


@both_databases
def test_an_id_is_never_given_twice_so_that_new_calls_count(people, write):
    write([a_call(at=clock.now() - timedelta(days=91)) for _ in range(3)])
    scheduler.add_up()
    retention.sweep(90)
    assert rows_left() == 0
    write([a_call()])
    scheduler.add_up()
    assert added_up() == 4


@both_databases
def test_tallies_go_after_two_years(people, write):
    write([a_call(at=clock.now() - timedelta(days=days)) for days in (0, 400, 759, 761, 900)])
    scheduler.add_up()
    retention.sweep(90)
    with database.reading() as db:
        days_left = set(db.execute(select(UsageTally.day)).scalars())
    assert days_left == {(clock.now() - timedelta(days=days)).date() for days in (0, 400, 759)}


@both_databases
def test_usage_of_a_deleted_workspace_goes(people, write):
    write([a_call(), *(a_call(workspace_id="wsp_gone") for _ in range(4))])
    with database.transaction() as db:
        db.add(LimitCounter(workspace_id="wsp_gone", window="day", window_start=0, count=4))
    scheduler.add_up()
    assert retention.sweep(90) == 4
    assert (rows_left(), added_up()) == (1, 1)


def test_the_sweep_is_done_by_one_process_an_hour(people, write, monkeypatch):
    write([a_call()])
    scheduler.add_up()
    swept = []
    monkeypatch.setattr(retention, "sweep", lambda keep_days: swept.append(keep_days))
    retention.sweep_if_due(30)
    retention.sweep_if_due(30)
    clock.shift(timedelta(hours=1, seconds=1))
    retention.sweep_if_due(30)
    assert swept == [30, 30]


@both_databases
def test_the_command_adds_up_and_says_so(app, people, write):
    write([a_call(), a_call(at=clock.now() - timedelta(days=100))])
    ran = app.test_cli_runner().invoke(args=["usage", "rollup"])
    assert ran.exit_code == 0
    assert "2 calls added up, 1 rows older than 90 days deleted." in ran.output
    assert "[2/2] added up" in ran.output
    assert "0 calls added up, 0 rows" in app.test_cli_runner().invoke(args=["usage", "rollup"]).output
