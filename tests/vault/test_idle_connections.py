"""Idle connections are refreshed when a third of their life is left, whatever that life is."""

import dataclasses
from datetime import timedelta

import pytest

from app import clock, database
from app.connectors.services import services_of
from app.vault import access_end, keepalive, store
from app.vault.models import Credential
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.support.catalogue import install
from tests.vault.conftest import expire, stored
from tests.vault.provider import status

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


def run(app, *command):
    return app.test_cli_runner().invoke(args=list(command))


def set_ages(connection, *, ends_in, refreshed_ago):
    with database.transaction() as db:
        now = database.current().now(db)
        row, credential = db.get(type(connection), connection.id), db.get(Credential, connection.id)
        row.signin_ends_at, credential.updated_at = (
            now + timedelta(days=ends_in),
            now - timedelta(days=refreshed_ago),
        )


@both_databases
def test_idle_connections_are_refreshed_before_they_die_and_the_others_left_alone(
    app, connect, provider, settings
):
    idle, busy, broken = (connect("graceful", key=f"account-{n}") for n in range(3))
    unlimited = connect("strict")
    set_ages(idle, ends_in=15, refreshed_ago=45)
    set_ages(busy, ends_in=50, refreshed_ago=10)
    set_ages(broken, ends_in=1, refreshed_ago=59)
    with database.transaction() as db:
        db.get(type(broken), broken.id).state = "reconnect_needed"
    gone = connect("strict", key="gone")
    with database.transaction() as db:
        store.disconnect(db, gone)
    answer = run(app, "connections", "keepalive")
    assert answer.exit_code == 0
    assert "1 connections refreshed, 0 failed, 1 tokens revoked." in answer.stdout
    assert f"[1/1] graceful {idle.id}: refreshed" in answer.stderr
    assert (provider.refreshes, stored(unlimited)[1].generation) == (1, 1)
    row = stored(idle)[0]
    assert 59 <= (row.signin_ends_at - clock.now()).total_seconds() / 86_400 <= 60
    assert keepalive.run(settings) == []


def test_a_keepalive_that_fails_is_told_and_the_rest_goes_on(app, connect, provider):
    for n in range(3):
        set_ages(connect("graceful", key=f"account-{n}"), ends_in=3, refreshed_ago=57)
    provider.faults = [status(500)]
    answer = run(app, "connections", "keepalive")
    assert "2 connections refreshed, 1 failed" in answer.stdout
    assert provider.rotations == 2


def test_a_sign_in_that_ends_on_a_fixed_day_is_not_refreshed_in_vain(
    app, connect, provider, settings, monkeypatch
):
    connection = connect("graceful")
    set_ages(connection, ends_in=1, refreshed_ago=6)
    connector = services_of(None).get("graceful")
    fixed = dataclasses.replace(
        connector, auth=dataclasses.replace(connector.auth, authorization_days=7, idle_days=None)
    )
    install(fixed, monkeypatch=monkeypatch)
    assert keepalive.run(settings) == [] and provider.refreshes == 0
    install(connector, monkeypatch=monkeypatch)
    assert [result.problem for result in keepalive.run(settings)] == [""]


@pytest.mark.parametrize("first_run_after", [HOUR, 3 * HOUR, 7.9 * HOUR])
def test_a_sign_in_of_one_day_lives_for_weeks_with_three_runs_a_day(
    fill_in, provider, settings, first_run_after
):
    connection = fill_in("daily")
    clock.shift(first_run_after)
    for _ in range(3 * 14):
        keepalive.run(settings)
        clock.shift(8 * HOUR)
    assert stored(connection)[0].state == "connected"
    assert 20 <= provider.mints <= 3 * 14, "not at every run that found it young"
    assert TokenVault(settings, connection).bearer() in provider.access


