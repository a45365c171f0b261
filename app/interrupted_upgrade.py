"""Repair a SQLite database whose upgrade was killed by a release that changed it statement by statement.

Such a database has the first changes of a migration, but not its number, so that migration fails on what
already exists. The repair proves how far it got: a copy without data, upgraded the same way, is compared with
it after each statement. The statements found done are skipped, and all others run.
"""

from collections.abc import Callable
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from app.errors import ConfigError

Schema = frozenset[tuple[str, str, str]]
_SCHEMA = "SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
_SKIPPED = "SELECT 1 WHERE 0"


class UnknownSchema(ConfigError):
    """The tables are not those of any step of an upgrade; nothing was changed."""


def run_whole(engine: Engine) -> None:
    """Make each transaction of this SQLite engine whole, its changes of tables included.

    Left to itself, the driver begins a transaction only before the first INSERT, UPDATE or DELETE.
    """
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin` does
    connection.execute("PRAGMA journal_mode=WAL")
    # A migration may make a table anew. Dropping the old one must not delete the rows that refer to it.
    connection.execute("PRAGMA foreign_keys=OFF")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def statements_done(connection: Connection, scripts: ScriptDirectory) -> int:
    """Return how many statements of the next migration this database already has.

    Raises UnknownSchema if its tables are not those of a step of that migration.
    """
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    found = schema(connection)
    for done, at_that_step in enumerate(_steps_after(revision, scripts)):
        if found == at_that_step:
            return done
    raise UnknownSchema(
        f"its tables do not match migration {revision or 'none'} or any step after it, so an upgrade could "
        "damage it. Nothing was changed. Restore the backup from before the upgrade, then run it again."
    )


def skip_statements(connection: Connection, count: int) -> None:
    """Let the next `count` statements of a migration on this connection pass without effect."""
    left = count

    def passed_over(_connection: Any, _cursor: Any, sql: str, values: Any, *_rest: Any) -> tuple[str, Any]:
        nonlocal left
        if left and changes_tables(sql):
            left -= 1
            return _SKIPPED, ()
        return sql, values

    event.listen(connection, "before_cursor_execute", passed_over, retval=True)


def changes_tables(sql: str) -> bool:
    """Whether a statement creates, alters or drops something; the number of the migration does not count."""
    return sql.split(None, 1)[0].upper() in {"CREATE", "ALTER", "DROP"} and "alembic_version" not in sql


def schema(connection: Connection) -> Schema:
    """Return everything the database has, as it was created, without the table of alembic.

    It passes the connection's events and begins no transaction.
    """
    rows = connection.connection.cursor().execute(_SCHEMA).fetchall()
    return frozenset((kind, name, _plain(sql)) for kind, name, sql in rows if name != "alembic_version")


def _plain(sql: str) -> str:
    return " ".join(sql.split())


def _steps_after(revision: str | None, scripts: ScriptDirectory) -> list[Schema]:
    """Return the schema at that revision and after each statement of the migration that follows it."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    run_whole(engine)
    with engine.connect() as connection:
        if revision is not None:
            upgrade(connection, scripts, revision)
        steps = [schema(connection)]

        def add_step(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
            if changes_tables(sql):
                steps.append(schema(connection))

        following = _after(revision, scripts)
        if following is not None:
            event.listen(connection, "after_cursor_execute", add_step)
            upgrade(connection, scripts, following)
    engine.dispose()
    return steps


def upgrade(connection: Connection, scripts: ScriptDirectory, revision: str) -> None:
    """Run the migrations up to that one, each in a transaction of its own."""
    steps: Callable[..., Any] = lambda heads, _context: scripts._upgrade_revs(revision, heads)  # noqa: E731
    context = MigrationContext.configure(
        connection, opts={"fn": steps, "transactional_ddl": True, "transaction_per_migration": True}
    )
    with context.begin_transaction(), Operations.context(context):
        context.run_migrations()


def _after(revision: str | None, scripts: ScriptDirectory) -> str | None:
    """Return the migration that follows, None for the newest."""
    try:
        following = scripts.get_revision(revision).nextrev if revision else set(scripts.get_bases())
    except RevisionError:
        return None
    return next(iter(sorted(following)), None)
