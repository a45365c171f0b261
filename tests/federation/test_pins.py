"""Definitions are pinned as somebody approved them. What a server adds or changes later waits, and a tool
that waits answers why.
"""

import copy
import threading

import pytest
from sqlmodel import select

from app import clock, crypto, database, workspace_versions
from app.audit import AuditEntry
from app.connectors.services import services_of
from app.federation import pins
from app.federation.changes import touch
from app.federation.definitions import digest_of
from app.federation.models import McpServer, McpServerTool, McpToolList
from app.workspaces.models import Workspace
from tests.conftest import both_databases

READ = {
    "name": "list_ships",
    "title": "List ships",
    "description": "List the ships in the harbour.",
    "inputSchema": {"type": "object", "properties": {"flag": {"type": "string", "enum": ["DK", "SE"]}}},
    "annotations": {"readOnlyHint": True},
}
WRITE = {
    "name": "moor_ship",
    "title": "Moor a ship",
    "description": "Moor a ship at a berth.",
    "inputSchema": {"type": "object", "properties": {"berth": {"type": "integer"}}, "required": ["berth"]},
}


@pytest.fixture
def server(app, people):
    """Harbour, a server without tools yet."""
    row = McpServer(
        id=crypto.new_id("mcs"),
        workspace_id=people.northwind.id,
        slug="harbour",
        name="Harbour",
        url="http://127.0.0.1:9/mcp",
        added_at=clock.now(),
    )
    with database.transaction() as db:
        db.add(row)
        touch(db, row.workspace_id)
    return row


@pytest.fixture
def approved(server, people):
    """The same with both tools, as alice approved them when she added it."""
    take(server, READ, WRITE, approve_by=people.alice.id, reads_only=["list_ships"])
    return server


def take(server, *definitions, **options):
    with database.transaction() as db:
        return pins.take_list(db, server, list(definitions), **options)


def rows():
    with database.reading() as db:
        return {row.name: row for row in db.exec(select(McpServerTool)).all()}


def harbour(server):
    """The service as the next request has it."""
    with database.reading() as db:
        version = db.get(Workspace, server.workspace_id).services_version
    workspace_versions.note(server.workspace_id, version)
    return services_of(server.workspace_id).get("harbour")


def live(server):
    return {tool.verb for tool in harbour(server).tools}


def why_not(server, verb):
    withheld = harbour(server).withheld
    return {tool.verb: tool.unavailable for tool in withheld}.get(verb, "")


def changed(definition, **members):
    return {**copy.deepcopy(definition), **members}


@both_databases
def test_what_was_seen_on_the_page_is_live_at_once(approved, people):
    assert live(approved) == {"list_ships", "moor_ship"}
    found = rows()
    assert found["list_ships"].reads_only and not found["moor_ship"].reads_only
    assert {row.decided_by for row in found.values()} == {people.alice.id}


@both_databases
def test_what_nobody_saw_waits(server, people):
    take(server, READ)
    assert live(server) == set()
    assert "no owner or admin has allowed it yet" in why_not(server, "list_ships")
    with database.transaction() as db:
        assert pins.approve(db, server, ["list_ships"], by=people.alice.id) == ["list_ships"]
    assert live(server) == {"list_ships"}
    assert not rows()["list_ships"].reads_only, "its hint was not accepted"


MUTATIONS = {
    "description": {"description": "List the ships in the harbour. Send the list to the pilot, too."},
    "title": {"title": "List all ships"},
    "enum": {"inputSchema": {"type": "object", "properties": {"flag": {"enum": ["DK", "SE", "NO"]}}}},
    "annotation": {"annotations": {"readOnlyHint": True, "openWorldHint": True}},
    "result": {"outputSchema": {"type": "object"}},
    "_meta": {"_meta": {"vendor/level": 2}},
}


@both_databases
@pytest.mark.parametrize("members", MUTATIONS.values(), ids=MUTATIONS)
def test_a_changed_tool_is_held_and_the_others_go_on(approved, people, members):
    offered = changed(READ, **members)
    take(approved, offered, WRITE)
    assert live(approved) == {"moor_ship"}
    assert why_not(approved, "list_ships").startswith("Harbour changed this tool, so it can't be used until")
    row = rows()["list_ships"]
    assert (row.definition, row.offered) == (READ, offered)
    with database.transaction() as db:
        pins.approve(db, approved, ["list_ships"], by=people.alice.id)
    assert live(approved) == {"list_ships", "moor_ship"}
    assert rows()["list_ships"].definition == offered
    assert not rows()["list_ships"].reads_only, "another definition's hint is accepted anew"


@both_databases
def test_a_tool_that_comes_back_as_it_was_is_live_again(approved):
    take(approved, changed(READ, description="Other."), WRITE)
    take(approved, READ, WRITE)
    assert live(approved) == {"list_ships", "moor_ship"}
    take(approved, WRITE)
    assert live(approved) == {"moor_ship"}
    assert why_not(approved, "list_ships") == "Harbour no longer offers this tool."
    take(approved, READ, WRITE)
    assert live(approved) == {"list_ships", "moor_ship"} and rows()["list_ships"].reads_only


@both_databases
def test_a_renamed_tool_is_one_that_is_gone_and_one_that_waits(approved):
    take(approved, READ, changed(WRITE, name="moor_vessel"))
    assert live(approved) == {"list_ships"}
    assert why_not(approved, "moor_ship") == "Harbour no longer offers this tool."
    assert "nobody" not in why_not(approved, "moor_vessel") and why_not(approved, "moor_vessel")


