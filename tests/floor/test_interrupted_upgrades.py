"""An upgrade that is killed at any statement can be run again, and ends in the same tables as any other.

Each migration is one transaction with its number. A database that an earlier release left half upgraded on
SQLite, where it ran statement by statement, is completed too.
"""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event

from app import interrupted_upgrade
from tests.support import databases
from tests.support.killed_upgrade import kill_upgrade

_SCRIPTS = ScriptDirectory.from_config(Config(str(databases.ROOT / "alembic.ini")))
REVISIONS = [script.revision for script in reversed(list(_SCRIPTS.walk_revisions()))]
_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
WHERE table_schema = 'public'
"""
_INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"


def tables_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return sorted(connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()), (
            connection.execute("SELECT version_num FROM alembic_version").fetchall()
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            else []
        )


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """A SQLite database before each migration: {revision: path}. "head" is the finished one."""
    folder = tmp_path_factory.mktemp("stages")
    growing, copies = folder / "growing.db", {}
    sqlite3.connect(growing).close()
    for revision in REVISIONS:
        copies[revision] = Path(shutil.copy(growing, folder / f"before-{revision}.db"))
        databases.migrate(f"sqlite:///{growing}", revision)
    return {**copies, "head": growing}


@pytest.mark.parametrize("revision", REVISIONS)
def test_on_sqlite_a_migration_killed_at_any_statement_has_changed_nothing(revision, stages, tmp_path):
    path = Path(shutil.copy(stages[revision], tmp_path / "dying.db"))
    before, statement = tables_of(path), 1
    while kill_upgrade(f"sqlite:///{path}", revision, statement):
        assert tables_of(path) == before, f"killed at statement {statement}"
        statement += 1
    following = [*REVISIONS, "head"][REVISIONS.index(revision) + 1]
    assert tables_of(path) == tables_of(stages[following]), "the upgrade that lives is complete"


def shape_of(url):
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return [sorted(map(str, connection.execute(query).fetchall())) for query in (_COLUMNS, _INDEXES)]


@pytest.mark.timeout(600)  # more than a hundred processes
@pytest.mark.needs_postgres
def test_on_postgresql_an_upgrade_killed_at_every_statement_ends_in_the_same_tables():
    (clean, clean_name), (killed, killed_name) = (
        databases.new_empty_postgres(),
        databases.new_empty_postgres(),
    )
    try:
        databases.migrate(clean)
        for revision in REVISIONS:
            before, statement = shape_of(killed), 1
            while kill_upgrade(killed, revision, statement):
                assert shape_of(killed) == before, f"{revision} killed at statement {statement}"
                statement += 6 if revision == REVISIONS[0] else 1  # the first has 70, and takes longest
        assert shape_of(killed) == shape_of(clean)
    finally:
        databases.drop_postgres(clean_name)
        databases.drop_postgres(killed_name)


def leave_half_done(path, revision, statements):
    """What a release that ran each statement on its own left when it was killed after so many of them."""
    engine, left = create_engine(f"sqlite:///{path}"), statements
    with engine.connect() as connection:

        @event.listens_for(connection, "after_cursor_execute")
        def _die(_connection, _cursor, sql, *_rest):
            nonlocal left
            left -= interrupted_upgrade.changes_tables(sql)
            if not left:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted_upgrade.upgrade(connection, _SCRIPTS, revision)
    engine.dispose()


@pytest.mark.parametrize("statements", [1, 2, 3, 4, 5])
def test_a_half_upgraded_database_of_an_earlier_release_is_completed(statements, stages, tmp_path):
    path = Path(shutil.copy(stages["0004"], tmp_path / "half.db"))
    leave_half_done(path, "0004", statements)
    assert tables_of(path)[0] != tables_of(stages["0004"])[0], "some of it is there"
    databases.migrate(f"sqlite:///{path}")
    assert tables_of(path) == tables_of(stages["head"])


def test_tables_that_no_release_leaves_are_refused_with_a_sentence(stages, tmp_path, environ):
    path = Path(shutil.copy(stages["0004"], tmp_path / "odd.db"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE usage_marks (mine)")
    before = tables_of(path)
    ran = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=databases.ROOT,
        env={**environ, "DATABASE_URL": f"sqlite:///{path}"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "Restore the backup from before the upgrade" in ran.stderr and "Traceback" not in ran.stderr
    assert tables_of(path) == before
