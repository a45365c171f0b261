"""What a call writes: one statement if it reaches no service, else two; on SQLite as many commits."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.oauth_server.models import Grant
from app.usage.models import CallRow
from app.vault.models import Connection
from bench.statements import commits_in, writes_in
from tests.conftest import both_databases

pytestmark = pytest.mark.usefixtures("early")


@pytest.fixture
def cost(sent, database_kind):
    """`cost(work)`: its writes and its commits. On PostgreSQL each statement is a commit of its own, and no
    other is sent but look-ups.
    """

    def _cost(work):
        with sent() as made:
            work()
        writes = writes_in(made)
        if database_kind == "postgres":
            look_ups = [each for each in made if each.startswith("SELECT")]
            assert len(look_ups) + len(writes) == len(made), made
        return len(writes), commits_in(made)

    return _cost


@both_databases
@pytest.mark.parametrize("is_due", [False, True], ids=["", "with the last use"])
def test_a_call_that_reaches_no_service_is_written_at_once(alice, cost, database_kind, is_due):
    alice.call("hub_list_connections")
    clock.shift(timedelta(seconds=61 if is_due else 1))
    writes, commits = cost(lambda: alice.call("hub_list_connections"))
    assert commits == 1
    assert writes == (1 if database_kind == "postgres" else 2 + is_due)


@both_databases
@pytest.mark.parametrize("is_due", [False, True], ids=["", "with the last use"])
@pytest.mark.parametrize("tool", ["acme_get_thing", "acme_create_thing"])
def test_a_call_of_a_service_is_counted_before_and_written_after(
    alice, connect, people, cost, database_kind, tool, is_due
):
    connect(people.alice, permission="write")
    arguments = {"id": "a"} if tool == "acme_get_thing" else {"text": "a"}
    alice.call(tool, arguments)
    clock.shift(timedelta(seconds=61 if is_due else 1))
    writes, commits = cost(lambda: alice.call(tool, arguments))
    assert commits == 2
    if database_kind == "postgres":
        assert writes == 2


@both_databases
def test_a_refused_call_is_written_at_once_and_uncounted(alice, people, cost, database_kind):
    with database.transaction() as db:
        db.merge(people.northwind).per_minute = 1
    alice.call("hub_list_connections")
    alice.ask("tools/call", name="hub_list_connections", arguments={})  # the first is announced as well
    writes, commits = cost(lambda: alice.ask("tools/call", name="hub_list_connections", arguments={}))
    assert (writes, commits) == ((2, 2) if database_kind == "postgres" else (3, 1))


@both_databases
def test_the_last_use_is_noted_with_a_call_that_is_let_in(alice, connect, people):
    connection = connect(people.alice)
    with database.transaction() as db:
        db.merge(people.northwind).per_minute = 1
    clock.shift(timedelta(seconds=1))
    assert alice.call("acme_get_thing", {"id": "a"})["success"]
    first = last_uses(connection)
    assert all(first)
    clock.shift(timedelta(minutes=2))
    assert alice.call("hub_list_connections")["success"]
    second = last_uses(connection)
    assert second[0] > first[0] and second[1] == first[1], "the grant is used, the connection is not"
    clock.shift(timedelta(seconds=59 - clock.timestamp() % 60))
    assert alice.ask("tools/call", name="hub_list_connections", arguments={}).status_code == 429
    assert last_uses(connection) == second


@both_databases
def test_a_failed_call_is_no_use_of_its_connection(alice, connect, people):
    connection = connect(people.alice)
    alice.refusal("acme_get_thing", {"id": "missing"})
    grant, used = last_uses(connection)
    assert grant and not used


@pytest.mark.parametrize("database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)])
@pytest.mark.usefixtures("patient_database")
def test_no_call_waits_for_whoever_changes_its_grant(alice, connect, people):
    connection = connect(people.alice)
    with database.transaction() as db:
        db.execute(select(Grant).with_for_update())
        db.execute(select(Connection).with_for_update())
        assert alice.call("acme_get_thing", {"id": "a"})["success"]
        with database.reading() as other:
            assert [row.outcome for row in other.exec(select(CallRow))] == ["ok"]
    assert last_uses(connection) == (None, None)


def last_uses(connection):
    """When the only grant and the connection were last used."""
    with database.reading() as db:
        [grant] = db.exec(select(Grant))
        return grant.last_used_at, db.get(Connection, connection.id).last_used_at
