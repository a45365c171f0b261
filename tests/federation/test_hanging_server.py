"""A server that takes requests and answers none: it costs nobody else anything, and is found again."""

import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from mcp.server.mcpserver import Context

from app.connectors import mcp
from app.errors import ToolError
from app.federation import breaker
from app.federation.breaker import BREAKER
from app.outbound import sending
from app.vault.access import open_api
from tests.federation.revisions import both_upstream_revisions
from tests.support.added_servers import list_is_good
from tests.support.mcp_upstreams import serve_notebook
from tests.support.waiting import PROMPTLY_SECONDS, until

CALM, LIST, ADD = "calm_list_notes", "notebook_list_notes", "notebook_add_note"


@pytest.fixture
def environ(environ):
    """Four permits for the workspace, of which two are for one server."""
    return {**environ, "WEB_THREADS": "8"}


@pytest.fixture
def passing(monkeypatch):
    """`passing(seconds)` lets that much time pass for the breaker."""
    late = [0.0]
    monkeypatch.setattr(breaker, "monotonic", lambda: time.monotonic() + late[0])
    return lambda seconds: late.__setitem__(0, late[0] + seconds)


@pytest.fixture
def short_patience(monkeypatch):
    """A server may be silent for a moment only."""
    monkeypatch.setattr(mcp, "_SILENCE_SECONDS", 0.3)


@pytest.fixture
def calm(add, connect, closed_later):
    """A healthy server beside the other."""
    with closed_later(serve_notebook()) as upstream:
        add(upstream.url, slug="calm", name="Calm")
        list_is_good(connect(slug="calm", name="Calm"))
        yield upstream


@pytest.fixture
def hanging(request, revision, add, connect):
    """The Notebook, which hangs from now on. Its list was read just before."""
    upstream = request.getfixturevalue("sdk_server" if revision == "2026-07-28" else "session_server")
    add(upstream.url)
    upstream.connection = connect(permission="write")
    list_is_good(upstream.connection)
    upstream.hangs = True
    yield upstream
    upstream.hangs = False


def modern(test):
    return pytest.mark.parametrize("revision", ["2026-07-28"])(test)


@both_upstream_revisions
def test_while_it_hangs_lists_and_the_other_servers_calls_go_on(hanging, calm, client_of, people):
    alice, bob = client_of(people.alice), client_of(people.bob)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(alice.call, LIST) for _ in range(4)]
        until(lambda: hanging.waiting == 2)  # as many as one server may occupy; two wait for a permit
        arrived = len(hanging.seen)
        for client in (alice, bob):
            assert {LIST, CALM} <= client.tools().keys()
            assert client.call(CALM)["success"], "the hanging server left permits"
            assert client.call("hub_list_connections")["success"]
        assert len(hanging.seen) == arrived, "listing sends it nothing"
        hanging.hangs = False
        assert [call.result()["success"] for call in calls] == [True] * 4
    assert len(calm.calls()) == 2


@both_upstream_revisions
@pytest.mark.usefixtures("short_patience")
def test_it_is_left_alone_and_found_again(hanging, calm, client_of, people, passing):
    client = client_of(people.alice)
    began = time.monotonic()
    for _ in range(3):
        assert client.refusal(LIST)[0] == "TIMEOUT"
    assert time.monotonic() - began < PROMPTLY_SECONDS, "its silence counts, not how long a call may take"
    arrived = len(hanging.seen)
    code, sentence = client.refusal(LIST)
    assert code == "PROVIDER_UNAVAILABLE" and "has not answered the last 3 calls" in sentence
    assert len(hanging.seen) == arrived, "the call was not sent"
    assert LIST in client.tools() and client.call(CALM)["success"]
    passing(breaker.FIRST_SECONDS + 0.1)
    assert client.refusal(LIST)[0] == "TIMEOUT", "one call finds out that it still hangs"
    assert client.refusal(LIST)[0] == "PROVIDER_UNAVAILABLE"
    hanging.hangs = False
    passing(30)
    assert client.call(LIST)["success"] and client.call(LIST)["success"]


@modern
@pytest.mark.usefixtures("short_patience")
def test_a_write_that_it_may_have_done_says_so(hanging, client_of, people):
    hanging.hangs = False
    client = client_of(people.alice)
    assert client.call(LIST)["success"]
    hanging.hangs = True
    assert client.refusal(ADD, {"text": "Once"})[1].startswith("Notebook did not confirm it.")
    assert [call.body["params"]["name"] for call in hanging.calls()] == ["list_notes", "add_note"]


@both_upstream_revisions
def test_who_reports_progress_may_take_longer(hanging, people, settings, monkeypatch):
    hanging.hangs = False
    monkeypatch.setattr(mcp, "_SILENCE_SECONDS", 2.0)
    monkeypatch.setattr(sending, "_CONNECT_SECONDS", 0.4)  # that is over once it is connected
    reports = []
    api = open_api(settings, hanging.connection)
    api.report = lambda done, total, text: reports.append(done)

    async def take_turns(context: Context) -> str:
        """Report, and take longer in all than one may be silent."""
        for n in range(6):
            await context.report_progress(n, 6, "")
            await anyio.sleep(0.5)
        return "done"

    hanging.add_tool(take_turns)
    assert mcp.call_tool(api, "take_turns", {}, safe=True).data
    assert len(reports) == 6


def give_up(settings, upstream, tool, when):
    """A call whose client leaves once `when(reports)` is true, through the breaker. Gives what was sent."""
    reports = []
    api = open_api(settings, upstream.connection, cancelled=lambda: when(reports))
    api.report = lambda done, total, text: reports.append(done)
    with pytest.raises(ToolError), BREAKER.around(upstream.connection.id, api):
        mcp.call_tool(api, tool, {}, safe=True)
    return api.calls


@both_upstream_revisions
def test_calls_that_clients_give_up_count_if_nothing_came_for_long(hanging, settings, monkeypatch):
    monkeypatch.setattr(breaker, "_SILENT_MILLISECONDS", 0.0)
    for _ in range(3):
        before = len(hanging.seen)
        sent = give_up(settings, hanging, "list_notes", lambda _, n=before: len(hanging.seen) > n)
        assert sent[-1].was_abandoned
    assert BREAKER.seconds_left(hanging.connection.id) > 0


@both_upstream_revisions
def test_calls_that_clients_give_up_while_it_works_say_nothing(hanging, settings, monkeypatch):
    monkeypatch.setattr(breaker, "_SILENT_MILLISECONDS", 0.0)
    hanging.hangs, hanging.book.is_open = False, False
    for _ in range(4):
        sent = give_up(settings, hanging, "wait", bool)
        assert not sent[-1].was_abandoned, "its answer had begun"
        until(lambda: not hanging.book.waiting)
    assert BREAKER.seconds_left(hanging.connection.id) == 0
