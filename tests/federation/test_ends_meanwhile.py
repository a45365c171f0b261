"""A workspace is deleted while a server's tools are being read: neither waits for the other for ever."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, text
from sqlmodel import select

from app import database
from app.errors import PatchbayError
from app.federation import contents, refreshing
from app.federation.models import McpContents, McpServer, McpToolList
from app.vault.models import Connection
from app.workspaces.models import Workspace
from tests.support import waiting


def rows(model):
    with database.reading() as db:
        return list(db.exec(select(model)).all())


def somebody_waits_for_a_lock():
    here = "datname = current_database()"
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {here} AND wait_event_type = 'Lock'"
    with database.reading() as db:
        return db.execute(text(query)).scalar_one()


@pytest.fixture
def before_statement(app):
    """`before_statement("UPDATE workspaces", act)`: `act()` once, where a thread is about to send that."""
    engine, listeners = database.current().engine, []

    def _before(beginning, act):
        pending = [act]

        def listen(connection, cursor, statement, *rest):
            if statement.startswith(beginning) and pending:
                pending.pop()()

        event.listen(engine, "before_cursor_execute", listen)
        listeners.append(listen)

    yield _before
    for listen in listeners:
        event.remove(engine, "before_cursor_execute", listen)


@pytest.mark.usefixtures("patient_database")
@pytest.mark.needs_postgres
@pytest.mark.parametrize("database_kind", ["postgres"])
def test_a_workspace_is_deleted_while_a_changed_tool_is_being_stored(
    add, connect, sdk_server, alice, settings, before_statement
):
    add(sdk_server.url)
    connect()
    sdk_server.remove_tool("delete_note")
    is_storing = threading.Event()

    def wait_for_the_deletion():
        is_storing.set()
        waiting.until(somebody_waits_for_a_lock)

    before_statement("UPDATE workspaces SET services_version", wait_for_the_deletion)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(refreshing.job(settings).run)
        assert is_storing.wait(waiting.AT_MOST_SECONDS)
        alice.get("/account")
        answer = alice.submit("/account/workspace/delete", {"typed_name": "Northwind"})
        assert answer.status_code == 303
        assert reading.result() == 1, "the list was stored before the workspace went"
    assert "wsp_northwind" not in [each.id for each in rows(Workspace)]
    assert rows(McpServer) == rows(McpToolList) == []


@pytest.mark.usefixtures("patient_database")
@pytest.mark.needs_postgres
@pytest.mark.parametrize("database_kind", ["postgres"])
@pytest.mark.parametrize(
    ("table", "read"),
    [
        ("mcp_tool_lists", lambda settings, _: refreshing.job(settings).run()),
        ("mcp_contents", lambda settings, connection: contents.read(settings, connection)),
    ],
)
def test_a_connection_is_disconnected_while_the_first_list_of_it_is_being_stored(
    table, read, add, connect, sdk_server, alice, settings, before_statement
):
    add(sdk_server.url)
    connect()
    [connection] = rows(Connection)
    alice.get("/integrations")
    with database.transaction() as db:
        db.execute(text(f"DELETE FROM {table}"))
    with ThreadPoolExecutor(1) as pool:
        ended = []

        def disconnect():
            ended.append(pool.submit(alice.submit, "/integrations/notebook/disconnect", {}))
            waiting.until(lambda: ended[0].done() or somebody_waits_for_a_lock())

        before_statement(f"INSERT INTO {table}", disconnect)
        with contextlib.suppress(PatchbayError):  # the connection it reads with is gone
            read(settings, connection)
        assert [each.result().status_code for each in ended] == [303]
    assert rows(Connection) == rows(McpToolList) == rows(McpContents) == []
