"""Rows that the database itself makes: `INSERT … SELECT … FROM series`, so that millions take seconds.

A column that nobody names takes the default of its model, or the empty value of its type.
"""

import json
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import JSON, Boolean, Float, Integer, text
from sqlmodel import SQLModel

from app import database

_CHUNK = 200_000
_SERIES = {
    "sqlite": "WITH RECURSIVE s(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM s WHERE i < {last})",
    "postgresql": "WITH s(i) AS (SELECT generate_series(CAST({first} AS BIGINT), CAST({last} AS BIGINT)))",
}
# So many seconds before now, and before the last midnight in UTC. The forms are those that models store.
_AGO = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || ({seconds}) || ' seconds')",
    "postgresql": "now() - ({seconds}) * INTERVAL '1 second'",
}
_BEFORE_TODAY = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', 'start of day', '-' || ({seconds}) || ' seconds')",
    "postgresql": "date_trunc('day', now(), 'UTC') - ({seconds}) * INTERVAL '1 second'",
}


def dialect() -> str:
    """Of the bound database: sqlite or postgresql."""
    return database.current().engine.dialect.name


def ago(seconds: str | timedelta) -> str:
    """The moment so many seconds (SQL, whole numbers) before now; negative ones are ahead."""
    return _moment(_AGO, seconds)


def before_today(seconds: str) -> str:
    """The moment so many seconds (SQL, whole numbers) before the last midnight in UTC."""
    return _moment(_BEFORE_TODAY, seconds)


def _moment(forms: dict[str, str], seconds: str | timedelta) -> str:
    given = str(int(seconds.total_seconds())) if isinstance(seconds, timedelta) else seconds
    form = forms[dialect()].format(seconds=given)
    return form.replace("'-' || ", "") if given.startswith("-") and dialect() == "sqlite" else form


def one_of(choices: list[str], number: str) -> str:
    """The choice at a number (SQL, not negative), round and round."""
    cases = " ".join(f"WHEN {place} THEN '{choice}'" for place, choice in enumerate(choices))
    return f"CASE ({number}) % {len(choices)} {cases} END"


def add(model: type[SQLModel], count: int, source: str = "SELECT i FROM s", /, **columns: str) -> None:
    """Insert so many rows. `columns` are SQL over the number `i` from 1, or over the columns of `source`."""
    table = model.__table__  # type: ignore[attr-defined]
    given = {**_defaults(model), **columns}
    names = ", ".join(f'"{name}"' for name in given)
    for first in range(1, count + 1, _CHUNK):
        series = _SERIES[dialect()].format(first=first, last=min(first + _CHUNK - 1, count))
        run(
            f"INSERT INTO {table.name} ({names}) {series} "
            f"SELECT {', '.join(given.values())} FROM ({source}) AS w"
            if dialect() == "sqlite"
            else f"{series} INSERT INTO {table.name} ({names}) "
            f"SELECT {', '.join(given.values())} FROM ({source}) AS w"
        )


def run(*statements: str) -> None:
    """Execute statements without parameters in one transaction, however long they take."""
    with database.transaction() as db:
        if dialect() == "postgresql":
            db.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in statements:
            db.execute(text(statement.replace(":", r"\:")))


def analyze() -> None:
    """Tell the planner what is stored, as autovacuum does (SQLite: `PRAGMA optimize`, on request)."""
    engine = database.current().engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if dialect() == "postgresql":
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))


def _defaults(model: type[SQLModel]) -> dict[str, str]:
    return dict(_default_of(model))


def _default_of(model: type[SQLModel]) -> Iterator[tuple[str, str]]:
    for column in model.__table__.columns:  # type: ignore[attr-defined]
        if column.nullable or (column.primary_key and isinstance(column.type, Integer)):
            continue
        info = model.model_fields[column.name]
        value = None if info.is_required() else info.get_default(call_default_factory=True)
        if isinstance(column.type, JSON):
            yield column.name, f"'{json.dumps(value if value is not None else {})}'"
        elif isinstance(column.type, Boolean):
            yield column.name, "true" if value else "false"
        elif isinstance(column.type, (Integer, Float)):
            yield column.name, str(value or 0)
        else:
            yield column.name, f"'{value or ''}'"
