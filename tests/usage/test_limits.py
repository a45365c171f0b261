"""Limits are exact, with and without Redis, however many calls arrive at once."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.errors import TooManyRequests
from app.usage import ledger
from app.usage.ledger import Ledger
from app.usage.models import Call, CallRow, LimitCounter
from app.usage.tiers import Limits, limits_of
from tests.conftest import both_databases
from tests.support import services

pytestmark = pytest.mark.usefixtures("patient_database")


def a_call(workspace_id="wsp_northwind", outcome="ok"):
    return Call(
        at=clock.now(),
        workspace_id=workspace_id,
        user_id="usr_alice",
        grant_id="grt_1",
        tool="hub_list_connections",
        outcome=outcome,
        total_ms=1.5,
    )


def ask_many(times, ask, threads=16):
    """How many of `times` concurrent calls were admitted."""
    gate = threading.Barrier(threads)
    let_in = []

    def worker(share):
        gate.wait()
        for _ in range(share):
            try:
                ask()
                let_in.append(1)
            except TooManyRequests:
                pass

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(worker, [times // threads] * threads))
    return len(let_in)


@both_databases
def test_exactly_the_limit_is_let_in_when_many_ask_at_once(app, early):
    assert ask_many(160, lambda: ledger.admit("wsp_northwind", Limits(60, 1_000))) == 60


@both_databases
def test_a_refused_call_does_not_use_up_the_day(app, early):
    ask_many(160, lambda: ledger.admit("wsp_northwind", Limits(60, 1_000)))
    with database.reading() as db:
        counts = {row.window: row.count for row in db.exec(select(LimitCounter))}
    assert counts == {"minute": 60, "day": 60}


def test_two_processes_share_the_count(app, early):
    other = Ledger()
    assert (
        ask_many(80, lambda: ledger.admit("w", Limits(50, None)))
        + ask_many(80, lambda: other.admit("w", Limits(50, None)))
        == 50
    )


def test_the_daily_cap_holds_when_the_minute_has_room(app, early):
    with pytest.raises(TooManyRequests, match="midnight UTC"):
        for _ in range(6):
            ledger.admit("w", Limits(60, 5))


def test_one_workspace_does_not_use_up_anothers(app, early):
    ask_many(160, lambda: ledger.admit("wsp_northwind", Limits(60, None)))
    ledger.admit("wsp_contoso", Limits(60, None))


def test_a_new_minute_lets_in_again_after_the_wait_it_named(app, early):
    for _ in range(2):
        ledger.admit("w", Limits(2, None))
    with pytest.raises(TooManyRequests) as refused:
        ledger.admit("w", Limits(2, None))
    clock.shift(timedelta(seconds=refused.value.retry_after_seconds))
    ledger.admit("w", Limits(2, None))


@both_databases
def test_every_call_of_many_threads_is_one_row(app):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: ledger.record(a_call()), range(200)))
    with database.reading() as db:
        assert len(db.exec(select(CallRow)).all()) == 200


def test_a_refused_call_is_written_down_as_refused(app, early):
    ledger.admit_and_record("w", Limits(1, None), a_call("w"))
    with pytest.raises(TooManyRequests):
        ledger.admit_and_record("w", Limits(1, None), a_call("w"))
    with database.reading() as db:
        assert [call.outcome for call in db.exec(select(CallRow).order_by(CallRow.id))] == [
            "ok",
            "RATE_LIMITED",
        ]


def test_an_operators_override_counts_beside_the_tier():
    assert limits_of("pro") == Limits(600, 50_000)
    assert limits_of("free", per_minute=5) == Limits(5, 1_000)
    assert limits_of("enterprise").per_day is None


@pytest.mark.needs_redis
class TestWithRedis:
    @pytest.fixture
    def with_redis(self, app):
        return Ledger(services.REDIS)

    def test_exactly_the_limit_is_let_in(self, with_redis, redis_workspace, early):
        assert ask_many(160, lambda: with_redis.admit(redis_workspace, Limits(60, 1_000))) == 60

    def test_the_daily_cap_holds(self, with_redis, redis_workspace, early):
        assert ask_many(160, lambda: with_redis.admit(redis_workspace, Limits(600, 7))) == 7


def test_it_counts_in_the_database_when_redis_is_away(app, early):
    away = Ledger("redis://127.0.0.1:1/0")
    assert ask_many(96, lambda: away.admit("w", Limits(60, None))) == 60


def test_limits_of_a_zero_override_let_nobody_in(app):
    with pytest.raises(TooManyRequests):
        ledger.admit("w", dataclasses.replace(limits_of("free"), per_minute=0))