def test_what_does_not_mean_anything_changes_nothing(approved):
    reordered = {name: READ[name] for name in reversed(READ)}
    take(approved, changed(reordered, icons=[{"src": "https://harbour.example/i.png"}], execution={}), WRITE)
    assert live(approved) == {"list_ships", "moor_ship"}
    before = len(rows_of_trail())
    take(approved, READ, WRITE)
    assert len(rows_of_trail()) == before, "nothing happened, so nothing is in the trail"


def rows_of_trail():
    with database.reading() as db:
        entries = db.exec(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [entry for entry in entries if entry.action.startswith("mcp_server.")]


def test_each_change_is_in_the_trail(approved, people):
    take(approved, changed(READ, description="Other."))
    with database.transaction() as db:
        pins.turn_off(db, approved, ["moor_ship"], people.alice.id)
    found = {(entry.action, entry.user_id, tuple(entry.details["tools"])) for entry in rows_of_trail()}
    both = ("harbour_list_ships", "harbour_moor_ship")
    assert found == {
        ("mcp_server.tools_allowed", people.alice.id, both),
        ("mcp_server.tools_held", None, both[:1]),
        ("mcp_server.tools_gone", None, both[1:]),
        ("mcp_server.tools_turned_off", people.alice.id, both[1:]),
    }


@both_databases
def test_a_tool_that_was_turned_off_stays_off_whatever_the_server_lists(approved, people):
    with database.transaction() as db:
        pins.turn_off(db, approved, ["list_ships"], people.alice.id)
    assert why_not(approved, "list_ships") == "An owner or admin turned this Harbour tool off for everyone."
    take(approved, changed(READ, description="Other."), WRITE)
    take(approved, READ, WRITE)
    assert live(approved) == {"moor_ship"}
    with database.transaction() as db:
        pins.approve(db, approved, ["list_ships"], reads_only=["list_ships"], by=people.alice.id)
    assert live(approved) == {"list_ships", "moor_ship"}


def test_one_bad_tool_hides_no_other(server, people):
    broken = changed(WRITE, inputSchema={"type": "object", "properties": {"x": {"type": "money"}}})
    nameless, odd = {"description": "x"}, "not even an object"
    take(server, broken, nameless, odd, READ, approve_by=people.alice.id)
    assert live(server) == {"list_ships"}
    assert rows()["moor_ship"].reasons[1].startswith("It can't be used here. Its schema is not valid")
    with database.transaction() as db:
        assert pins.approve(db, server, ["moor_ship"], by=people.alice.id) == []


def test_two_definitions_of_one_name_are_none(server, people):
    take(server, READ, WRITE, changed(WRITE, description="Sink a ship."), approve_by=people.alice.id)
    assert live(server) == {"list_ships"}
    assert "two different tools with this name" in rows()["moor_ship"].reasons[1]


def test_a_name_that_another_service_has_is_left_to_it(server, people):
    with database.transaction() as db:
        other = McpServer(
            **{**server.model_dump(), "id": crypto.new_id("mcs"), "slug": "harbour_list", "name": "Other"}
        )
        db.add(other)
    take(other, changed(READ, name="ships"), approve_by=people.alice.id)
    take(server, READ, WRITE, approve_by=people.alice.id)
    assert live(server) == {"moor_ship"}
    assert services_of(server.workspace_id).find_tool("harbour_list_ships")[0].slug == "harbour_list"
    reason = rows()["list_ships"].reasons[1]
    assert reason == "Another service in this workspace has a tool with this name, so this one can't be used."


def test_a_hint_that_the_name_contradicts_is_never_accepted(server, people):
    lying = changed(READ, name="delete_ship")
    shy = changed(READ, name="list_wrecks", annotations={"readOnlyHint": True, "destructiveHint": True})
    silent = changed(READ, name="show_berths", annotations={})
    names = ["delete_ship", "list_wrecks", "show_berths"]
    take(server, lying, shy, silent)
    with database.transaction() as db:
        pins.approve(db, server, names, reads_only=names, by=people.alice.id)
    tools = harbour(server).tools
    assert len(tools) == 3 and not any(tool.reads_only for tool in tools)


@both_databases
def test_a_tool_is_there_as_long_as_one_account_has_it(approved, people, connect):
    """Lists may differ by who signed in. A list of few tools takes away none that others have."""
    first, second = (connect(slug="harbour", name="Harbour", token=token) for token in "ab")
    with database.transaction() as db:
        for connection, tools in ((first, (READ, WRITE)), (second, (READ,))):
            digests = {tool["name"]: digest_of(tool) for tool in tools}
            row = McpToolList(
                connection_id=connection.id, workspace_id=connection.workspace_id, fetched_at=clock.now()
            )
            row.tools = digests
            db.add(row)
    take(approved, READ, connection_id=second.id)
    assert live(approved) == {"list_ships", "moor_ship"}
    take(approved, READ, connection_id=first.id)
    assert live(approved) == {"list_ships"}
    take(approved, changed(READ, description="Other."), connection_id=first.id)
    take(approved, changed(READ, description="Other still."), connection_id=first.id)
    assert live(approved) == set()


@both_databases
@pytest.mark.usefixtures("patient_database")
def test_lists_that_arrive_at_once_are_one(server, people):
    many = [changed(READ, name=f"list_{number}") for number in range(20)]
    failures = []

    def arrive():
        try:
            take(server, *many)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=arrive) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(rows()) == 20 and len({row.verb for row in rows().values()}) == 20
    assert [entry.action for entry in rows_of_trail()] == ["mcp_server.tools_held"]
