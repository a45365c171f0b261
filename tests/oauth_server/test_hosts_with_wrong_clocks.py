"""Two hosts whose clocks differ go by one: the database's. SQLite serves one host, with one clock."""

from datetime import timedelta

import pytest

from app import clock, database_clock
from app.errors import TooManyRequests
from app.usage import ledger
from app.usage.tiers import Limits
from tests.conftest import both_databases

_right_now = clock.host_now
postgres_only = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)]
)
two_hours_off = pytest.mark.parametrize("off", [timedelta(hours=-2), timedelta(hours=2)])


@pytest.fixture
def host_with(monkeypatch):
    """`host_with(clock=…)`: from here on we are a host whose clock is that far ahead, as it starts."""

    def _host_with(*, clock_off):
        monkeypatch.setattr(clock, "host_now", lambda: _right_now() + clock_off)
        database_clock.measure()

    yield _host_with
    clock.correct(timedelta())


@postgres_only
@two_hours_off
def test_a_refresh_repeated_at_another_host_keeps_the_clients_access(client_app, tokens, host_with, off):
    first = client_app.refresh(tokens["refresh_token"])
    host_with(clock_off=off)
    again = client_app.refresh(tokens["refresh_token"])
    assert (again.status, again["refresh_token"]) == (200, first["refresh_token"])
    host_with(clock_off=timedelta())
    assert client_app.refresh(again["refresh_token"]).status == 200


@postgres_only
@two_hours_off
def test_an_access_token_lives_as_long_at_every_host(client_app, tokens, host_with, off, settings):
    host_with(clock_off=off)
    assert client_app.status(tokens["access_token"]).status == 200
    clock.shift(timedelta(seconds=settings.oauth_token_ttl + 1))
    assert client_app.status(tokens["access_token"]).status == 401


@postgres_only
@two_hours_off
def test_hosts_share_the_windows_of_limits(app, early, host_with, off):
    for _ in range(5):
        ledger.admit("w", Limits(5, None))
    host_with(clock_off=off)
    with pytest.raises(TooManyRequests):
        ledger.admit("w", Limits(5, None))


@postgres_only
@two_hours_off
def test_a_form_opened_at_one_host_is_accepted_by_another(alice, host_with, off):
    alice.get("/account")
    host_with(clock_off=off)
    assert alice.submit("/account/name", {"name": "Alice B."}).status_code in {200, 302, 303}


@postgres_only
def test_a_clock_that_is_set_while_the_product_runs_is_followed(app, host_with):
    host_with(clock_off=timedelta(hours=5))
    host_with(clock_off=timedelta(minutes=-7))
    assert abs(clock.now() - _right_now()) < timedelta(seconds=2)


@postgres_only
def test_a_database_that_does_not_answer_leaves_the_correction_as_it_is(app, host_with, monkeypatch):
    host_with(clock_off=timedelta(hours=2))
    before = clock.correction()
    monkeypatch.setattr(database_clock, "_LONGEST_LATENCY", timedelta(0))
    host_with(clock_off=timedelta(hours=4))
    assert clock.correction() == before


@both_databases
def test_a_clock_that_is_right_is_left_alone(app, host_with, database_kind):
    host_with(clock_off=timedelta(0))
    assert clock.correction() == timedelta()
    host_with(clock_off=timedelta(hours=2))
    assert bool(clock.correction()) == (database_kind == "postgres")
