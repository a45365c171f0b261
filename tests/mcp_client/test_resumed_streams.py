"""A call whose stream breaks off goes on where the server's events have ids: it is not made again."""

import pytest

from app.connectors.mcp import client_of
from app.errors import OutcomeUnknown
from tests.mcp_client.raw_server import event, json_answer, stream_answer
from tests.mcp_client.test_sessions import OK, SessionServer

FIRST = b"id: one\nretry: 10\ndata: \n\n"


class Breaking(SessionServer):
    """Ends the stream of each call after an event; `rest` is what it sends to whoever resumes it."""

    def __init__(self):
        super().__init__()
        self.first, self.resumed, self.rests = FIRST, [], []
        self.answer, self._usual = self._broken, self.answer

    def _broken(self, message, seen):
        if message.get("method") != "tools/call":
            return self._usual(message, seen)
        self.calls.append(message["id"])
        return stream_answer([self.first])

    def resume(self, headers):
        self.resumed.append((headers["last-event-id"], "mcp-session-id" in headers))
        if not self.rests:
            return json_answer({}, status=405)
        return stream_answer([self.rests.pop(0)(self.calls[-1])])


@pytest.fixture
def server():
    with Breaking() as server:
        yield server


def answer(number):
    return event({"jsonrpc": "2.0", "id": number, "result": OK})


def add_note(api_of, server):
    return client_of(api_of(server.url)).call_tool("add_note", {}, safe=False)


def test_the_rest_of_the_stream_is_asked_for_and_the_call_is_made_once(api_of, server):
    server.rests = [lambda number: b"id: two\ndata: \n\n", answer]
    assert add_note(api_of, server) == OK
    assert server.resumed == [("one", True), ("two", True)]
    assert len(server.calls) == 1


def test_a_write_that_cannot_be_resumed_may_have_been_done(api_of, server):
    with pytest.raises(OutcomeUnknown):
        add_note(api_of, server)
    assert len(server.resumed) == len(server.calls) == 1


def test_a_stream_without_ids_is_not_resumed(api_of, server):
    server.first = b"data: \n\n"
    with pytest.raises(OutcomeUnknown):
        add_note(api_of, server)
    assert server.resumed == [] and len(server.calls) == 1
