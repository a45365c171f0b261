"""A backup as a temporary SQLite database with this release's migrations, for checking and for restoring."""

import contextlib
import datetime
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app import database, migration_state
from app.backup import files
from app.backup.files import BackupRefused
from app.config import ROOT
from app.database import Database

_SQLITE, _POSTGRES = b"SQLite format 3\x00", b"PGDMP"
_BATCH = 5_000


@contextlib.contextmanager
def load(path: Path) -> Iterator[tuple[Database, str]]:
    """The image of a backup, bound as this process's database, and the migration the backup was made at.

    The database that was bound before is bound again afterwards. Raises BackupRefused.
    """
    before = database.current().url
    with tempfile.TemporaryDirectory(prefix="patchbay-restore-") as folder:  # readable by its owner only
        place = Path(folder) / "image.db"
        kind = _kind_of(path)
        revision = _copy_sqlite(path, place) if kind == _SQLITE else _load_postgres(path, place)
        try:
            migrate(f"sqlite:///{place}")
            yield database.bind(f"sqlite:///{place}"), revision
        finally:
            database.bind(before)


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a migration of this release."""
    from alembic import command  # not at the start of every process: app/migration_state.py
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, revision)


def _kind_of(path: Path) -> bytes:
    if not path.is_file():
        raise BackupRefused(f"There's no backup at {path}. Check the path.")
    with path.open("rb") as file:
        start = file.read(len(_SQLITE))
    for kind in (_SQLITE, _POSTGRES):
        if start.startswith(kind):
            return kind
    raise BackupRefused(
        f"{path} is not a backup: neither a SQLite file nor a dump of pg_dump in custom format."
    )


def _copy_sqlite(path: Path, place: Path) -> str:
    shutil.copyfile(path, place)
    try:
        with contextlib.closing(sqlite3.connect(place)) as connection:
            [(verdict,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error as error:
        raise BackupRefused(f"{path} is damaged ({error}). Take another backup.") from error
    if verdict != "ok":
        raise BackupRefused(f"{path} is damaged: SQLite's check failed. Take another backup.")
    return _known(found[0][0] if found else None)


def _known(revision: str | None) -> str:
    if revision is None or revision not in migration_state.known_revisions():
        raise BackupRefused(
            f"The backup is at migration {revision or 'none'}, which this release doesn't know. Restore it "
            "with the release that made it, or a later one."
        )
    return revision


# --- a dump of PostgreSQL ---


def _load_postgres(path: Path, place: Path) -> str:
    """Load the rows of a dump, as `pg_restore` writes them out for COPY, into an image at its migration."""
    restore = [files.find_tool("pg_restore"), "--data-only", "--file=-"]
    only_revision = _tables_in(files.read_tool([*restore, "--table=alembic_version", str(path)]))
    revision = _known(next((row[0] for _, _, rows in only_revision for row in rows), None))
    migrate(f"sqlite:///{place}", revision)
    with contextlib.closing(sqlite3.connect(place)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM pragma_table_list WHERE type = 'table'")
        ]
        names = [n for n in names if not n.startswith("sqlite_") and n != "alembic_version"]
        for name in names:
            connection.execute(f'DELETE FROM "{name}"')  # noqa: S608 - our own tables
        for name, columns, rows in _tables_in(files.read_tool([*restore, str(path)])):
            if name in names:
                _insert(connection, name, columns, rows)
            else:
                for _ in rows:
                    pass
        connection.commit()
        if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise BackupRefused(f"{path} is not whole: rows of {broken[0]} refer to missing ones.")
    return revision


def _tables_in(lines: Iterator[str]) -> Iterator[tuple[str, list[str], Iterator[list[str | None]]]]:
    """Each table of a dump: its name, its columns and its rows, which must be read before the next."""
    for line in lines:
        if line.startswith("COPY ") and line.endswith(" FROM stdin;\n"):
            target, _, rest = line.removeprefix("COPY ").partition(" (")
            columns = [each.strip().strip('"') for each in rest.rpartition(")")[0].split(",")]
            yield target.rpartition(".")[2].strip('"'), columns, _rows(lines)


def _rows(lines: Iterator[str]) -> Iterator[list[str | None]]:
    for line in lines:
        if line == "\\.\n":
            return
        yield [None if each == "\\N" else _unescaped(each) for each in line[:-1].split("\t")]


_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    parts, rest = [], iter(value)
    for character in rest:
        if character == "\\":
            following = next(rest, "")
            parts.append(_ESCAPES.get(following, following))
        else:
            parts.append(character)
    return "".join(parts)


def _insert(
    connection: sqlite3.Connection, table: str, columns: list[str], rows: Iterator[list[str | None]]
) -> None:
    declared = {row[1]: row[2] for row in connection.execute(f'PRAGMA table_info("{table}")')}
    if unknown := set(columns) - declared.keys():
        raise BackupRefused(f"The dump has columns of {table} that its release had not: {sorted(unknown)}.")
    converters = [_converter(declared[column]) for column in columns]
    names, marks = ", ".join(f'"{column}"' for column in columns), ", ".join("?" for _ in columns)
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 - our own tables and columns
    connection.executemany(
        statement,
        (
            [
                None if value is None else convert(value)
                for convert, value in zip(converters, row, strict=True)
            ]
            for row in rows
        ),
    )


def _converter(declared: str) -> Callable[[str], Any]:
    """How SQLAlchemy stores a value of a column of that type on SQLite."""
    kind = declared.upper().split("(")[0].strip()
    if kind in {"DATETIME", "TIMESTAMP"}:
        return _moment
    if kind == "BOOLEAN":
        return lambda value: int(value == "t")
    if kind in {"INTEGER", "BIGINT", "SMALLINT"}:
        return int
    if kind in {"FLOAT", "REAL", "DOUBLE PRECISION", "DOUBLE"}:
        return float
    if kind in {"BLOB", "BINARY"}:
        return lambda value: bytes.fromhex(value.removeprefix("\\x"))
    return str


def _moment(value: str) -> str:
    at = datetime.datetime.fromisoformat(value)
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
