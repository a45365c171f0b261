"""What is counted of a database: statements, commits, round trips."""

import pytest
from sqlalchemy import text

from app import database
from bench import wire
from bench.statements import commits_in
from tests.conftest import both_databases


@pytest.mark.parametrize(
    ("commits", "statements"),
    [
        (0, ["SELECT 1", "SELECT 2 FOR UPDATE"]),
        (1, ["INSERT INTO calls VALUES (1)"]),
        (2, ["UPDATE calls SET a = 1", "\n  DELETE FROM calls"]),
        (1, ["BEGIN IMMEDIATE", "INSERT INTO calls VALUES (1)", "INSERT INTO calls VALUES (2)", "COMMIT"]),
        (1, ["BEGIN; SET LOCAL synchronous_commit = off", "INSERT INTO calls VALUES (1)", "COMMIT"]),
        (0, ["BEGIN", "SELECT 1", "COMMIT"]),
        (0, ["BEGIN", "INSERT INTO calls VALUES (1)", "ROLLBACK", "SELECT 1"]),
        (0, ["WITH seen AS (SELECT 1) SELECT * FROM seen"]),
        (1, ["WITH counted AS (\n INSERT INTO calls VALUES (1) RETURNING id) SELECT id FROM counted"]),
        (1, ["WITH counted AS (UPDATE calls SET a = 1 RETURNING id) SELECT id FROM counted"]),
    ],
)
def test_a_commit_is_a_transaction_that_wrote(commits, statements):
    assert commits_in(statements) == commits


@both_databases
def test_a_transaction_is_seen_whole(app, sent):
    with sent() as made:
        with database.transaction() as db:
            db.execute(text("UPDATE users SET name = ''"))
    verbs = [each.split()[0].rstrip(";") for each in made]
    assert verbs[-3:] == ["BEGIN", "UPDATE", "COMMIT"]
    assert commits_in(made) == 1


@pytest.mark.needs_postgres
@pytest.mark.parametrize("database_kind", ["postgres"])
def test_round_trips_are_counted_on_the_wire(app, settings):
    import psycopg

    with wire.relayed(settings.database_url) as (url, trips):
        with psycopg.connect(url, autocommit=True) as connection:

            def count(work):
                before = trips.count
                work()
                return trips.count - before

            assert count(lambda: connection.execute("SELECT 1")) == 1
            assert count(lambda: [connection.execute("SELECT 1") for _ in range(3)]) == 3

            def in_a_transaction():
                with connection.transaction():
                    connection.execute("SELECT 1")

            assert count(in_a_transaction) == 3  # BEGIN, SELECT, COMMIT

            # last: a pipeline may end with a message that the server has already answered
            def in_one_message():
                with connection.pipeline():
                    for _ in range(3):
                        connection.execute("SELECT 1")

            assert count(in_one_message) < 3
