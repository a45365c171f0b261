"""Migrations and models agree; running the migrations twice or concurrently is safe."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from app import database
from app.memory.models import is_described
from tests.conftest import both_databases
from tests.support import databases


@both_databases
def test_the_migrated_database_has_what_the_models_say(app):
    with database.current().engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": False, "include_name": is_described}
        )
        differences = compare_metadata(context, SQLModel.metadata)
    assert differences == [], "Make a migration: python -m alembic revision --autogenerate -m 'what it adds'"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.needs_postgres)])
def test_two_hosts_that_migrate_at_once_both_succeed(kind, tmp_path, environ):
    name = None
    if kind == "postgres":
        url, name = databases.new_empty_postgres()
    else:
        url = f"sqlite:///{tmp_path}/both.db"

    def migrate(_):
        return subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=databases.ROOT,
            env={**environ, "DATABASE_URL": url},
            capture_output=True,
        ).returncode

    try:
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(migrate, range(3))) == [0, 0, 0]
    finally:
        if name:
            databases.drop_postgres(name)
