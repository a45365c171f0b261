"""One query finds the caller and what the call reads next. The headers that name the tool decide what is read
early, never what is allowed.
"""

import io
from types import SimpleNamespace

import pytest

from app import clock, database
from app.oauth_server import grants
from app.oauth_server.callers import find_caller, find_caller_with_connections
from app.oauth_server.models import Grant
from app.vault.models import Connection
from app.vault.visible_connections import visible_of_service, visible_to
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.mcp_server.test_compact import CompactClient
from tests.support.mcp_client import MODERN, Client
from tests.support.statements import sent  # noqa: F401

THING = {"id": "seven"}


@pytest.fixture
def main(connect, people):
    return connect(people.alice, "Main", permission="write")


@pytest.fixture
def reads(sent):  # noqa: F811
    """`reads(work)` counts the queries of some work that has been done before."""

    def _reads(work):
        work()
        with sent() as made:
            work()
        return sum(each.startswith("SELECT") for each in made)

    return _reads


class Body:
    """A request's body: `before` is called before it is read."""

    def __init__(self, data, before):
        self._stream, self._before = io.BytesIO(data), before

    def read(self, size=-1):
        self._before()
        return self._stream.read(size)


def post_body(client, data, before):
    """The answer to a POST of the client, and `before` is called when its body is read."""
    authorization = {"Authorization": f"Bearer {client.token}"} if client.token else {}
    return client.app.test_client().post(
        "/mcp",
        headers={"Accept": "application/json, text/event-stream", **authorization, **client.headers},
        content_type="application/json",
        environ_overrides={"wsgi.input": Body(data, before), "CONTENT_LENGTH": str(len(data))},
    )


# --- one query ---


@both_databases
def test_a_call_reads_once(alice, main, reads):
    assert reads(lambda: alice.call("hub_list_connections")) == 1
    assert reads(lambda: alice.call("acme_get_thing", THING)) == 1
    assert reads(lambda: alice.call("acme_create_thing", {"text": "x"})) == 1
    assert reads(lambda: alice.call("memory_list")) == 2, "and its notes"


@both_databases
def test_a_list_of_tools_reads_once(alice, main, reads):
    assert reads(alice.tools) == 1


@both_databases
def test_without_headers_that_name_the_tool_the_connections_are_read_when_the_body_is_known(
    alice, main, reads
):
    alice.initialize()
    assert reads(lambda: alice.call("hub_list_connections")) == 2
    assert reads(lambda: alice.call("acme_get_thing", THING)) == 2


def test_a_call_through_compact_mode_reads_the_tokens_once_more(app, alice, main, reads):
    compact = CompactClient(app, alice.token)
    call = {"name": "acme_get_thing", "arguments": THING}
    assert reads(lambda: compact.call("call_read_tool", call)) == 2


def test_whoever_is_refused_is_refused_before_the_body_is_read(app, people):
    def unread():
        raise AssertionError("the body was read")

    for token in (None, "pba_" + "x" * 43):
        client = Client(app, token, headers={"Mcp-Method": "tools/call", "Mcp-Name": "acme_get_thing"})
        assert post_body(client, b"{}", unread).status_code == 401


# --- the same connections, whichever query read them ---


def columns_of(connections):
    return [{name: getattr(each, name) for name in Connection.model_fields} for each in connections]


def of_service(caller, slug, prefetched=None):
    return visible_of_service(caller.workspace_id, caller.sees_as, slug, prefetched)


@pytest.fixture
def token_of_dana(app, people):
    """An operator's API key in Northwind."""
    member = SimpleNamespace(user=people.dana, workspace=people.northwind)
    with app.app_context(), database.transaction() as db:
        token = grants.issue_personal_token(db, member, "key", "tools:read", 2 * 86_400)
        db.add(
            Membership(
                workspace_id="wsp_northwind", user_id="usr_dana", role="member", created_at=clock.now()
            )
        )
    with database.transaction() as db:
        db.get(Grant, find_caller(token).grant_id).kind = "api_key"
    return token


