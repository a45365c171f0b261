"""Sessions at MCP servers end when nobody needs them any more, instead of filling the server's memory."""

from app.mcp_client import DirectSender, McpClient, MemorySessions
from tests.support.waiting import until


def alive(upstream):
    """The ids of the sessions that the SDK's server holds."""
    return set(upstream.server.session_manager._server_instances)


def endings(upstream):
    return [each.headers["mcp-session-id"] for each in upstream.seen if each.method == "DELETE"]


def test_looking_and_connecting_leave_no_session_but_the_connections_own(walk, session_server):
    walk.look(session_server.url)
    assert alive(session_server) == set() and len(endings(session_server)) == 1
    walk.add(session_server.url, name="Notebook")
    assert len(alive(session_server)) == 1


def test_disconnecting_ends_the_session(walk, session_server):
    walk.add(session_server.url, name="Notebook")
    (own,) = alive(session_server)
    walk.post("/integrations/notebook/disconnect", {"connection": walk.connection_of("notebook")})
    until(lambda: not alive(session_server))
    assert endings(session_server)[-1] == own


def test_removing_the_server_ends_the_sessions_of_all_connections(walk, session_server):
    session_server.key = "key-1"
    session_server.takes = {"key-1", "key-2"}.__contains__
    walk.add(session_server.url, name="Notebook", access="key", key="key-1")
    walk.connect("notebook")
    form = {"state": walk.value_of("state"), "api_key": "key-2"}
    walk.arrive(walk.post("/integrations/notebook/keys", form))
    assert len(alive(session_server)) == 2
    walk.post("/integrations/servers/notebook/remove", {"confirm": "Notebook"})
    until(lambda: not alive(session_server))


def test_a_server_that_does_not_answer_delays_no_disconnecting(walk, session_server):
    walk.add(session_server.url, name="Notebook")
    connection = walk.connection_of("notebook")
    session_server.failures.extend([503] * 10)
    walk.post("/integrations/notebook/disconnect", {"connection": connection})
    walk.get("/integrations")
    assert connection not in walk.person.page


def test_a_server_without_sessions_hears_nothing(walk, sdk_server):
    walk.add(sdk_server.url, name="Notebook")
    walk.post("/integrations/notebook/disconnect", {"connection": walk.connection_of("notebook")})
    assert endings(sdk_server) == []


class Late(MemorySessions):
    """What a process sees that opens a session while another one does."""

    def __init__(self, winner):
        super().__init__()
        self._winner = winner
        self._is_late = True

    def load(self):
        if self._is_late:
            self._is_late = False
            return None
        return self._winner.load()

    def save(self, session):
        return self._winner.save(session)


def test_of_two_that_open_a_session_at_once_the_loser_ends_its_own(session_server):
    winner = MemorySessions()
    sender = DirectSender(session_server.url, seconds=30)
    McpClient(sender, winner, name="Notebook").connect()
    (used,) = alive(session_server)
    assert McpClient(sender, Late(winner), name="Notebook").list_tools().tools
    assert alive(session_server) == {used}
