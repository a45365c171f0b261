"""Runs migrations. One runner at a time: an advisory lock on PostgreSQL, a locked file beside SQLite's.

Each migration is one transaction with its number, on both databases: an upgrade that is killed has done it
completely or not at all, and the next run goes on from there.
"""

import contextlib
import fcntl
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from alembic import context
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from app import config, environment, factory, interrupted_upgrade
from app.database import UtcDateTime
from app.errors import ConfigError
from app.memory.models import is_described
from app.web.command_errors import explain

_LOCK = 7_208_412  # any number, the same for every release

log = logging.getLogger("app.migrations")
factory.import_models()


def _render(kind: str, item: object, _autogen: object) -> str | bool:
    """Write our own column types as the plain ones they are in the database."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def run() -> None:
    """Upgrade or downgrade the database named by DATABASE_URL, or the one given by a test."""
    url = context.config.attributes.get("url") or config.load(environment.read()).database_url
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        interrupted_upgrade.run_whole(engine)
    with _alone(engine, url):
        try:
            with engine.connect() as connection:
                _migrate(connection)
        except OperationalError as error:
            if engine.dialect.name != "sqlite" or not _is_half_done(error):
                raise
            _complete(engine)
    engine.dispose()


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transactional_ddl=True,  # on SQLite, too: `run_whole`
        transaction_per_migration=True,
        render_item=_render,
        include_name=is_described,
    )
    with context.begin_transaction():
        context.run_migrations()


def _is_half_done(error: OperationalError) -> bool:
    """Whether a migration failed on what a killed run of an earlier release left behind on SQLite."""
    words = str(error.orig)
    return any(sign in words for sign in ("already exists", "duplicate column name", "no such"))


def _complete(engine: Engine) -> None:
    """Go on where the killed run stopped. Raises UnknownSchema if that cannot be proved."""
    with engine.connect() as connection:
        done = interrupted_upgrade.statements_done(connection, ScriptDirectory.from_config(context.config))
        log.warning(
            "an upgrade by an earlier release was interrupted; going on after its %d statements", done
        )
        interrupted_upgrade.skip_statements(connection, done)
        _migrate(connection)


@contextlib.contextmanager
def _alone(engine: Engine, url: str) -> Iterator[None]:
    """Hold off a second runner until this one is done."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as lock:
            lock.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            yield
        return
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".migrating").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


try:
    run()
except (ConfigError, OSError, OperationalError) as error:
    if "url" in context.config.attributes:  # not from the command line
        raise
    sys.exit(f"The database was not migrated: {explain(error)}")