@pytest.mark.parametrize("hours", [26, 30, 48, 72, 100])
def test_longer_ones_live_with_one_run_a_day(connect, provider, settings, hours, monkeypatch):
    connector = services_of(None).get("graceful")
    auth = dataclasses.replace(connector.auth, idle_days=hours / 24)
    install(dataclasses.replace(connector, auth=auth), monkeypatch=monkeypatch)
    connection = connect("graceful")
    clock.shift(HOUR)
    for _ in range(10):
        assert clock.now() < stored(connection)[0].signin_ends_at
        keepalive.run(settings)
        clock.shift(DAY)


def test_the_command_says_how_often_it_must_run(app, connect, fill_in):
    connect("graceful")
    assert "Run this" not in run(app, "connections", "keepalive").stdout
    fill_in("daily")
    output = run(app, "connections", "keepalive").stdout
    assert "Run this every 8 hours or more often: access here lasts 24 hours." in output


def test_a_hard_end_is_stored_moves_with_no_refresh_and_bounds_the_other(connect, provider, settings):
    connection = connect("graceful")  # 60 days, sliding
    body = {"access_token": "canary-a", "x_refresh_token_hard_expires_in": 90 * 86_400}
    provider.faults = [status(200, body, "application/json")]
    TokenVault(settings, connection).renew()
    row = stored(connection)[0]
    hard = row.hard_ends_at
    assert 89 < (hard - clock.now()) / DAY <= 90 and row.signin_ends_at < hard
    clock.shift(40 * DAY)
    expire(connection)
    TokenVault(settings, connection).bearer()
    row = stored(connection)[0]
    assert (row.hard_ends_at, row.signin_ends_at) == (hard, hard)
    assert not access_end.can_be_prolonged(services_of(None).get("graceful"), row)
    clock.shift(45 * DAY)
    assert keepalive.run(settings) == [], "it would not live longer"
    connect("graceful")
    assert stored(connection)[0].hard_ends_at is None, "a new authorization begins anew"


def test_the_token_endpoint_hears_what_its_service_wants_in_the_header(
    connect, provider, settings, monkeypatch
):
    connector = services_of(None).get("graceful")
    auth = dataclasses.replace(connector.auth, token_headers={"x-include-hard-end": "true"})
    install(dataclasses.replace(connector, auth=auth), monkeypatch=monkeypatch)
    TokenVault(settings, connect("graceful")).renew()
    assert provider.token_headers[-1]["x-include-hard-end"] == "true"


def test_an_end_that_passes_while_refreshing_still_works_did_not_hold(
    connect, provider, settings, monkeypatch
):
    connector = services_of(None).get("lasting")
    auth = dataclasses.replace(connector.auth, authorization_days=7)
    install(dataclasses.replace(connector, auth=auth), monkeypatch=monkeypatch)
    connection = connect("lasting")
    assert stored(connection)[0].signin_ends_at is not None
    clock.shift(8 * DAY)
    assert TokenVault(settings, connection).bearer() in provider.access
    assert stored(connection)[0].signin_ends_at is None


def test_an_end_that_was_told_once_holds_until_it_passes_or_a_new_sign_in_begins(connect, provider, settings):
    connection = connect("lasting")
    body = {"access_token": "canary-a", "refresh_token_expires_in": 5 * 86_400}
    provider.faults = [status(200, body, "application/json")]
    TokenVault(settings, connection).renew()
    ends_at = stored(connection)[0].signin_ends_at
    TokenVault(settings, connection).renew()
    assert stored(connection)[0].signin_ends_at == ends_at is not None
    connect("lasting")
    assert stored(connection)[0].signin_ends_at is None


@pytest.mark.parametrize(
    ("life", "warned"), [(DAY, 8 * HOUR), (7 * DAY, 56 * HOUR), (60 * DAY, 7 * DAY), (100 * DAY, 7 * DAY)]
)
def test_the_card_warns_when_a_third_is_left_and_a_week_ahead_at_most(connect, life, warned):
    row = stored(connect("graceful"))[0]
    row.signin_ends_at, row.signin_life_seconds = clock.now() + life, int(life.total_seconds())
    assert abs(row.signin_ends_at - access_end.warning_from(row) - warned) < timedelta(seconds=1)
