"""Sessions of 2025 servers: opened once, shared by processes, replaced once when lost; no write twice."""

import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.connectors.mcp import client_of
from app.errors import OutcomeUnknown, ProviderTimeout, ProviderUnavailable
from app.mcp_client import ServerSession
from app.vault import mcp_sessions
from app.vault.mcp_sessions import ConnectionSessions
from app.vault.models import Connection, McpSession
from tests.conftest import both_databases
from tests.mcp_client.raw_server import RawServer, event, json_answer, stream_answer
from tests.support.mcp_upstreams import serve_notebook
from tests.support.waiting import until

OK = {"content": [{"type": "text", "text": "done"}]}


def result(message, value):
    return json_answer({"jsonrpc": "2.0", "id": message["id"], "result": value})


class SessionServer(RawServer):
    """Speaks 2025-11-25 and knows only the sessions in `open`. `lost` is how it refuses another."""

    def __init__(self):
        super().__init__()
        self.open, self.opened, self.calls = set(), 0, []
        self.lost = (404, [], [b""])
        self.answer = self._answer

    def _answer(self, message, seen):
        method = message.get("method")
        if method == "server/discover":
            return 400, [], [b"Bad Request: No valid session ID provided"]
        if method == "initialize":
            self.opened += 1
            self.open.add(name := f"session-{self.opened}")
            facts = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s"}}
            status, headers, body = result(message, facts)
            return status, [*headers, ("Mcp-Session-Id", name)], body
        if self.headers[-1].get("mcp-session-id") not in self.open:
            return self.lost
        if method != "tools/call":
            return 202, [], [b""]
        self.calls.append(message)
        return result(message, OK)


@pytest.fixture
def server():
    with SessionServer() as running:
        yield running


def methods(server):
    return [each.get("method") for each in server.seen]


def test_one_handshake_serves_many_calls(server, api_of):
    client = client_of(api_of(server.url))
    for _ in range(3):
        assert client.call_tool("do", {}, safe=False) == OK
    assert methods(server) == [
        "server/discover",
        "initialize",
        "notifications/initialized",
        *["tools/call"] * 3,
    ]
    assert server.headers[-1]["mcp-protocol-version"] == "2025-11-25"
    assert "mcp-session-id" not in server.headers[1] and "mcp-protocol-version" not in server.headers[1]


def rpc(code, message):
    return json_answer(
        {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}, status=400
    )


LOST = {
    "404": (404, [], [b""]),
    "404 with a message": json_answer(
        {"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Session not found"}},
        status=404,
    ),
    "410": (410, [], [b"gone"]),
    "400 of the TypeScript SDK": rpc(-32000, "Bad Request: No valid session ID provided"),
    "400, server restarted": rpc(-32000, "Bad Request: Server not initialized"),
    "400 in plain text": (400, [("Content-Type", "text/plain")], [b"Invalid session ID"]),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("safe", [True, False], ids=["read", "write"])
def test_a_lost_session_is_replaced_once_and_the_call_is_done_once(server, api_of, lost, safe):
    server.lost = lost
    client = client_of(api_of(server.url))
    client.call_tool("do", {}, safe=safe)
    server.open.clear()
    server.calls.clear()
    assert client.call_tool("do", {}, safe=safe) == OK
    assert server.opened == 2 and len(server.calls) == 1


class Nothing(set):
    """Remembers nothing."""

    def __contains__(self, name):
        return False


def test_a_server_that_forgets_every_session_is_tried_once_more_and_named(server, api_of):
    client = client_of(api_of(server.url))
    server.open = Nothing()
    with pytest.raises(ProviderUnavailable, match="lost the session that it had just opened"):
        client.call_tool("do", {}, safe=False)
    assert server.opened == 2 and server.calls == []


def test_a_write_that_may_have_arrived_is_not_repeated_in_a_new_session(server, api_of):
    client = client_of(api_of(server.url))
    client.call_tool("do", {}, safe=False)
    normal = server.answer

    def breaking(message, seen):
        if message.get("method") == "tools/call":
            server.calls.append(message)
            return stream_answer([event({"jsonrpc": "2.0", "method": "notifications/message"})])
        return normal(message, seen)

    server.answer, server.calls[:] = breaking, []
    with pytest.raises(OutcomeUnknown):
        client.call_tool("do", {}, safe=False)
    assert len(server.calls) == 1 and server.opened == 1


def test_a_server_that_learnt_the_newer_revision_is_spoken_to_in_it(api_of):
    with serve_notebook(with_sessions=True) as old:
        api = api_of(old.url)
        client_of(api).list_tools()
    assert api.sessions("").load().revision == "2025-11-25"
    with serve_notebook() as new:
        api.base_url = new.url
        client_of(api).connect()
        assert api.sessions("").load() == ServerSession("2026-07-28")


def test_a_server_that_lost_the_newer_revision_is_spoken_to_in_the_older(api_of):
    with serve_notebook(with_sessions=True) as old:
        api = api_of(old.url)
        api.sessions("").save(ServerSession("2026-07-28"))
        assert client_of(api).call_tool("list_notes", {}, safe=False)["structuredContent"]
        assert api.sessions("").load().revision == "2025-11-25"


