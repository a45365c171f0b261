"""The keep-alive job of the web processes: in time for any life of the access, once, and without a lock."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import clock, database
from app.jobs import runner
from app.vault import keepalive, revocation, store
from app.vault.models import Credential, PendingRevocation
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.vault.conftest import stored

pytestmark = pytest.mark.usefixtures("patient_database")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def age(connection, *, ends_in, refreshed_ago):
    with database.transaction() as db:
        now = database.current().now(db)
        row, credential = db.get(type(connection), connection.id), db.get(Credential, connection.id)
        row.signin_ends_at, credential.updated_at = now + ends_in, now - refreshed_ago


def test_access_of_one_day_is_refreshed_when_a_third_is_left_and_not_before(fill_in, provider, settings):
    connection, job = fill_in("daily"), keepalive.job(settings)
    first = provider.mints
    for _ in range(6 * 24 * 3):  # every ten minutes, for three days
        clock.shift(keepalive.EVERY)
        assert clock.now() < stored(connection)[0].signin_ends_at
        runner.run_if_due(job)
    assert 4 <= provider.mints - first <= 5, "every sixteen hours"


@both_databases
def test_idle_access_is_refreshed_once_and_a_fresh_one_left_alone(connect, provider, settings, database_kind):
    idle, busy = connect("graceful", key="account-1"), connect("graceful", key="account-2")
    age(idle, ends_in=15 * DAY, refreshed_ago=45 * DAY)
    age(busy, ends_in=50 * DAY, refreshed_ago=10 * DAY)
    job = keepalive.job(settings)
    crew = [threading.Thread(target=runner.run_if_due, args=(job,)) for _ in range(4)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    assert (provider.refreshes, stored(idle)[1].generation, stored(busy)[1].generation) == (1, 2, 1)


def test_what_a_tool_call_refreshed_meanwhile_is_not_refreshed_again(
    connect, provider, settings, monkeypatch
):
    connection = connect("graceful")
    age(connection, ends_in=15 * DAY, refreshed_ago=45 * DAY)
    due = keepalive._due(HOUR)
    monkeypatch.setattr(keepalive, "_due", lambda until: due)
    TokenVault(settings, connection).renew()
    assert [result.problem for result in keepalive.run(settings)] == [""]
    assert provider.refreshes == 1


@both_databases
def test_nobody_waits_for_the_database_while_a_service_is_slow(
    connect, provider, settings, monkeypatch, database_kind
):
    connection = connect("graceful")
    age(connection, ends_in=15 * DAY, refreshed_ago=45 * DAY)
    real, written = keepalive._refresh, []

    def refresh_while_another_writes(*given):
        writer = threading.Thread(target=_write, args=(written,))
        writer.start()
        writer.join(10)
        return real(*given)

    def _write(written):
        with database.transaction() as db:
            db.get(type(connection), connection.id).label = "renamed"
        written.append(1)

    monkeypatch.setattr(keepalive, "_refresh", refresh_while_another_writes)
    assert runner.run_now(keepalive.job(settings)) == 1
    assert written == [1]


@pytest.mark.parametrize("failures", [0, 2])
def test_what_a_service_did_not_confirm_is_revoked_by_the_job(
    connect, provider, settings, monkeypatch, failures
):
    connection = connect("strict")
    with database.transaction() as db:
        store.disconnect(db, connection)
    answers = [False] * failures + [True]
    monkeypatch.setattr(revocation, "_revoke", lambda *given: answers.pop(0))
    job = revocation.job(settings)
    for _ in range(failures + 1):
        runner.run_now(job)
        clock.shift(2 * HOUR)
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(PendingRevocation)) == 0 and not answers
