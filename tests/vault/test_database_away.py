"""The database goes away in the middle of things: a clear 503, nothing half done, no token lost."""

import contextlib
import resource
import sqlite3
import threading

import pytest
from sqlalchemy import text

from app import database, persist
from app.errors import Unavailable
from app.vault import store
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.support.waiting import AT_MOST_SECONDS, until
from tests.vault.conftest import expire, stored

postgres_only = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)]
)


def kill_connections():
    """What a restart of the server does to everybody."""
    with database.reading() as db:
        db.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
        )


@postgres_only
def test_a_restart_of_the_database_while_the_service_answers_loses_nothing(connect, provider, settings):
    connection = connect()
    expire(connection)
    provider.hold_answer = threading.Event()
    tokens = []
    caller = threading.Thread(target=lambda: tokens.append(TokenVault(settings, connection).bearer()))
    caller.start()
    assert provider.rotated.wait(AT_MOST_SECONDS)
    kill_connections()
    provider.hold_answer.set()
    caller.join()
    assert tokens[0] in provider.access
    assert (provider.refreshes, stored(connection)[0].state) == (1, "connected")


@postgres_only
def test_a_database_that_only_reads_means_the_service_is_not_called(connect, provider, settings):
    connection = connect()
    expire(connection)
    with database.transaction() as db:
        db.execute(
            text(
                f"ALTER DATABASE {database.current().engine.url.database} SET "
                "default_transaction_read_only = on"
            )
        )
    kill_connections()
    database.current().close()
    with pytest.raises(Unavailable):
        TokenVault(settings, connection).bearer()
    assert provider.refreshes == 0


@pytest.fixture
def full_disk():
    """`with full_disk():` nothing can be written to any file of this process."""

    @contextlib.contextmanager
    def _full_disk():
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return _full_disk


def test_a_full_disk_means_the_service_is_not_called_and_recovers_by_itself(
    connect, provider, settings, full_disk
):
    connection = connect()
    expire(connection)
    with full_disk(), pytest.raises(Unavailable):
        TokenVault(settings, connection).bearer()
    assert provider.refreshes == 0
    assert TokenVault(settings, connection).bearer() in provider.access


def test_a_disk_that_fills_while_the_service_answers_loses_nothing(
    connect, provider, settings, full_disk, monkeypatch
):
    tries = []

    def pauses():
        while True:
            tries.append(1)
            yield 0.05

    monkeypatch.setattr(persist, "_PAUSES_SECONDS", pauses())
    connection = connect()
    expire(connection)
    provider.hold_answer = threading.Event()
    tokens = []
    caller = threading.Thread(target=lambda: tokens.append(TokenVault(settings, connection).bearer()))
    caller.start()
    assert provider.rotated.wait(AT_MOST_SECONDS)
    with full_disk():
        provider.hold_answer.set()
        until(lambda: len(tries) >= 3)  # it was refused twice
        assert tokens == []
    caller.join()
    assert tokens[0] in provider.access
    assert provider.refreshes == 1


@both_databases
def test_a_disconnect_that_fails_leaves_the_connection_as_it_was(connect, provider, settings, monkeypatch):
    connection = connect()
    with pytest.raises(Unavailable), database.transaction() as db:
        store.disconnect(db, connection)
        raise Unavailable()
    assert TokenVault(settings, connection).bearer() in provider.access


def test_a_missing_database_is_said_in_one_sentence(connect, settings, tmp_path):
    connection = connect()
    database.bind(f"sqlite:///{tmp_path}/nowhere/at/all.db")
    with pytest.raises(Unavailable) as caught:
        TokenVault(settings, connection).bearer()
    assert "sqlite" not in caught.value.message
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
