"""Why a command failed, as one sentence that names the cause and the next step. No traceback, exit status 1.

One mechanism for all commands: `install` goes through everything that is registered. Before a command runs,
the database is checked as `/ready` does it: an old schema would fail somewhere in the middle. With
LOG_LEVEL=DEBUG the log has the traceback.
"""

import functools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask
from sqlalchemy import URL, Engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from app import config, database, environment, migration_state
from app.config import Settings
from app.errors import ConfigError, PatchbayError, Unavailable

log = logging.getLogger(__name__)
_Callback = TypeVar("_Callback", bound=Callable[..., Any])
_MIGRATE = "python -m alembic upgrade head"


def install(app: Flask, settings: Settings) -> None:
    """Guard every command registered so far. Call it last."""
    for command in leaves(app.cli):
        if command.callback is not None:
            command.callback = _guarded(command.callback, settings)


def leaves(group: click.Group) -> Iterator[click.Command]:
    """Every command of a group and of its groups."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from leaves(command)
        else:
            yield command


def without_database(callback: _Callback) -> _Callback:
    """Mark a command that works without a database."""
    callback.without_database = True  # type: ignore[attr-defined]
    return callback


def may_create_database(callback: _Callback) -> _Callback:
    """Mark a command that takes an empty or missing database, and checks it itself."""
    callback.may_create_database = True  # type: ignore[attr-defined]
    return callback


def explain(error: BaseException) -> str:
    """The cause and the next step, as a sentence. Quotes no setting that could hold a secret."""
    cause = error
    while isinstance(cause, Unavailable) and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, PatchbayError):
        return cause.message
    if isinstance(cause, SQLAlchemyError):
        return _explain_database(cause)
    if isinstance(cause, OSError):
        where = f"“{cause.filename}”" if cause.filename else "a file or connection"
        why = (cause.strerror or type(cause).__name__).lower()
        return f"{where} can't be used ({why}). Correct its permissions, or set another INSTANCE_DIR."
    return (
        f"an unexpected {type(cause).__name__} stopped it. Run it again with LOG_LEVEL=DEBUG to see where, "
        "and report that."
    )


def database_trouble(engine: Engine) -> str:
    """What keeps this release from working with the database, as a sentence, or ""."""
    path = _sqlite_path(engine.url)
    if path is not None and not path.exists():  # connecting would create an empty one
        if path.parent.is_dir():
            return f"There's no database yet at {path}. Run: {_MIGRATE} (`make run` does that by itself)."
        return f"There's no directory {path.parent} for the database. Create it, or correct DATABASE_URL."
    try:
        with engine.connect() as connection:
            present = migration_state.revision_of(connection)
    except SQLAlchemyError as error:
        return explain(error)
    needed = migration_state.newest_revision()
    if present == needed:
        return ""
    if present is None:
        return f"The database has no tables yet. Run: {_MIGRATE} (`make run` does that by itself)."
    if present in migration_state.known_revisions():
        return f"The database is at migration {present} and this release needs {needed}. Run: {_MIGRATE}."
    return (
        f"The database is at migration {present}, which this release doesn't know: a newer release migrated "
        "it. Run the command with that release."
    )


def is_empty(engine: Engine) -> bool:
    """Whether there is no database yet where one can be created, or one without tables."""
    path = _sqlite_path(engine.url)
    if path is not None and not path.exists():
        return path.parent.is_dir()
    try:
        with engine.connect() as connection:
            return not inspect(connection).get_table_names()
    except SQLAlchemyError:
        return False


def _guarded(callback: Callable[..., Any], settings: Settings) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*args: Any, **options: Any) -> Any:
        try:
            needs_database = not (
                getattr(callback, "without_database", False)
                or (getattr(callback, "may_create_database", False) and is_empty(database.current().engine))
            )
            if needs_database and (trouble := database_trouble(database.current().engine)):
                raise click.ClickException(trouble)
            return callback(*args, **options)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # a reader that has enough, such as `head`, is no failure to explain: click ends quietly
        except Exception as error:
            log.debug("the command failed", exc_info=error)
            raise click.ClickException(_capitalized(explain(error))) from None

    return run


def _capitalized(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _sqlite_path(url: URL) -> Path | None:
    is_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
    return Path(url.database or "") if is_file else None


def _explain_database(error: SQLAlchemyError) -> str:
    if isinstance(error, ArgumentError):  # also an unknown kind of database
        return "DATABASE_URL names no database this release knows. Use postgresql://… or sqlite:///…."
    text = str(getattr(error, "orig", None) or error).lower()
    url = _database_url()
    if url is None:
        return "The database can't be used. Check DATABASE_URL and the database server."
    if (path := _sqlite_path(url)) is not None:
        for words, sentence in _SQLITE:
            if words in text:
                return sentence.format(path=path)
        return f"The database {path} can't be used. Check the file, its directory and the free space."
    where = f"{url.host or 'localhost'}:{url.port or 5432}"
    for words, sentence in _POSTGRES:
        if words in text:
            return sentence.format(where=where, name=url.database, user=url.username)
    return f"PostgreSQL at {where} can't be reached. Start it, or correct DATABASE_URL."


_SQLITE = (
    ("readonly", "The database {path} is read-only. Make the file and its directory writable for this user."),
    (
        "unable to open",
        "The database {path} can't be opened. Make its directory writable, or set INSTANCE_DIR.",
    ),
    ("not a database", "{path} isn't a SQLite database. Correct DATABASE_URL, or restore the file."),
    ("malformed", "The database {path} is damaged. Restore it from a backup."),
    ("locked", "The database {path} is busy. Try again when the other program is done."),
    ("full", "The disk of {path} is full. Free some space and try again."),
)
_POSTGRES = (
    (
        "does not exist",
        "PostgreSQL at {where} has no such database or user. Create it, or correct DATABASE_URL.",
    ),
    ("authentication", "PostgreSQL at {where} refused the user or password. Correct DATABASE_URL."),
    ("password", "PostgreSQL at {where} refused the user or password. Correct DATABASE_URL."),
    (
        "permission denied",
        "PostgreSQL at {where} denies this user a right it needs. Grant it, or use the owner.",
    ),
    ("read-only", "PostgreSQL at {where} is read-only. Connect to the primary."),
    ("timeout", "PostgreSQL at {where} didn't answer in time. Try again, or check the server."),
    (
        "too many",
        "PostgreSQL at {where} has no free connection. Raise max_connections, or lower DATABASE_CONNECTIONS.",
    ),
)


def _database_url() -> URL | None:
    """The database of this process, or the one that would be used."""
    try:
        return database.current().engine.url
    except RuntimeError:
        pass
    try:
        return make_url(config.load(environment.read()).database_url)
    except (ConfigError, OSError, ArgumentError):
        return None
