"""What changed before a call counts in it, and so does what changes while it waits: its connections are read
again.
"""

import json
import threading
import time

import pytest

from app import clock, database
from app.accounts.models import User
from app.oauth_server.callers import find_caller
from app.oauth_server.models import Client as ClientRow
from app.oauth_server.models import Grant
from app.vault.models import Connection
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.mcp_server.test_prefetched_connections import THING, post_body
from tests.support import acme
from tests.support.waiting import AT_MOST_SECONDS, until


@pytest.fixture
def main(connect, people):
    return connect(people.alice, "Main", permission="write")


def changed(model, key, **columns):
    def change():
        with database.transaction() as db:
            row = db.get(model, key)
            for name, value in columns.items():
                setattr(row, name, value)

    return change


def disconnected(connection):
    def change():
        with database.transaction() as db:
            db.delete(db.get(Connection, connection.id))

    return change


@pytest.fixture
def bob(client_of, people):
    return client_of(people.bob)


@both_databases
def test_a_caller_whose_access_ends_is_out_of_the_next_call(bob, main, people):
    grant_id = find_caller(bob.token).grant_id
    at = clock.now()
    with database.transaction() as db:
        db.add(ClientRow(client_id="client-1", kind="registered", name="Client", created_at=at))
        db.flush()
        db.get(Grant, grant_id).client_id = "client-1"
    for end, undo in (
        (changed(Grant, grant_id, revoked_at=at), changed(Grant, grant_id, revoked_at=None)),
        (changed(User, "usr_bob", disabled_at=at), changed(User, "usr_bob", disabled_at=None)),
        (
            changed(ClientRow, "client-1", blocked_at=at),
            changed(ClientRow, "client-1", blocked_at=None),
        ),
    ):
        assert bob.call("acme_get_thing", THING)["success"]
        end()
        for name, arguments in (("acme_get_thing", THING), ("hub_list_connections", {})):
            assert bob.ask("tools/call", name=name, arguments=arguments).status_code == 401
        assert bob.ask("tools/list").status_code == 401
        undo()
    with database.transaction() as db:
        db.delete(db.get(Membership, ("wsp_northwind", "usr_bob")))
    assert bob.ask("tools/call", name="acme_get_thing", arguments=THING).status_code == 401


@both_databases
def test_a_connection_that_changes_is_another_one_in_the_next_call(bob, main):
    for columns, code in (
        ({"permission": "off"}, "PERMISSION_DENIED"),
        ({"hidden_tools": ["get_thing"]}, "PERMISSION_DENIED"),
        ({"visibility": "personal"}, "NOT_CONNECTED"),
        ({"state": "reconnect_needed", "last_error": "It ended."}, "RECONNECT_NEEDED"),
    ):
        before = {name: getattr(main, name) for name in columns}
        assert "acme_get_thing" in bob.tools() and bob.call("acme_get_thing", THING)["success"]
        changed(Connection, main.id, **columns)()
        assert bob.refusal("acme_get_thing", THING)[0] == code
        assert ("acme_get_thing" in bob.tools()) is (code == "RECONNECT_NEEDED")
        changed(Connection, main.id, **before)()
    assert bob.call("acme_get_thing", THING)["success"]
    disconnected(main)()
    assert bob.refusal("acme_get_thing", THING)[0] == "NOT_CONNECTED"
    assert "Main" not in str(bob.call("hub_list_connections")["data"])


def test_a_workspace_that_is_deactivated_is_so_in_the_next_call(alice, main):
    assert alice.call("acme_get_thing", THING)["success"]
    changed(Workspace, "wsp_northwind", deactivated_at=clock.now())()
    assert alice.refusal("acme_get_thing", THING)[0] == "WORKSPACE_INACTIVE"


# --- while a call waits ---


def call_with_late_body(client, tool, arguments, before):
    """The envelope of a call; `before` is called when its body is read, after its headers."""
    captured = {}
    client.post = lambda body, **headers: captured.update(body=body, headers=headers)
    client.ask("tools/call", name=tool, arguments=arguments)
    del client.post
    client.headers = {name.replace("_", "-"): value for name, value in captured["headers"].items()}
    answer = post_body(client, json.dumps(captured["body"]).encode(), before)
    return answer.json["result"]["structuredContent"]


@pytest.mark.parametrize("tool", ["acme_get_thing", "hub_list_connections"])
@both_databases
def test_connections_are_read_again_for_a_call_whose_body_is_slow(alice, main, monkeypatch, tool):
    now, events = time.monotonic, [disconnected(main), lambda: monkeypatch.setattr(time, "monotonic", later)]

    def later():
        return now() + 2

    def come_late():
        while events:
            events.pop(0)()

    answer = call_with_late_body(alice, tool, THING if tool == "acme_get_thing" else {}, come_late)
    assert not events
    if tool == "acme_get_thing":
        assert answer["error"]["code"] == "NOT_CONNECTED"
    else:
        assert "Main" not in str(answer["data"])


class TestWithOnePermit:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "WORKSPACE_CONCURRENCY": "1"}

    def test_connections_are_read_again_for_a_call_that_waited_for_a_permit(
        self, app, alice, bob, main, monkeypatch
    ):
        acme.quiet_is_over.clear()
        entered = threading.Event()
        monkeypatch.setattr(acme.quiet_is_over, "wait", lambda *given: entered.set() or wait(*given))
        wait = threading.Event.wait.__get__(acme.quiet_is_over)
        answers = {}

        def call(client, name, arguments):
            answers[name] = client.ask("tools/call", name="acme_get_thing", arguments=arguments).json

        permits = app.extensions["browser_calls"]._permits
        first = threading.Thread(target=call, args=(alice, "first", {"id": "quiet"}))
        second = threading.Thread(target=call, args=(bob, "second", THING))
        try:
            first.start()
            assert entered.wait(AT_MOST_SECONDS)
            second.start()
            until(lambda: sum(each.queued for each in permits._workspaces.values()))
            changed(Connection, main.id, permission="off")()
        finally:
            acme.quiet_is_over.set()
            first.join()
            second.join()
        assert answers["first"]["result"]["structuredContent"]["success"]
        assert answers["second"]["result"]["structuredContent"]["error"]["code"] == "PERMISSION_DENIED"
