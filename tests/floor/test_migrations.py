"""Migrations and models agree; running the migrations twice or concurrently is safe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from app import database
from app.memory.models import is_described
from tests.conftest import both_databases
from tests.support import databases, forks


@both_databases
def test_the_migrated_database_has_what_the_models_say(app):
    with database.current().engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": False, "include_name": is_described}
        )
        differences = compare_metadata(context, SQLModel.metadata)
    assert differences == [], "Make a migration: python -m alembic revision --autogenerate -m 'what it adds'"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.needs_postgres)])
def test_two_hosts_that_migrate_at_once_both_succeed(kind, tmp_path):
    name = None
    if kind == "postgres":
        url, name = databases.new_empty_postgres()
    else:
        url = f"sqlite:///{tmp_path}/both.db"

    hosts = [forks.CONTEXT.Process(target=databases.migrate, args=(url,)) for _ in range(3)]
    try:
        for host in hosts:
            host.start()
        for host in hosts:
            host.join()
        assert [host.exitcode for host in hosts] == [0, 0, 0]
    finally:
        if name:
            databases.drop_postgres(name)