@both_databases
def test_prefetched_connections_are_those_that_a_query_of_their_own_finds(
    token_for, token_of_dana, connect, people, queries
):
    def also(user, account, slug="acme", **columns):
        row = connect(user, account, **columns)
        with database.transaction() as db:
            db.get(Connection, row.id).slug = slug

    also(people.alice, "Shared", businesses=2, hidden_tools=["get_thing"], last_error="It ended.")
    also(people.alice, "Her own", visibility="personal", facts={"region": "eu"})
    also(people.bob, "His own", visibility="personal", permission="off")
    also(people.bob, "Longer name", slug="acme_things")
    also(people.bob, "Wildcards", slug="ac_e")
    also(people.charlie, "Elsewhere")
    for token in (token_for(people.alice), token_for(people.bob), token_of_dana):
        caller = find_caller(token)
        queries.clear()
        everything = find_caller_with_connections(token)
        named = find_caller_with_connections(token, "acme_things_get")
        assert everything == named == caller and len(queries) == 2
        found = visible_to(caller.workspace_id, caller.sees_as, everything.prefetched)
        read = {slug: of_service(caller, slug, named.prefetched) for slug in ("acme",)}
        assert len(queries) == 2, "all that was asked for is here"
        assert columns_of(found) == columns_of(visible_to(caller.workspace_id, caller.sees_as))
        assert [each.connection for each in read["acme"]] and "ac_e" not in str(read)
        fresh = of_service(caller, "acme")
        assert columns_of(each.connection for each in read["acme"]) == columns_of(e.connection for e in fresh)
        for one, other in zip(read["acme"], fresh, strict=True):
            assert one.credential.model_dump() == other.credential.model_dump()
            assert abs(one.now - other.now).total_seconds() < 60 and one.now.tzinfo is not None


@both_databases
def test_what_was_prefetched_serves_one_use_of_what_it_is(token_for, main, people, queries):
    token = token_for(people.alice)
    named = find_caller_with_connections(token, "acme_get_thing")
    queries.clear()
    assert of_service(named, "other", named.prefetched) == [] and len(queries) == 1
    assert visible_to(named.workspace_id, named.sees_as, named.prefetched) and len(queries) == 2
    assert of_service(named, "acme", named.prefetched) and len(queries) == 2
    assert of_service(named, "acme", named.prefetched) and len(queries) == 3
    for workspace_id, user_id in (("wsp_contoso", "usr_alice"), ("wsp_northwind", "usr_bob")):
        everything = find_caller_with_connections(token).prefetched
        queries.clear()
        visible_to(workspace_id, user_id, everything)
        assert len(queries) == 1, "another workspace's and another person's are read"


def test_a_token_that_does_not_work_finds_nothing_however_it_is_looked_up(token_for, people, queries):
    token = token_for(people.alice)
    grant_id = find_caller(token).grant_id
    with database.transaction() as db:
        grants.revoke(db, grant_id, "test")
    for tool in ("", "acme_get_thing"):
        assert find_caller_with_connections(token, tool) is None
        queries.clear()
        assert find_caller_with_connections("pba_short", tool) is None and queries == []


# --- headers that lie ---


@pytest.mark.parametrize(
    "named",
    [
        "acme_create_thing",
        "hub_list_connections",
        "xero_list_invoices",
        "acme",
        "_",
        "%",
        "ACME_GET_THING",
        "a\u00e4",
        "' OR 1=1",
        "x" * 5_000,
    ],
)
@both_databases
def test_a_name_in_a_header_changes_no_answer(alice, main, named):
    """Clients of the handshake revisions may send any header; there nothing compares it with the body."""
    alice.initialize()
    plain = alice.call("acme_get_thing", THING)
    alice.headers = {"Mcp-Method": "tools/call", "Mcp-Name": named}
    answers = [alice.call("acme_get_thing", THING), alice.call("hub_list_connections")]
    assert answers[0]["data"] == plain["data"] and "Main" in answers[0]["message"]
    assert "Main" in str(answers[1]["data"])


def test_a_name_that_contradicts_the_body_is_refused_as_before(alice, main):
    params = {"name": "acme_get_thing", "arguments": THING}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"MCP_Protocol_Version": MODERN, "Mcp_Method": "tools/call", "Mcp_Name": "acme_list_things"}
    assert alice.post(body, **headers).status_code == 400
