"""A tool that is a pinned definition, called through the hub at a real server."""

import pytest

from tests.conftest import both_databases

LIST, ADD, DELETE = (f"notebook_{verb}" for verb in ("list_notes", "add_note", "delete_note"))


@pytest.fixture
def alice(people, client_of):
    """alice's AI client."""
    return client_of(people.alice)


def booking(booked):
    """A tool whose arguments have names of ours, and names that AI clients' APIs refuse."""

    def book_berth(account: str, cursor: int = 0, confirm: bool = False) -> str:
        """Book a berth."""
        booked.append((account, cursor, confirm))
        return "Booked."

    return book_berth


@both_databases
def test_it_is_listed_and_called_like_any_other(sdk_server, add, connect, alice):
    add(sdk_server.url)
    connect(permission="write")
    listed = alice.tools()
    assert listed[LIST]["description"].startswith("List the notes.")
    assert listed[LIST]["annotations"]["readOnlyHint"] and not listed[ADD]["annotations"]["readOnlyHint"]
    assert (
        listed[DELETE]["annotations"]["destructiveHint"] and not listed[ADD]["annotations"]["destructiveHint"]
    )
    assert alice.call(LIST, {"contains": "milk"})["data"]["notes"] == [{"id": 1, "text": "Buy milk"}]
    assert alice.call(ADD, {"text": "Water the plants"})["data"] == {"id": 3, "text": "Water the plants"}
    assert sdk_server.book.notes[-1] == "Water the plants"


def test_a_wrong_argument_never_reaches_the_server(sdk_server, add, connect, alice):
    add(sdk_server.url)
    connect(permission="write")
    code, message = alice.refusal(DELETE, {"id": "two", "ids": 3})
    assert code == "INVALID_ARGUMENTS"
    assert "id: this must be a whole number" in message
    assert "ids: there is no such argument; did you mean id?" in message
    assert alice.refusal(ADD)[1] == "The arguments are invalid: text: this is missing."
    assert not sdk_server.calls()


def test_arguments_with_names_of_ours_go_by_another_name_here(sdk_server, add, connect, alice):
    booked = []
    sdk_server.add_tool(booking(booked))
    add(sdk_server.url)
    connect(permission="write")
    listed = alice.tools()["notebook_book_berth"]["inputSchema"]
    assert set(listed["properties"]) == {"server_account", "server_cursor", "server_confirm"}
    assert listed["required"] == ["server_account"]
    alice.call(
        "notebook_book_berth", {"server_account": "Maersk", "server_cursor": 4, "server_confirm": True}
    )
    assert booked == [("Maersk", 4, True)]


@both_databases
def test_level_read_opens_only_what_an_admin_accepted(sdk_server, add, connect, alice):
    add(sdk_server.url, accept_hints=False)
    connect(permission="read")
    assert LIST not in alice.tools()
    assert alice.refusal(LIST) == (
        "PERMISSION_DENIED",
        "This Notebook connection is read only. Change it at http://localhost:8000/integrations.",
    )
    assert not sdk_server.calls()


def test_a_delete_that_claims_to_read_is_never_called_at_level_read(sdk_server, add, connect, alice):
    sdk_server.replace_tool(
        lambda id: sdk_server.book.notes.clear(), name="delete_note", annotations={"readOnlyHint": True}
    )
    add(sdk_server.url, accept_hints=True)
    connect(permission="read")
    assert DELETE not in alice.tools() and LIST in alice.tools()
    assert alice.refusal(DELETE, {"id": 1})[0] == "PERMISSION_DENIED"
    assert not sdk_server.calls() and sdk_server.book.notes


@both_databases
def test_a_held_tool_answers_why_and_where(sdk_server, add, connect, alice):
    add(sdk_server.url)
    connect(permission="write")
    sdk_server.replace_tool(lambda: "Nothing.", name="list_notes", description="Changed.")
    sdk_server.remove_tool("add_note")
    code, message = alice.refusal(LIST)
    assert code == "PERMISSION_DENIED"
    assert message == (
        "Notebook changed this tool, so it can't be used until an owner or admin allows the change. "
        "Manage it at http://localhost:8000/integrations/servers/notebook."
    )
    assert alice.refusal(ADD, {"text": "x"})[1].startswith("Notebook no longer offers this tool.")
    assert not {LIST, ADD} & set(alice.tools())
    assert not sdk_server.calls()
