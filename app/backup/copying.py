"""Copy every row from one database to another, between any two kinds, in one transaction of the target."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Table, delete, func, inspect, select, text
from sqlmodel import SQLModel

from app.database import Database
from app.errors import InvalidInput

_BATCH = 1_000
# Rows that a web process writes by itself, without anybody having used the installation.
_WRITTEN_BY_ITSELF = {"vault_key_proofs", "job_turns", "usage_marks", "mail_health", "running_hosts"}

Progress = Callable[[str, int, int], None]


class TargetInUse(InvalidInput):
    """The target holds rows already."""

    code = "TARGET_IN_USE"
    message = "The target database is in use: it holds rows already. Nothing was changed."


def copy_all(
    source: Database,
    target: Database,
    *,
    replace: bool = False,
    progress: Progress = lambda table, done, total: None,
) -> int:
    """Copy all tables of this release in order of their foreign keys. Returns how many rows.

    Both must have this release's migrations. Raises TargetInUse unless `replace`, and changes nothing then or
    when anything fails. Calls `progress` with the table, the rows done and the rows of the table.
    """
    tables = SQLModel.metadata.sorted_tables
    with source.snapshot() as reading, target.transaction() as writing:
        old, new = reading.connection(), writing.connection()
        _be_patient(old)
        _be_patient(new)
        if new.dialect.name == "postgresql":  # others may read on, and write once this is over
            names = ", ".join(f'"{table.name}"' for table in tables)
            new.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        if not replace and _is_in_use(new):
            raise TargetInUse()
        for table in reversed(tables):
            new.execute(delete(table))
        copied = {table.name: _copy_table(old, new, table, progress) for table in tables}
        _verify(new, copied)
        if new.dialect.name == "postgresql":
            _set_sequences(new, tables)
    return sum(copied.values())


def _is_in_use(target: Connection) -> bool:
    tables = (t for t in SQLModel.metadata.sorted_tables if t.name not in _WRITTEN_BY_ITSELF)
    return any(target.execute(select(1).select_from(table).limit(1)).first() for table in tables)


def _copy_table(source: Connection, target: Connection, table: Table, progress: Progress) -> int:
    total = source.execute(select(func.count()).select_from(table)).scalar_one()
    done = 0
    rows = source.execute(select(table), execution_options={"yield_per": _BATCH})
    for batch in rows.mappings().partitions():
        target.execute(table.insert(), [dict(row) for row in batch])
        done += len(batch)
        progress(table.name, done, total)
    return done


def _verify(target: Connection, copied: Mapping[str, int]) -> None:
    for table in SQLModel.metadata.sorted_tables:
        found = target.execute(select(func.count()).select_from(table)).scalar_one()
        if found != copied[table.name]:
            raise InvalidInput(
                f"{copied[table.name]:,} rows of {table.name} were copied and {found:,} arrived. Nothing was "
                "changed. Stop every web process of the target and try again."
            )


def _set_sequences(target: Connection, tables: list[Table]) -> None:
    for table in tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = target.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": table.name, "column": column.name},
        ).scalar()
        if sequence is not None:
            last = target.execute(select(func.max(column))).scalar()
            target.execute(
                text("SELECT setval(CAST(:sequence AS regclass), :last, :used)"),
                {"sequence": sequence, "last": last or 1, "used": last is not None},
            )


def _be_patient(connection: Connection) -> None:
    """One copy may take longer than any request may: while one side works, the other waits."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def has_tables(bound: Database) -> bool:
    """Whether a database holds any table."""
    return bool(inspect(bound.engine).get_table_names())
