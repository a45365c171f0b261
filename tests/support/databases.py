"""A fresh migrated database for a test.

On SQLite it is a copy of one that was migrated once. On PostgreSQL making and dropping one takes half a
second, mostly waiting for the disk; so a database that a test is done with is emptied and given to the next,
unless its tables or its migration changed. Emptied with DELETE: TRUNCATE makes new files for each table that
refers to one with rows, and waits until the disk has them.
"""

import functools
import hashlib
import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlmodel import SQLModel

from app.factory import import_models
from tests.support.services import POSTGRES

ROOT = Path(__file__).resolve().parents[2]


def migrate(url: str, revision: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = url
    command.upgrade(config, revision)


@functools.cache
def _sqlite_template() -> Path:
    """The migrated file, left for the next run. Its name says which migrations made it."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "migrations").rglob("*.py")):
        digest.update(path.read_bytes())
    template = Path(tempfile.gettempdir()) / f"patchbay-template-{os.getuid()}-{digest.hexdigest()[:16]}.db"
    if not template.exists() or template.stat().st_uid != os.getuid():
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "template.db"
            migrate(f"sqlite:///{made}")
            shutil.move(made, template)
    return template


def new_sqlite(folder: Path) -> str:
    path = folder / f"{uuid.uuid4().hex}.db"
    shutil.copy(_sqlite_template(), path)
    return f"sqlite:///{path}"


# --- PostgreSQL ---

_SHAPE = """
SELECT (SELECT array_agg(oid ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace),
       (SELECT array_agg(oid ORDER BY oid) FROM pg_constraint),
       (SELECT array_agg(oid ORDER BY oid) FROM pg_trigger),
       (SELECT array_agg(version_num) FROM alembic_version)
"""
_SETTINGS = """
SELECT setconfig FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
WHERE datname = current_database()
"""
# Those that have had rows: whether they have some now is seen only by reading them.
_FILLED = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
_RESTARTS = """
SELECT format('SELECT setval(%L, %s, false)', quote_ident(sequencename), start_value) FROM pg_sequences
WHERE schemaname = 'public'
"""


@dataclass(frozen=True)
class _Database:
    """One that this process made and nobody uses now."""

    name: str
    shape: Any
    settings: list[Any]
    restarts: list[str]


_made: dict[str, _Database] = {}
_unused: list[_Database] = []


def _admin(statement: str) -> None:
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def _postgres_url(name: str) -> str:
    return POSTGRES.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + "/" + name


def new_postgres() -> tuple[str, str]:
    """The URL and the name of a new database; give the name to `drop_postgres`."""
    if not _unused:
        url, name = new_empty_postgres()
        migrate(url)
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            _made[name] = _Database(
                name,
                shape=connection.execute(_SHAPE).fetchone(),
                settings=connection.execute(_SETTINGS).fetchall(),
                restarts=[row[0] for row in connection.execute(_RESTARTS)],
            )
        return url, name
    name = _unused.pop().name
    return _postgres_url(name), name


def new_empty_postgres() -> tuple[str, str]:
    """Like `new_postgres`, without tables."""
    name = f"patchbay_test_{uuid.uuid4().hex[:12]}"
    _admin(f'CREATE DATABASE "{name}"')
    _admin(_without_waiting_for_the_disk(name))
    return _postgres_url(name), name


def _without_waiting_for_the_disk(name: str) -> str:
    """The statement for it: a busy disk takes long, and nothing of a test outlives a crash of the server."""
    return f'ALTER DATABASE "{name}" SET synchronous_commit = off'


def drop_postgres(name: str) -> None:
    """Take a database back. Whoever is still connected to it is cut off."""
    if name in _made and _empty(_made[name]):
        _unused.append(_made[name])
    else:
        _drop(name)


def _empty(made: _Database) -> bool:
    """Remove all rows. False when more than rows changed."""
    url = _postgres_url(made.name).replace("+psycopg", "")
    options = "-c default_transaction_read_only=off -c synchronous_commit=off"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if connection.execute(_SETTINGS).fetchall() != made.settings:
            connection.execute(f'ALTER DATABASE "{made.name}" RESET ALL')  # type: ignore[call-overload]
            connection.execute(_without_waiting_for_the_disk(made.name))  # type: ignore[call-overload]
        if connection.execute(_SHAPE).fetchone() != made.shape:
            return False
        filled = {row[0] for row in connection.execute(_FILLED)}
        deletes = [f'DELETE FROM "{name}"' for name in _referring_tables_first() if name in filled]
        connection.execute("; ".join([*deletes, *made.restarts]))  # type: ignore[call-overload]
    return True


@functools.cache
def _referring_tables_first() -> list[str]:
    import_models()
    return [table.name for table in reversed(SQLModel.metadata.sorted_tables)]


def drop_unused() -> None:
    """Remove the databases of this process. Called at the end: a worker of pytest-xdist runs no exit
    handlers.
    """
    while _unused:
        _drop(_unused.pop().name)


def _drop(name: str) -> None:
    _made.pop(name, None)
    _admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
