"""A session with a state: `prepare` sets it before anything else is asked in a session, old or new."""

import pytest

from app.connectors.mcp import client_of
from app.errors import InvalidArguments
from app.mcp_client import MemorySessions
from tests.mcp_client.test_sessions import SessionServer


class StatefulServer(SessionServer):
    """Notes in `called` which tool was called in which session."""

    def __init__(self):
        super().__init__()
        self.called = []

    def _answer(self, message, seen):
        answer = super()._answer(message, seen)
        if len(self.calls) > len(self.called):
            self.called.append((message["params"]["name"], self.headers[-1]["mcp-session-id"]))
        return answer


@pytest.fixture
def server():
    with StatefulServer() as running:
        yield running


def prepared(api):
    return client_of(api, prepare=lambda client: client.call_tool("choose", {}, safe=True))


def test_it_runs_once_per_session_and_client_and_again_in_one_that_replaces_a_lost_one(server, api_of):
    sessions = MemorySessions.by_purpose()
    client = prepared(api_of(server.url, sessions=sessions))
    for _ in range(2):
        client.call_tool("read", {}, safe=True)
    assert server.called == [("choose", "session-1"), ("read", "session-1"), ("read", "session-1")]
    server.open.clear()
    client.call_tool("read", {}, safe=True)
    assert server.called[3:] == [("choose", "session-2"), ("read", "session-2")]
    prepared(api_of(server.url, sessions=sessions)).call_tool("read", {}, safe=True)
    assert server.called[5:] == [("choose", "session-2"), ("read", "session-2")], (
        "another client of the session"
    )


def test_a_session_that_another_process_opened_is_prepared_too(server, api_of):
    sessions = MemorySessions.by_purpose()
    client = prepared(api_of(server.url, sessions=sessions))
    client.call_tool("read", {}, safe=True)
    lost = sessions("").load()
    server.open.clear()
    sessions("").forget(lost)
    client_of(api_of(server.url, sessions=sessions)).call_tool("read", {}, safe=True)  # the other process
    client.call_tool("read", {}, safe=True)
    assert server.called[-2:] == [("choose", "session-2"), ("read", "session-2")]


def test_a_session_that_could_not_be_prepared_is_not_used(server, api_of):
    def refuse(client):
        raise InvalidArguments("No.")

    client = client_of(api_of(server.url), prepare=refuse)
    for _ in range(2):
        with pytest.raises(InvalidArguments):
            client.call_tool("write", {}, safe=False)
    assert server.calls == []
