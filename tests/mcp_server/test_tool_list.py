"""A list of tools is made once for equal facts, and each fact that it depends on makes another list in the
next request.
"""

import pytest
from sqlmodel import col, update

from app import clock, database
from app.connectors.connector import LACKS, LACKS_OF_MORE
from app.connectors.services import services_of
from app.mcp_server.tool_list import ToolLists, key_of
from app.mcp_server.toolbox import Toolbox
from app.oauth_server import scopes
from app.oauth_server.callers import find_caller
from app.oauth_server.models import AccessToken, Grant
from app.oauth_server.selections import Selection
from app.vault.models import Connection
from app.vault.visible_connections import visible_to
from app.workspaces.models import Workspace
from tests.conftest import both_databases
from tests.mcp_server.test_compact import CompactClient


@pytest.fixture
def made(monkeypatch):
    """How many lists were made."""
    made = []
    listing = Toolbox.listing

    def counted(self, *given):
        made.append(1)
        return listing(self, *given)

    monkeypatch.setattr(Toolbox, "listing", counted)
    return made


@pytest.fixture
def both_ways():
    """Nothing is made twice here."""


@pytest.fixture
def main(connect, people):
    return connect(people.alice, "Main", permission="write", businesses=2)


def set_columns(model, *which, **values):
    with database.transaction() as db:
        db.execute(update(model).where(*which).values(**values))


def of_connection(**values):
    return lambda alice, main: set_columns(Connection, col(Connection.id) == main.id, **values)


def of_grant(**values):
    def change(alice, main):
        set_columns(Grant, col(Grant.id) == find_caller(alice.token).grant_id, **values)

    return change


def of_token(scope):
    def change(alice, main):
        set_columns(AccessToken, col(AccessToken.grant_id) == find_caller(alice.token).grant_id, scope=scope)

    return change


def end_it(alice, main):
    with database.transaction() as db:
        db.delete(db.get(Connection, main.id))


def selected(**narrowed):
    return of_grant(selection=Selection(**narrowed).as_json())


CHANGES = {
    "the level": of_connection(permission="read"),
    "switched off": of_connection(permission="off"),
    "a hidden tool": of_connection(hidden_tools=["get_thing"]),
    "what the service granted": of_connection(scopes="things.read"),
    "what the service lacks": of_connection(facts={LACKS: ["get_thing"]}),
    "what the service lacks of more": of_connection(facts={LACKS_OF_MORE: ["get_thing"]}),
    "one business": of_connection(businesses=[{"id": "b1", "name": "Business 1"}]),
    "whose it is": of_connection(visibility="personal", owner_id="usr_bob"),
    "the end of a connection": end_it,
    "what its token allows": of_token("tools:read"),
    "FlowPOS' scopes alone": of_token(scopes.POS_READ),
    "no connection selected": selected(connections=frozenset()),
    "reading alone selected": selected(reading_only=True),
    "a tool turned off": selected(tools_off=frozenset({"acme_get_thing"})),
    "a workspace deactivated": lambda alice, main: set_columns(Workspace, deactivated_at=clock.now()),
}


@both_databases
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_in_the_next_list(alice, main, change):
    before = alice.tools()
    assert alice.tools() == before and "acme_create_thing" in before and "set_active_business" in before
    change(alice, main)
    assert alice.tools() != before


@pytest.mark.parametrize("column", ["label", "account_name"])
def test_another_name_is_in_the_next_list(alice, main, connect, people, column):
    connect(people.alice, "Side", permission="write")
    assert "New name" not in str(alice.tools())
    of_connection(**{"label": "", column: "New name"})(alice, main)
    assert "New name" in str(alice.tools())


def test_another_connection_is_in_the_next_list(alice, main, connect, people):
    assert "account" not in alice.tools()["acme_get_thing"]["inputSchema"]["properties"]
    connect(people.alice, "Side")
    assert "account" in alice.tools()["acme_get_thing"]["inputSchema"]["properties"]


def test_each_kind_of_client_gets_its_own_list(app, alice, client_of, people, main):
    bob = client_of(people.bob)
    lists = [set(alice.tools()), set(CompactClient(app, alice.token).tools()), set(bob.tools())]
    assert "find_tools" in lists[1] and "find_tools" not in lists[0]
    assert lists[0] == lists[2]  # a shared connection
    alice.initialize()
    assert "resultType" not in alice.ask("tools/list").json["result"]
    assert bob.ask("tools/list").json["result"]["resultType"] == "complete"


def test_equal_facts_make_one_list(alice, client_of, people, main, made):
    lists = [client.tools() for client in (alice, client_of(people.bob), alice)]
    assert lists[0] == lists[1] == lists[2]
    assert len(made) == 1


def test_what_a_call_changes_makes_no_other_list(alice, main, made):
    before = alice.tools()
    assert alice.call("acme_get_thing", {"id": "a", "unit_id": "b1"})["success"]
    assert alice.tools() == before
    assert len(made) == 1


def test_the_last_few_are_kept_in_the_order_of_their_use():
    lists, made = ToolLists(), []

    def get(number):
        return lists.get(number, lambda: made.append(number) or b"%d" % number)

    for number in (*range(10), 0, 10):
        assert get(number) == b"%d" % number
    assert made == [*range(11)]
    get(0)
    assert made == [*range(11)]
    get(1)
    assert made == [*range(11), 1]


class Watched:
    """Records which attributes are read."""

    def __init__(self, of, read):
        self._of, self._read = of, read

    def __getattr__(self, name):
        self._read.add(name)
        return getattr(self._of, name)


class WatchedFacts(dict):
    """Facts of which only some names are asked for."""

    def get(self, name, default=None):
        assert name in {LACKS, LACKS_OF_MORE}, name
        return super().get(name, default)

    __getitem__ = __contains__ = __iter__ = keys = values = items = None


class WatchedList(list):
    """Of which only the length is asked for."""

    __getitem__ = __contains__ = __iter__ = None


def test_a_list_depends_on_nothing_but_its_key(alice, main, connect, people, sign_in):
    """Every tool of every service is listed, and read is only what the key has."""
    connect(people.alice, "Side", permission="write")
    caller = find_caller(alice.token)
    rows = visible_to(caller.workspace_id, caller.sees_as)
    for each in services_of(caller.workspace_id):
        if each.slug != "acme":
            other = {"slug": each.slug, "scopes": ""}
            rows += [row.model_copy(update={**other, "id": f"{row.id}{each.slug}"}) for row in rows[:2]]
    for row in rows:
        row.facts, row.businesses = WatchedFacts(row.facts), WatchedList(row.businesses)
    in_key, in_list = (set(), set()), (set(), set())
    key_of(Watched(caller, in_key[0]), [Watched(row, in_key[1]) for row in rows])
    watched = Watched(caller, in_list[0]), [Watched(row, in_list[1]) for row in rows]
    toolbox = Toolbox(debug_tools=True, public_url="https://hub.example")
    listed = toolbox.listing(*watched, "https://hub.example/integrations")
    toolbox.compact_listing(*watched)
    assert len(listed) > 100
    own = {"is_operator_key"}  # made of the kind
    assert in_list[0] - own <= in_key[0] and in_list[1] - {"workspace_id"} <= in_key[1]
