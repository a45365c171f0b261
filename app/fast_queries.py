"""Look-ups that every request makes: compiled once, run on a pooled connection without a session or a
transaction.

`reading()` is the ordinary way to the database. This is the short one, for the few SELECTs on the
path of every tool call; one statement is its own snapshot.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, PoolProxiedConnection
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm.attributes import manager_of_class
from sqlmodel import SQLModel

from app import database
from app.database import Database
from app.errors import Unavailable

_Processor = Callable[[Any], Any] | None


class Prepared:
    """A statement with named parameters, compiled once per kind of database.

    >>> FIND = Prepared(select(User.id).where(User.email == bindparam("email")))
    >>> FIND.rows(email="alice@example.com")
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}
        self._lock = threading.Lock()

    def rows(self, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a SELECT, on its own. Raises Unavailable when the database cannot be asked."""
        bound = database.current()
        form = self.form(bound.engine.dialect)
        return form.read(_look(bound, form.sql, form.fill(parameters)))

    def first(self, **parameters: Any) -> tuple[Any, ...] | None:
        """The first row, or None. Raises Unavailable when the database cannot be asked."""
        found = self.rows(**parameters)
        return found[0] if found else None

    def form(self, dialect: Dialect) -> "_Form":
        """The statement as this kind of database takes it."""
        found = self._forms.get(dialect.name)
        if found is None:
            with self._lock:
                found = self._forms[dialect.name] = _Form(self._statement, dialect)
        return found


class _Form:
    """The text of a statement for one kind of database, and how values go in and come out."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._names: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._into: dict[str, Callable[[Any], Any]] = {}
        for parameter in compiled.binds.values():
            process = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            if process:
                self._into[parameter.key] = process
        columns = getattr(statement, "selected_columns", ())
        self._out_of: list[_Processor] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]

    def fill(self, parameters: Mapping[str, Any]) -> Any:
        """The values in the driver's own order and types."""
        given = {**self._constants, **parameters}
        for name, process in self._into.items():
            given[name] = process(given[name])
        return [given[name] for name in self._names] if self._names is not None else given

    def read(self, rows: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The driver's rows as Python values."""
        if not any(self._out_of):
            return list(rows)
        return [
            tuple(
                process(value) if process else value for process, value in zip(self._out_of, row, strict=True)
            )
            for row in rows
        ]


class Writing:
    """A short transaction of prepared statements."""

    def __init__(self, cursor: Any, dialect: Dialect) -> None:
        self._cursor = cursor
        self._dialect = dialect

    def run(self, statement: Prepared, **parameters: Any) -> None:
        """Run one statement."""
        form = statement.form(self._dialect)
        self._cursor.execute(form.sql, form.fill(parameters))

    def rows(self, statement: Prepared, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement that returns rows."""
        self.run(statement, **parameters)
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found

    def run_many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each row."""
        form = statement.form(self._dialect)
        self._cursor.executemany(form.sql, [form.fill(row) for row in rows])


Row = TypeVar("Row", bound=SQLModel)


def detached(model: type[Row], values: Mapping[str, Any]) -> Row:
    """A table's object made of a look-up's values, for reading: no session knows it, changes to it are not
    saved.
    """
    instance: Row = manager_of_class(model).new_instance()
    instance.__dict__.update(values)
    return instance


@contextlib.contextmanager
def writing() -> Iterator[Writing]:
    """A transaction of prepared statements that commits on return and rolls back on a raise. Raises
    Unavailable.

    It returns before the database's log is on disk: what was written survives our own end, and only a
    crash of the database's machine can cost the last moment. For counting calls, never for tokens.
    """
    bound = database.current()
    dialect = bound.engine.dialect
    with bound.alone(), bound.looker() as connection:
        try:
            cursor = connection.cursor()
            if bound.is_sqlite:
                cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute("BEGIN IMMEDIATE" if bound.is_sqlite else "BEGIN")
            try:
                yield Writing(cursor, dialect)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
            cursor.close()
        except dialect.loaded_dbapi.Error as error:
            _drop(bound, connection, error)
            raise Unavailable() from error


def _look(bound: Database, sql: str, given: Any) -> Sequence[Any]:
    """Run a SELECT. Connections that died (a database restart) are replaced once: looking twice changes
    nothing.
    """
    dialect = bound.engine.dialect
    for tries_left in (1, 0):
        with bound.looker() as connection:
            try:
                cursor = connection.cursor()
                cursor.execute(sql, given)
                rows: Sequence[Any] = cursor.fetchall()
                cursor.close()
                return rows
            except dialect.loaded_dbapi.Error as error:
                if not _drop(bound, connection, error) or not tries_left:
                    raise Unavailable() from error
    raise Unavailable()


def _drop(bound: Database, connection: PoolProxiedConnection, error: Exception) -> bool:
    """Close a connection that failed; True, and the idle ones with it, when the database hung up."""
    hung_up = bound.engine.dialect.is_disconnect(error, connection.driver_connection, None)  # type: ignore[arg-type]
    connection.invalidate()
    if hung_up:
        bound.forget_lookers()
    return hung_up
