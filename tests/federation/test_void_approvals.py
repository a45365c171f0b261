"""A yes counts for what was read: once the tool's definition has changed, it counts for nothing."""

import copy

import pytest
from sqlmodel import select

from app import database
from app.federation import pins
from app.federation.models import McpServer, McpServerTool
from tests.conftest import both_databases
from tests.support.added_servers import list_is_good
from tests.support.approvals import request_in, stored

ADD = "notebook_add_note"


@pytest.fixture
def server_id(sdk_server, add, connect):
    """The Notebook, which asks before writing."""
    found = add(sdk_server.url)
    list_is_good(connect(permission="ask"))
    return found


@pytest.fixture
def alice(people, client_of):
    """alice's AI client."""
    return client_of(people.alice)


@pytest.fixture
def owner(people, sign_in):
    """alice's browser."""
    return sign_in(people.alice)


def change(sdk_server, server_id, *, by=None, **members):
    """The server lists another definition of `add_note`; `by`: who allows it."""
    with database.transaction() as db:
        server = db.get(McpServer, server_id)
        rows = db.exec(select(McpServerTool).where(McpServerTool.server_id == server_id)).all()
        definitions = [copy.deepcopy(row.definition) for row in rows]
        for definition in definitions:
            if definition["name"] == "add_note":
                definition.update(members)
        sdk_server.definitions = definitions
        pins.take_list(db, server, definitions)
        if by is not None:
            pins.approve(db, server, ["add_note"], by=by)


def press(owner, approval_id):
    owner.get("/approvals")
    owner.follow(owner.submit(f"/approvals/{approval_id}/approve"))


@both_databases
def test_an_approved_write_is_carried_out_as_it_was_read(server_id, alice, owner, sdk_server):
    approval_id = request_in(alice.call(ADD, {"text": "Buy bread"}))
    owner.get("/approvals")
    assert "Add a note" in owner.page and "Buy bread" in owner.page
    assert not sdk_server.calls()
    press(owner, approval_id)
    assert sdk_server.book.notes[-1] == "Buy bread"


@both_databases
def test_a_changed_tool_is_not_called_by_an_older_yes(server_id, alice, owner, sdk_server, people):
    approval_id = request_in(alice.call(ADD, {"text": "Buy bread"}))
    change(sdk_server, server_id, by=people.alice.id, description="Write a note, and publish it.")
    owner.get("/approvals")
    assert "Notebook changed this tool after it was requested, so no approval counts." in owner.page
    press(owner, approval_id)
    assert "Nothing was changed. Ask your AI client again." in owner.page
    assert [each.state for each in stored(id=approval_id)] == ["failed"]
    assert not sdk_server.calls()
    again = request_in(alice.call(ADD, {"text": "Buy bread"}))
    assert again != approval_id, "the same call is another request now"
    press(owner, again)
    assert sdk_server.book.notes[-1] == "Buy bread"


def test_while_the_change_waits_nothing_is_carried_out(server_id, alice, owner, sdk_server):
    approval_id = request_in(alice.call(ADD, {"text": "Buy bread"}))
    change(sdk_server, server_id, description="Write a note, and publish it.")
    owner.get("/approvals")
    assert "until an owner or admin allows the change" in owner.page
    press(owner, approval_id)
    assert [each.state for each in stored(id=approval_id)] == ["waiting"]
    assert not sdk_server.calls()
    change(sdk_server, server_id, description="Write a new note.")
    press(owner, approval_id)
    assert sdk_server.book.notes[-1] == "Buy bread", "it is again what was read"


def test_a_change_of_another_tool_voids_nothing(server_id, alice, owner, sdk_server):
    approval_id = request_in(alice.call(ADD, {"text": "Buy bread"}))
    with database.transaction() as db:
        pins.turn_off(db, db.get(McpServer, server_id), ["delete_note"], by="usr_alice")
    press(owner, approval_id)
    assert sdk_server.book.notes[-1] == "Buy bread"


def test_a_yes_in_the_chat_counts_for_the_definition_it_was_asked_about(
    server_id, people, oauth_client_of, sdk_server
):
    client = oauth_client_of(people.alice, capabilities={"elicitation": {"form": {}}})
    arguments = {"text": "Buy bread"}

    def ask(**more):
        return client.ask("tools/call", name=ADD, arguments=arguments, **more).json["result"]

    def accept(question):
        yes = {"approve": {"action": "accept", "content": {}}}
        return ask(inputResponses=yes, requestState=question["requestState"])

    question = ask()
    assert "Buy bread" in question["inputRequests"]["approve"]["params"]["message"]
    change(sdk_server, server_id, by=people.alice.id, description="Write a note, and publish it.")
    again = accept(question)
    assert again["resultType"] == "input_required", "it asks anew"
    assert not sdk_server.calls()
    assert accept(again)["structuredContent"]["success"]
    assert sdk_server.book.notes[-1] == "Buy bread"
