"""A fresh migrated database for a test, made by copying one that was migrated once."""

import atexit
import functools
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config

from tests.support.services import POSTGRES

ROOT = Path(__file__).resolve().parents[2]


def migrate(url: str, revision: str = "head") -> None:
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = url
    command.upgrade(config, revision)


_templates: list[str] = []


@functools.cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="patchbay-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "template.db"
    migrate(f"sqlite:///{path}")
    return path


def new_sqlite(folder: Path) -> str:
    path = folder / f"{uuid.uuid4().hex}.db"
    shutil.copy(_sqlite_template(), path)
    return f"sqlite:///{path}"


def _admin(statement: str) -> None:
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


@functools.cache
def _postgres_template() -> str:
    name = f"patchbay_template_{os.getpid()}_{uuid.uuid4().hex[:6]}"
    _admin(f'CREATE DATABASE "{name}"')
    _templates.append(name)
    migrate(_postgres_url(name))
    return name


def _postgres_url(name: str) -> str:
    return POSTGRES.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + "/" + name


def new_postgres() -> tuple[str, str]:
    """The URL and the name of a new database; give the name to `drop_postgres`."""
    name = f"patchbay_test_{uuid.uuid4().hex[:12]}"
    _admin(f'CREATE DATABASE "{name}" TEMPLATE "{_postgres_template()}"')
    return _postgres_url(name), name


def new_empty_postgres() -> tuple[str, str]:
    """Like `new_postgres`, without tables."""
    name = f"patchbay_test_{uuid.uuid4().hex[:12]}"
    _admin(f'CREATE DATABASE "{name}"')
    return _postgres_url(name), name


def drop_template() -> None:
    """Remove what this process copied databases from. Called at the end: a worker of pytest-xdist runs no
    exit handlers.
    """
    while _templates:
        _drop(_templates.pop())


def _drop(name: str) -> None:
    _admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


drop_postgres = _drop
