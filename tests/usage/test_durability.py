"""What changed something is on disk before it is answered; the row of a read may follow a moment later."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, text

from app import audit, clock, database
from app.errors import Unavailable
from app.usage import ledger, postgresql_batch, sqlite_batch
from app.usage.models import Call
from app.usage.tiers import Limits
from tests.conftest import both_databases
from tests.support.waiting import AT_MOST_SECONDS, until

_NOTE_HOW_IT_COMMITS = """
CREATE TABLE commits (what text, setting text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO commits VALUES (TG_TABLE_NAME, current_setting('synchronous_commit')); RETURN NEW; END $$;
CREATE TRIGGER note AFTER INSERT ON calls FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION note();
"""


def call(**given):
    values = {"at": clock.now(), "workspace_id": "w", "user_id": "u", "grant_id": "g", "tool": "acme_list"}
    return Call(**{**values, "outcome": "ok", "total_ms": 1.0, **given})


def entry():
    return audit.make("tool.called", workspace_id="w", user_id="u", subject="s", details={})


@pytest.mark.parametrize("database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)])
def test_on_postgresql_only_the_row_of_a_read_commits_asynchronously(app):
    name = database.current().engine.url.database
    with database.transaction() as db:
        db.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = on'))  # PostgreSQL's default
    database.current().close()  # new connections know it
    with database.transaction() as db:
        db.connection().exec_driver_sql(_NOTE_HOW_IT_COMMITS)

    def commits():
        with database.transaction() as db:
            rows = [tuple(row) for row in db.execute(text("SELECT what, setting FROM commits"))]
            db.execute(text("DELETE FROM commits"))
        return rows

    for _ in range(8):  # so often that the driver prepares its statements
        ledger.record(call())
        assert commits() == [("calls", "off")]
    ledger.record(call(), entry())
    assert sorted(commits()) == [("audit_entries", "on"), ("calls", "on")]
    ledger.admit_and_record("w", Limits(60, None), call(), entry())
    assert sorted(commits()) == [("audit_entries", "on"), ("calls", "on")]
    with database.transaction() as db:
        audit.record(db, "connection.disconnected", workspace_id="w")
    assert commits() == [("audit_entries", "on")]


def test_on_sqlite_a_write_is_flushed_with_its_commit(app):
    statements = []
    event.listen(database.current().engine, "connect", lambda c, _: c.set_trace_callback(statements.append))
    database.current().engine.dispose()

    def mode_of_the_last_commit():
        modes = [each for each in statements if each.startswith("PRAGMA synchronous=")]
        assert not statements[-1].startswith("PRAGMA"), "the mode comes before what it is for"
        return modes[-1]

    ledger.record(call())
    assert mode_of_the_last_commit() == "PRAGMA synchronous=NORMAL"
    ledger.record(call(), entry())
    assert mode_of_the_last_commit() == "PRAGMA synchronous=FULL"
    ledger.record(call())
    assert mode_of_the_last_commit() == "PRAGMA synchronous=NORMAL"
    with database.transaction() as db:
        audit.record(db, "connection.disconnected", workspace_id="w")
    assert mode_of_the_last_commit() == "PRAGMA synchronous=FULL"


@both_databases
def test_one_bad_entry_fails_alone(app, monkeypatch):
    bound, results = ledger.current(), []
    monkeypatch.setattr(ledger, "_PATIENCE_SECONDS", AT_MOST_SECONDS)

    def record(given):
        try:
            bound.record(call(**given))
        except Exception as error:
            return type(error).__name__
        return "stored"

    with bound._pen, ThreadPoolExecutor(6) as pool:  # so that all are one batch
        recording = [pool.submit(record, {"tool": None} if n == 3 else {}) for n in range(6)]
        until(lambda: len(bound._queue) == 6)
        bound._write_next()
        bound._pen.release()
        try:
            results = [each.result() for each in recording]
        finally:
            bound._pen.acquire()
    assert sorted(results) == ["Unavailable"] + ["stored"] * 5


@both_databases
def test_a_lock_is_waited_for_once_by_all_who_write_together(app, monkeypatch):
    bound, tries = ledger.current(), []

    def waiting_in_vain(**_given):
        tries.append(1)
        raise Unavailable() from database.current().engine.dialect.loaded_dbapi.OperationalError("locked")

    for module in (sqlite_batch, postgresql_batch):
        monkeypatch.setattr(module, "writing", waiting_in_vain)
    monkeypatch.setattr(ledger, "_LOST_CONNECTION_SECONDS", 0.0)

    def record(_):
        with pytest.raises(Unavailable):
            bound.record(call())

    with bound._pen, ThreadPoolExecutor(12) as pool:
        recording = [pool.submit(record, n) for n in range(12)]
        until(lambda: len(bound._queue) == 12)
        bound._write_next()
        bound._pen.release()
        try:
            for each in recording:
                each.result()
        finally:
            bound._pen.acquire()
    assert len(tries) == 1
