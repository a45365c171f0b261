"""What a host with a wrong clock has stored does not last for hours: no moment is further ahead than its own
longest span.
"""

from datetime import timedelta

import pytest

from app import clock, database
from app.usage import retention, rollup
from app.usage.models import UsageMark
from app.vault import claims
from app.vault.models import Connection, Credential
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.vault.conftest import expire, stored


def store(connection, **values):
    with database.transaction() as db:
        credential, row = db.get(Credential, connection.id), db.get(Connection, connection.id)
        for name, value in values.items():
            setattr(credential if hasattr(credential, name) else row, name, value)


@both_databases
@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=400)])
def test_a_cool_down_of_a_host_ahead_does_not_count(connect, provider, settings, ahead):
    connection = connect()
    expire(connection)
    store(connection, cooldown_until=clock.now() + ahead)
    assert TokenVault(settings, connection).bearer() in provider.access


@both_databases
def test_a_claim_of_a_host_ahead_is_taken_over(connect, provider, settings):
    connection = connect()
    expire(connection)
    generation = stored(connection)[1].generation
    store(connection, claim_owner="elsewhere/1/-/0/x", claim_until=clock.now() + timedelta(hours=2))
    assert claims.acquire(connection, generation) is not None


@both_databases
def test_a_suspension_of_a_host_ahead_may_be_tried_again(connect, provider, settings):
    connection = connect()
    store(
        connection,
        state="reconnect_needed",
        last_error="The service refused.",
        try_again_at=clock.now() + timedelta(hours=5),
    )
    assert TokenVault(settings, stored(connection)[0]).bearer() in provider.access


@both_databases
def test_the_longest_pauses_do_count(connect, provider):
    connection, now = connect(), clock.now()
    store(connection, cooldown_until=now + claims.LONGEST_COOLDOWN)
    found = claims.find_snapshot(connection)
    assert found is not None and found.is_cooling_down


@both_databases
def test_a_sweep_of_a_host_ahead_does_not_put_off_the_next(app):
    with database.transaction() as db:
        db.add(UsageMark(name=rollup.MARK, upto=0, swept_at=clock.now() + timedelta(days=3)))
    retention.sweep_if_due(90)
    with database.reading() as db:
        assert db.get(UsageMark, rollup.MARK).swept_at <= clock.now()