def test_a_restarted_server_is_called_again_without_an_error(api_of):
    with serve_notebook(with_sessions=True) as first:
        api = api_of(first.url)
        client_of(api).list_tools()
    with serve_notebook(with_sessions=True) as second:
        api.base_url = second.url
        client_of(api).call_tool("add_note", {"text": "Once"}, safe=False)
        assert second.book.notes.count("Once") == 1


def wait_for(api):
    client_of(api).call_tool("wait", {}, safe=True, progress=lambda *report: None)


def test_a_client_that_leaves_cancels_the_call_at_the_server(api_of):
    gone = threading.Event()
    with serve_notebook(with_sessions=True) as upstream:
        upstream.book.is_open = False
        api = api_of(upstream.url, cancelled=gone.is_set)
        failures = []

        def call():
            try:
                wait_for(api)
            except ProviderTimeout as error:
                failures.append(error.message)

        caller = threading.Thread(target=call)
        caller.start()
        until(lambda: upstream.book.waiting)
        gone.set()
        caller.join()
        assert failures == ["The call was cancelled by the AI client."]
        until(lambda: not upstream.book.waiting)
        assert upstream.book.abandoned == 1
        (cancelled,) = upstream.calls("notifications/cancelled")
        assert cancelled.body["params"]["requestId"] == upstream.calls()[-1].body["id"]


def test_leaving_a_stateless_server_is_hanging_up(api_of):
    gone = threading.Event()
    with serve_notebook() as upstream:
        upstream.book.is_open = False
        api = api_of(upstream.url, cancelled=gone.is_set)
        caller = threading.Thread(target=pytest.raises, args=(ProviderTimeout, wait_for, api))
        caller.start()
        until(lambda: upstream.book.waiting)
        gone.set()
        caller.join()
        until(lambda: not upstream.book.waiting)
        assert not upstream.calls("notifications/cancelled")


# --- the rows ---


@pytest.fixture
def connection(app, people):
    """A connection of alice's."""
    row = Connection(
        id="con_sessions",
        workspace_id=people.northwind.id,
        owner_id=people.alice.id,
        slug="xero",
        connected_at=clock.now(),
    )
    with database.transaction() as db:
        db.add(row)
    return row


@pytest.fixture
def sessions(settings, connection):
    """`sessions()` are the connection's sessions as a process sees them that has read none of them yet."""

    def _sessions(purpose=""):
        mcp_sessions._memory.clear()
        return ConnectionSessions(settings.vault_keys, connection, purpose)

    return _sessions


FIRST, SECOND = (ServerSession("2025-11-25", name) for name in ("canary-session-1", "canary-session-2"))


@both_databases
def test_a_session_is_sealed_and_found_by_every_process_and_kept_apart_by_purpose(sessions):
    assert sessions().load() is None
    assert sessions().save(FIRST) == FIRST
    assert sessions("business 7").save(SECOND) == SECOND
    assert sessions().load() == FIRST and sessions("business 7").load() == SECOND
    with database.reading() as db:
        assert "canary" not in "".join(row.session_id_sealed for row in db.exec(select(McpSession)).all())


@both_databases
def test_of_many_that_open_a_session_at_once_all_use_the_same(sessions, settings, connection):
    sessions()
    start, used = threading.Barrier(8), []

    def save(n):
        start.wait()
        own = ConnectionSessions(settings.vault_keys, connection, "")
        used.append(own.save(ServerSession("2025-11-25", f"session-{n}")))

    savers = [threading.Thread(target=save, args=(n,)) for n in range(8)]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    assert len(used) == 8 and len(set(used)) == 1
    assert sessions().load() == used[0]


@both_databases
def test_forgetting_a_lost_session_does_not_drop_the_one_that_replaced_it(sessions):
    sessions().save(FIRST)
    sessions().forget(FIRST)
    assert sessions().load() is None
    sessions().save(SECOND)
    sessions().forget(FIRST)
    assert sessions().load() == SECOND


@both_databases
def test_a_replaced_session_is_noticed_by_the_process_that_had_it_in_memory(sessions, settings, connection):
    mine = sessions()
    mine.save(FIRST)
    with database.transaction() as db:
        db.delete(db.exec(select(McpSession)).one())
    remembered = dict(mcp_sessions._memory)
    sessions().save(SECOND)  # another process
    mcp_sessions._memory.clear()
    mcp_sessions._memory.update(remembered)
    assert mine.load() == FIRST
    mine.forget(FIRST)
    assert mine.load() == SECOND


def test_an_older_revision_is_asked_for_again_after_a_day_and_the_newest_is_not(sessions):
    sessions().save(FIRST)
    sessions("new").save(ServerSession("2026-07-28"))
    clock.shift(timedelta(days=1, seconds=1))
    assert sessions().load() is None
    assert sessions("new").load() == ServerSession("2026-07-28")
    assert sessions().save(SECOND) == SECOND


@both_databases
def test_a_connection_that_was_removed_meanwhile_keeps_nothing_and_fails_nobody(sessions, connection):
    late = sessions()
    with database.transaction() as db:
        db.delete(db.get(Connection, connection.id))
    assert late.save(FIRST) == FIRST
    assert late.load() is None


def test_calls_read_no_row_once_the_session_is_known(sessions, statements):
    sessions().save(FIRST)
    known = sessions()
    known.load()
    with statements() as sent:
        assert known.load() == FIRST
    assert not list(sent)
