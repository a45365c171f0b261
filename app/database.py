"""Access to the database: `transaction()` to write, `reading()` to read.

Work that returns commits; work that raises rolls back. On SQLite a transaction begins with BEGIN IMMEDIATE,
because SELECT … FOR UPDATE is silently a plain SELECT there: the write lock is what makes "read, then change"
atomic. Writers of one process first queue on a lock of ours, which is fair; SQLite's own busy handler sleeps
and polls.

Never hold either open during a call to a service.
"""

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Engine, PoolProxiedConnection, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, SQLModel

from app import clock
from app.errors import Unavailable

# Nobody waits longer than about five seconds in all, for a free connection and then for a lock.
_POOL_SECONDS = 1.5
_LOCK_SECONDS = 1.5
_CONNECT_SECONDS = 3
# A writer on SQLite waits this long in all: for the other writers of this process, then for other processes.
_WRITER_SECONDS = 2.5
_SHORTEST_BUSY_SECONDS = 0.5
_POSTGRES_OPTIONS = (
    f"-c lock_timeout={_LOCK_SECONDS * 1000:.0f}ms -c statement_timeout=30s "
    "-c idle_in_transaction_session_timeout=30s"
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes, on PostgreSQL and on SQLite (which stores no time zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Convert to UTC. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database: use clock.now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Return an aware UTC datetime."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """An engine and its rules. One per process: threads share it, forked workers create their own."""

    def __init__(self, url: str, *, pool_size: int = 24) -> None:
        """`pool_size`: the most connections this process opens, at least 2."""
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._writers = threading.Lock()
        self._write_until = 0.0  # when whoever holds `_writers` stops waiting for other processes
        if self.is_sqlite:
            self.engine: Engine = create_engine(
                url,
                pool_size=pool_size,
                max_overflow=0,
                pool_timeout=_POOL_SECONDS,
                pool_use_lifo=True,
                hide_parameters=True,
                connect_args={"check_same_thread": False, "timeout": _LOCK_SECONDS},
            )
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", self._begin_sqlite)
            self._reader: Engine = self.engine
            self._snapshots: Engine = self.engine
            self._raw_engine = self.engine
            self._writer: Engine = self.engine.execution_options(writes=True)
        else:
            raw = max(1, pool_size // 3)
            pool: dict[str, Any] = {
                "max_overflow": 0,
                "pool_timeout": _POOL_SECONDS,
                "pool_use_lifo": True,  # the one used last has its statements prepared
                "hide_parameters": True,
                "connect_args": {"connect_timeout": _CONNECT_SECONDS, "options": _POSTGRES_OPTIONS},
            }
            self.engine = create_engine(url, pool_size=pool_size - raw, pool_pre_ping=True, **pool)
            # A single statement is its own snapshot: a look-up needs no round trips for BEGIN and ROLLBACK.
            self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._snapshots = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._raw_engine = create_engine(url, pool_size=raw, isolation_level="AUTOCOMMIT", **pool)
            self._writer = self.engine

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block returns and rolls back when it raises."""
        with _as_unavailable(), self.write_lock():
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reading. Objects it loads stay readable after it closes."""
        with _as_unavailable(), Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session for several reads of one moment: it does not see what others commit meanwhile."""
        with _as_unavailable(), Session(self._snapshots, expire_on_commit=False, autoflush=False) as session:
            yield session

    def now(self, session: Session) -> datetime:
        """Return the clock for leases: the database's own where several hosts share it."""
        if self.is_sqlite:
            return clock.now()
        at: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        return at.astimezone(UTC)

    @contextlib.contextmanager
    def raw_connection(self) -> Iterator[PoolProxiedConnection]:
        """A pooled driver connection in autocommit mode, for `app.fast_queries` and the ledger."""
        try:
            connection = self._raw_engine.raw_connection()
        except (self._raw_engine.dialect.loaded_dbapi.Error, PoolTimeout) as error:
            raise Unavailable() from error
        try:
            yield connection
        finally:
            connection.close()

    def discard_raw_connections(self) -> None:
        """Close the idle raw connections after the database was restarted."""
        self._raw_engine.dispose()

    @contextlib.contextmanager
    def write_lock(self) -> Iterator[None]:
        """Queue with the other writers of this process (SQLite allows one write at a time).

        Raises Unavailable if that takes too long: another program holds the file.
        """
        if not self.is_sqlite:
            yield
            return
        until = time.monotonic() + _WRITER_SECONDS
        if not self._writers.acquire(timeout=_WRITER_SECONDS):
            raise Unavailable()
        try:
            self._write_until = until
            yield
        finally:
            self._writers.release()

    def pragmas(self, info: dict[str, Any], *, durable: bool) -> list[str]:
        """Return what a SQLite connection must be told before the holder of the write lock writes.

        It then waits for other processes as well, in steps of a tenth of a second; and a durable commit
        returns once the data is on disk. `info` is the connection's, which remembers what it was told.
        """
        left = max(_SHORTEST_BUSY_SECONDS, self._write_until - time.monotonic())
        wanted = {
            "busy_timeout": str(math.ceil(left * 10) * 100),
            "synchronous": "FULL" if durable else "NORMAL",
        }
        known = info.setdefault("pragmas", {})
        changed = {name: value for name, value in wanted.items() if known.get(name) != value}
        known.update(changed)
        return [f"PRAGMA {name}={value}" for name, value in changed.items()]

    def _begin_sqlite(self, connection: Any) -> None:
        if connection.get_execution_options().get("writes"):
            # A single-use token must survive a power cut.
            for statement in (*self.pragmas(connection.info, durable=True), "BEGIN IMMEDIATE"):
                connection.exec_driver_sql(statement)
        else:
            connection.exec_driver_sql("BEGIN")

    def connections_in_use(self) -> int:
        """Return how many connections of this process somebody holds at this moment."""
        engines = {self.engine, self._raw_engine}
        return sum(engine.pool.checkedout() for engine in engines)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        self._raw_engine.dispose()


_READ_ONLY = "25006"  # PostgreSQL's SQLSTATE for a standby or a database that is read-only

_current: Database | None = None


def bind(url: str, *, pool_size: int = 24) -> Database:
    """Make `url` the database of this process and close the previous one."""
    global _current
    if _current is not None:
        _current.close()
    _current = Database(url, pool_size=pool_size)
    return _current


def current() -> Database:
    """Return the database of this process. Raises RuntimeError before `bind`."""
    if _current is None:
        raise RuntimeError("no database is bound: the factory calls database.bind()")
    return _current


def transaction() -> contextlib.AbstractContextManager[Session]:
    """A session on the bound database that commits on return and rolls back on a raise."""
    return current().transaction()


def reading() -> contextlib.AbstractContextManager[Session]:
    """A session on the bound database for reading only."""
    return current().reading()


def snapshot() -> contextlib.AbstractContextManager[Session]:
    """A session on the bound database for several reads of one moment."""
    return current().snapshot()


def upsert_into(model: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """INSERT INTO the table of `model`; takes `on_conflict_do_nothing()` and `on_conflict_do_update()`."""
    return sqlite.insert(model) if current().is_sqlite else postgresql.insert(model)


@contextlib.contextmanager
def _as_unavailable() -> Iterator[None]:
    """Turn database trouble (down, locked, full, pool exhausted) into a 503 with a sentence."""
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable() from error
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlstate", None) == _READ_ONLY:
            raise Unavailable() from error
        raise


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # _begin_sqlite sends BEGIN itself
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        f"busy_timeout={_LOCK_SECONDS * 1000:.0f}",
        "cache_size=-16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
