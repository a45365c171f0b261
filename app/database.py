"""One way to the database: `transaction()` to change something, `reading()` to look.

Work that returns commits; work that raises rolls back. On SQLite a transaction begins with
BEGIN IMMEDIATE, because SELECT … FOR UPDATE is silently a plain SELECT there: the write lock is
what makes "look, then change" one step. Writers of one process queue on a lock of ours first,
which is fair, where SQLite's own busy handler sleeps and guesses.

Never hold either open across a call to a service.
"""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Engine, PoolProxiedConnection, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from app import clock
from app.errors import Unavailable

_POSTGRES_OPTIONS = "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s"

# Nobody holds a connection while waiting for a service, so a few serve all threads of a process.
_CONNECTIONS, _LOOKERS = 12, 8


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes, on PostgreSQL and on SQLite (which forgets time zones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Refuse naive datetimes, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database: use clock.now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Give back aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """An engine and its rules. One per process: threads share it, forked workers make their own."""

    def __init__(self, url: str, *, pool_size: int = 32) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._writers = threading.Lock()
        if self.is_sqlite:
            self.engine: Engine = create_engine(
                url,
                pool_size=pool_size,
                max_overflow=8,
                pool_timeout=10,
                hide_parameters=True,
                connect_args={"check_same_thread": False, "timeout": 15},
            )
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._reader: Engine = self.engine
            self._snapshots: Engine = self.engine
            self._looker = self.engine
            self._writer: Engine = self.engine.execution_options(writes=True)
        else:
            self.engine = create_engine(
                url,
                pool_size=min(pool_size, _CONNECTIONS),
                max_overflow=4,
                pool_timeout=10,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": 5, "options": _POSTGRES_OPTIONS},
            )
            # One statement is its own snapshot: a look-up needs no BEGIN and no ROLLBACK round trip.
            self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._snapshots = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._looker = create_engine(
                url,
                pool_size=min(pool_size, _LOOKERS),
                max_overflow=0,
                isolation_level="AUTOCOMMIT",
                hide_parameters=True,
                connect_args={
                    "connect_timeout": 5,
                    "options": _POSTGRES_OPTIONS + " -c synchronous_commit=off",
                },
            )
            self._writer = self.engine

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block returns and rolls back when it raises."""
        with _as_unavailable(), self._writers if self.is_sqlite else contextlib.nullcontext():
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for looking. What it loads stays readable after it closes."""
        with _as_unavailable(), Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session for looking several times at one moment: what others commit meanwhile is not seen."""
        with _as_unavailable(), Session(self._snapshots, expire_on_commit=False, autoflush=False) as session:
            yield session

    def now(self, session: Session) -> datetime:
        """The clock that leases go by: the database's, where several hosts share one."""
        if self.is_sqlite:
            return clock.now()
        at: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        return at.astimezone(UTC)

    @contextlib.contextmanager
    def looker(self) -> Iterator[PoolProxiedConnection]:
        """A pooled driver connection where each statement stands alone, for `app.fast_queries` and the
        ledger.
        """
        try:
            connection = self._looker.raw_connection()
        except (self._looker.dialect.loaded_dbapi.Error, PoolTimeout) as error:
            raise Unavailable() from error
        try:
            yield connection
        finally:
            connection.close()

    def forget_lookers(self) -> None:
        """Close the idle driver connections: the database was restarted under them."""
        self._looker.dispose()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Queue with the other writers of this process (SQLite lets one write at a time)."""
        with self._writers if self.is_sqlite else contextlib.nullcontext():
            yield

    def close(self) -> None:
        """Give every pooled connection back."""
        self.engine.dispose()
        self._looker.dispose()


_READ_ONLY = "25006"  # PostgreSQL's word for a standby or a database that was switched to reading only

_current: Database | None = None


def bind(url: str, *, pool_size: int = 32) -> Database:
    """Make `url` the database of this process, closing the one before."""
    global _current
    if _current is not None:
        _current.close()
    _current = Database(url, pool_size=pool_size)
    return _current


def current() -> Database:
    """The database of this process. Raises RuntimeError before `bind`."""
    if _current is None:
        raise RuntimeError("no database is bound: the factory calls database.bind()")
    return _current


def transaction() -> contextlib.AbstractContextManager[Session]:
    """A session on the bound database that commits on return and rolls back on a raise."""
    return current().transaction()


def reading() -> contextlib.AbstractContextManager[Session]:
    """A session on the bound database for looking only."""
    return current().reading()


def snapshot() -> contextlib.AbstractContextManager[Session]:
    """A session on the bound database for looking several times at one moment."""
    return current().snapshot()


@contextlib.contextmanager
def _as_unavailable() -> Iterator[None]:
    """Database trouble (gone, locked, full, pool empty) is a 503 with a sentence, not a stack trace."""
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable() from error
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlstate", None) == _READ_ONLY:
            raise Unavailable() from error
        raise


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=15000", "cache_size=-16000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    if connection.get_execution_options().get("writes"):
        # On disk when the commit returns: what a service gave once (a refresh token) must survive a power
        # cut.
        connection.exec_driver_sql("PRAGMA synchronous=FULL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
