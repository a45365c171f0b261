"""Servers of the official SDKs in both revisions: connecting, lists, calls, questions."""

import pytest
from mcp.server.mcpserver import Context
from mcp_types import ToolListChangedNotification

from app.connectors.mcp import client_of
from app.errors import InvalidArguments, ObjectNotFound
from app.mcp_client import DirectSender, McpClient, MemorySessions, RpcError
from tests.mcp_client.conftest import both_revisions

pytestmark = both_revisions


def test_the_revision_is_found_and_the_server_says_what_it_is(client, revision):
    facts = client.connect()
    assert facts.revision == revision
    assert facts.info["name"] == "notebook" and facts.info["title"] == "Notebook"
    assert "tools" in facts.capabilities
    assert facts.instructions == "Keep short notes. List them before you change one."


def test_the_revision_is_asked_for_once_and_a_call_is_one_request_then(client, notebook, revision):
    client.call_tool("list_notes", {}, safe=True)
    notebook.seen.clear()
    for _ in range(3):
        client.call_tool("list_notes", {}, safe=True)
    assert [each.rpc for each in notebook.seen] == ["tools/call"] * 3


def test_every_tool_is_listed_as_the_server_defines_it(client):
    listed = {each["name"]: each for each in client.list_tools().tools}
    assert {"list_notes", "add_note", "delete_note", "draw_note", "count"} <= listed.keys()
    assert listed["list_notes"]["annotations"]["readOnlyHint"] is True
    assert listed["list_notes"]["outputSchema"]["properties"]["notes"]["type"] == "array"


def test_a_list_over_several_pages_is_read_to_its_end(client, notebook):
    for n in range(300):
        notebook.add_tool(lambda: "", name=f"tool_{n}", description="One of many.")
    assert len({each["name"] for each in client.list_tools().tools}) >= 300


def test_a_call_returns_what_the_tool_returned(client, notebook):
    result = client.call_tool("add_note", {"text": "Zürich → \U0001f9fe"}, safe=False)
    assert result["structuredContent"] == {"id": 3, "text": "Zürich → \U0001f9fe"}
    assert notebook.book.notes[-1] == "Zürich → \U0001f9fe"


def test_names_that_no_header_can_hold_arrive(client, notebook):
    notebook.add_tool(lambda: "here", name="tool_é", description="Odd.", structured_output=False)
    assert client.call_tool("tool_é", {}, safe=True)["content"][0]["text"] == "here"


def test_progress_arrives_while_the_tool_works(client):
    reports = []
    client.call_tool("count", {"to": 3}, safe=True, progress=lambda *report: reports.append(report))
    assert reports == [(1, 3, "1 of 3"), (2, 3, "2 of 3"), (3, 3, "3 of 3")]


class Person:
    """Somebody who answers every question alike."""

    capabilities, earlier = {"elicitation": {"form": {}}}, None

    def __init__(self, reply):
        self.reply = reply
        self.questions = []

    def answer(self, method, params):
        self.questions.append((method, params["message"]))
        return self.reply

    def answer_all(self, questions, state):
        return {key: self.answer(each["method"], each["params"]) for key, each in questions.items()}


def test_a_question_of_the_server_is_answered_by_the_caller(client):
    person = Person({"action": "accept", "content": {"colour": "green"}})
    result = client.call_tool("colour_note", {"id": 1}, safe=False, answer=person)
    assert person.questions == [("elicitation/create", "Which colour should the note have?")]
    assert result["content"][0]["text"] == "Note 1 is green now."


def test_a_question_that_nobody_answers_does_not_hang(client, revision):
    if revision == "2026-07-28":
        with pytest.raises(RpcError, match="needs to ask the person a question for this"):
            client.call_tool("colour_note", {"id": 1}, safe=False)
    else:
        assert client.call_tool("colour_note", {"id": 1}, safe=False)["isError"]


@pytest.mark.parametrize("tool", ["write_poem", "look_at_folders"])
def test_sampling_and_roots_are_not_offered_and_the_call_ends_with_a_sentence(client, tool):
    with pytest.raises(RpcError, match="needs the AI client's own model or folders") as refused:
        client.call_tool(tool, {}, safe=True)
    assert "capability" in refused.value.details["reasons"][0]


def test_a_tool_that_is_gone_says_so_and_wrong_arguments_are_the_callers(client, notebook):
    try:
        result = client.call_tool("no_such_tool", {}, safe=True)
    except ObjectNotFound as error:
        assert "List the tools again" in error.message
    else:
        assert result["isError"]
    with pytest.raises(RpcError) as refused:
        client._request("no/such", {}, safe=True)
    assert refused.value.rpc_code == -32601 and "doesn't support" in refused.value.message
    with pytest.raises(InvalidArguments):
        client._request("tools/call", {"arguments": {}}, safe=True)


def test_resources_and_prompts_are_read(client):
    assert {each["uri"] for each in client.list_resources()} == {"notebook://all", "notebook://cover"}
    assert client.list_resource_templates()[0]["uriTemplate"] == "notebook://notes/{id}"
    assert client.read_resource("notebook://all")["contents"][0]["text"] == "Buy milk\nCall the bank"
    assert [each["name"] for each in client.list_prompts()] == ["tidy_up"]
    prompt = client.get_prompt("tidy_up", {"tone": "stern"})
    assert "in a stern tone" in prompt["messages"][0]["content"]["text"]


def test_a_server_is_looked_at_without_a_connection(notebook, revision, monkeypatch):
    monkeypatch.setattr("app.outbound.guarded_http.is_public", lambda address: True)
    client = McpClient(DirectSender(notebook.url, seconds=30), MemorySessions(), name="Notebook")
    assert client.connect().revision == revision
    assert client.list_tools().tools


def test_what_the_server_announces_meanwhile_reaches_the_caller(api, notebook):
    heard = []
    api.on_notification = lambda method, params: heard.append((method, params))
    client = client_of(api)

    async def grow(context: Context) -> str:
        """Announce a new list."""
        await context.request_context.session.send_notification(
            ToolListChangedNotification(), related_request_id=context.request_context.request_id
        )
        return "Done."

    notebook.add_tool(grow, structured_output=False)
    client.call_tool("grow", {}, safe=True)
    assert heard == [("notifications/tools/list_changed", {})]
