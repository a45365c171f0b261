"""The migration state, read without Alembic, is what Alembic itself says."""

import subprocess
import sys

import pytest
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from app import database, migration_state
from tests.conftest import both_databases
from tests.support.databases import ROOT


@pytest.fixture
def scripts():
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return ScriptDirectory.from_config(config)


def test_the_migrations_of_this_release_are_those_alembic_finds(scripts):
    assert migration_state.newest_revision() == scripts.get_current_head()
    assert migration_state.known_revisions() == {each.revision for each in scripts.walk_revisions()}


@both_databases
def test_the_migration_of_a_database_is_the_one_alembic_reads(app):
    def both():
        with database.current().engine.connect() as connection:
            of_alembic = MigrationContext.configure(connection).get_current_revision()
            return migration_state.revision_of(connection), of_alembic

    assert both() == (migration_state.newest_revision(),) * 2
    with database.transaction() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        assert both() == ("0001", "0001")
    finally:
        with database.transaction() as db:
            newest = migration_state.newest_revision()
            db.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})


def test_a_database_without_tables_is_at_none(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/empty.db")
    with engine.connect() as connection:
        assert migration_state.revision_of(connection) is None
    engine.dispose()


def test_the_application_starts_without_alembic():
    program = "import sys, app.factory; app.factory.import_all(); sys.exit('alembic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr or "something imports alembic: app/migration_state.py says why not"
