"""`database copy`: everything moves to another database of either kind, and nothing is overwritten."""

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from app import audit, clock, config, database
from app.activity import sealing
from app.factory import create_app
from app.memory.models import Note
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.support import databases


def run(app, *words, status=0):
    ran = app.test_cli_runner().invoke(args=list(words))
    assert ran.exit_code == status and "Traceback" not in ran.output, ran.output
    return ran.output


def everything():
    """Every row of every table, as text."""
    with database.reading() as db:
        return {
            table.name: sorted(repr(tuple(row)) for row in db.execute(select(table)))
            for table in SQLModel.metadata.sorted_tables
        }


@pytest.fixture
def targets(tmp_path):
    """`targets("postgres")`: the URL of an empty database of that kind."""
    made = []

    def _target(kind):
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'target.db'}"
        url, name = databases.new_empty_postgres()
        made.append(name)
        return url

    yield _target
    for name in made:
        databases.drop_postgres(name)


@pytest.mark.needs_postgres
@pytest.mark.parametrize(
    ("database_kind", "kind"), [("sqlite", "postgres"), ("postgres", "sqlite"), ("postgres", "postgres")]
)
def test_everything_arrives_and_works(
    app, people, connect, provider, environ, settings, targets, database_kind, kind
):
    connection = connect("graceful")
    with database.transaction() as db:
        at = clock.now()
        db.add(
            Note(
                id="not_1",
                workspace_id=people.northwind.id,
                owner_id=people.alice.id,
                title="Ü",
                text="a\n\tb",
                words="ü",
                created_at=at,
                updated_at=at,
            )
        )
        for number in range(3):
            audit.record(db, "person.signed_in", user_id=people.alice.id, rounds=number, ratio=0.5)
    sealing.seal()
    sealing.seal()  # also what the first wrote: that a chain began
    before, target = everything(), targets(kind)
    output = run(app, "database", "copy", target.replace("+psycopg", ""))
    assert "rows copied and counted" in output and "The audit trail is as written" in output
    assert "users: 4 of 4" in output, "progress"
    assert everything() == before, "the source stays as it is"
    second = create_app(config.load({**environ, "DATABASE_URL": target}))
    assert everything() == before
    assert TokenVault(settings, connection).bearer() in provider.access
    with database.transaction() as db:  # the next number is free
        audit.record(db, "person.signed_in", user_id=people.alice.id)
    assert "unchanged" in run(second, "audit", "verify")
    assert "in use" in run(second, "database", "copy", settings.database_url, status=1)
    database.current().close()


@both_databases
def test_a_target_that_is_in_use_wrong_or_the_same_is_refused(
    app, people, settings, tmp_path, environ, database_kind
):
    before = everything()
    used = databases.new_sqlite(tmp_path)
    for url, status, words in (
        (settings.database_url, 1, "is the database of DATABASE_URL itself"),
        ("mysql://u:hidden@h/x", 2, "It must be postgresql://"),
        ("nonsense", 2, "It must be postgresql://"),
        ("postgresql://u:hidden@127.0.0.1:1/x", 1, "The target can't be used"),
    ):
        text = run(app, "database", "copy", url, status=status)
        assert words in text and "hidden" not in text.splitlines()[-1], text
    create_app(config.load({**environ, "DATABASE_URL": used}))
    with database.transaction() as db:
        db.add(type(people.bob)(id="usr_x", email="x@example.com", name="X", created_at=clock.now()))
    again = create_app(settings)
    assert "The target database is in use" in run(again, "database", "copy", used, status=1)
    assert everything() == before
