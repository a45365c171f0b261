"""Resources and prompts of MCP servers through our endpoint, under the rules of tools that read."""

import pytest
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND
from sqlmodel import select

from app import database
from app.usage.models import CallRow
from app.vault.models import Connection
from tests.conftest import both_databases
from tests.federation.revisions import both_upstream_revisions
from tests.support.waiting import until


@pytest.fixture
def ask_of(client_of):
    """`ask_of(people.alice, "2025-11-25")` asks our endpoint in that revision: the result, or the error."""

    def _ask_of(user, revision="2026-07-28", **options):
        client = client_of(user, **options)
        if revision != "2026-07-28":
            client.initialize(revision)

        def ask(method, **params):
            answer = client.ask(method, **params).json
            return answer.get("result") or answer["error"]

        return ask

    return _ask_of


def resources(ask):
    return [each["uri"] for each in ask("resources/list").get("resources", [])]


def has_no(kind, ask):
    """Whether this caller is told that there is no such capability."""
    return ask(f"{kind}/list")["code"] == METHOD_NOT_FOUND


@both_databases
@both_upstream_revisions
@pytest.mark.parametrize("spoken", ["2026-07-28", "2025-11-25"], ids=["2026 client", "2025 client"])
def test_they_are_listed_under_names_of_ours_and_read(people, add, connect, ask_of, notebook, spoken):
    add(notebook.url)
    connection = connect(permission="read")
    ask = ask_of(people.alice, spoken)
    until(lambda: resources(ask))
    prefix = f"hub://{connection.id}/"
    listed = ask("resources/list")["resources"]
    assert [each["uri"] for each in listed] == [f"{prefix}notebook://all", f"{prefix}notebook://cover"]
    assert listed[0]["title"] == "Notebook: All notes"
    (part,) = ask("resources/read", uri=f"{prefix}notebook://all")["contents"]
    assert part == {
        "uri": f"{prefix}notebook://all",
        "mimeType": "text/plain",
        "text": "Buy milk\nCall the bank",
    }
    (template,) = ask("resources/templates/list")["resourceTemplates"]
    assert template["uriTemplate"] == f"{prefix}notebook://notes/{{id}}"
    (part,) = ask("resources/read", uri=f"{prefix}notebook://notes/2")["contents"]
    assert part["text"] == "Call the bank"
    (prompt,) = ask("prompts/list")["prompts"]
    assert (prompt["name"], prompt["title"]) == ("notebook_tidy_up", "Notebook: Tidy up")
    got = ask("prompts/get", name="notebook_tidy_up", arguments={"tone": "stern"})
    assert "in a stern tone: Buy milk; Call the bank" in got["messages"][0]["content"]["text"]


def test_reading_is_counted_like_a_tool(people, add, connect, ask_of, sdk_server):
    add(sdk_server.url)
    connection = connect(permission="read")
    ask = ask_of(people.alice)
    until(lambda: resources(ask))
    ask("resources/read", uri=resources(ask)[0])
    ask("prompts/get", name="notebook_tidy_up")
    ask("resources/read", uri=f"hub://{connection.id}/notebook://nowhere")
    with database.reading() as db:
        rows = list(db.exec(select(CallRow).order_by(CallRow.id)))
    assert [(row.tool, row.slug, row.connection_id) for row in rows] == [
        ("resources/read", "notebook", connection.id),
        ("prompts/get", "notebook", connection.id),
        ("resources/read", "notebook", connection.id),
    ]
    assert [row.outcome == "ok" for row in rows] == [True, True, False]


def change(connection, **columns):
    with database.transaction() as db:
        row = db.get(Connection, connection.id)
        for name, value in columns.items():
            setattr(row, name, value)


def test_who_may_not_read_a_connection_does_not_see_its_contents(people, add, connect, ask_of, sdk_server):
    add(sdk_server.url)
    connection = connect(permission="read", visibility="personal")
    alice, bob = ask_of(people.alice), ask_of(people.bob)
    until(lambda: resources(alice))
    uri = resources(alice)[0]
    for ask in (bob, ask_of(people.charlie)):
        assert has_no("resources", ask) and has_no("prompts", ask)
        assert ask("resources/read", uri=uri)["message"].startswith("There is no such resource.")
    change(connection, permission="off")
    assert has_no("resources", alice)
    assert alice("resources/read", uri=uri)["message"].startswith("There is no such resource.")
    assert alice("prompts/get", name="notebook_tidy_up")["message"].startswith("There is no such prompt.")


def test_they_are_advertised_to_whom_they_are_offered(people, add, connect, client_of, sdk_server):
    def capabilities(client):
        return client.ask("server/discover").json["result"]["capabilities"].keys()

    client = client_of(people.alice)
    assert capabilities(client) == {"tools"}
    add(sdk_server.url)
    connect(permission="read")
    until(lambda: capabilities(client) == {"tools", "resources", "prompts"})
    assert capabilities(client_of(people.charlie)) == {"tools"}


def test_a_server_that_does_not_answer_delays_no_list(people, add, connect, ask_of, sdk_server):
    add(sdk_server.url)
    connect(permission="read")
    ask = ask_of(people.alice)
    until(lambda: resources(ask))
    sdk_server.failures.extend([503] * 100)
    assert resources(ask), "the last list counts"


@pytest.mark.needs_node
def test_what_the_caller_can_correct_is_an_error_of_the_request(people, add, connect, ask_of, everything):
    add(everything, slug="everything", name="Everything")
    for account in ("Oslo", "Bergen"):
        connect(slug="everything", name=account, token=account, permission="read")
    ask = ask_of(people.alice)
    until(lambda: len(resources(ask)) == 14)
    city = {"name": "everything_args_prompt", "arguments": {"city": "Oslo"}}
    assert "Oslo" in str(ask("prompts/get", **city)["messages"])
    missing = ask("prompts/get", name="everything_args_prompt", arguments={})
    assert missing["code"] == INVALID_PARAMS and "city" in str(missing["data"]["reasons"])
    city["arguments"]["account"] = "Rome"
    unknown = ask("prompts/get", **city)
    assert unknown["code"] == INVALID_PARAMS and "Oslo, Bergen" in unknown["message"], unknown


@pytest.mark.needs_node
def test_everything_of_the_reference_server_is_passed_on(people, add, connect, ask_of, everything):
    add(everything, slug="everything", name="Everything")
    connection = connect(slug="everything", name="Everything", permission="read")
    ask = ask_of(people.alice)
    until(lambda: resources(ask))
    listed = resources(ask)
    assert len(listed) == 7
    for uri in listed:
        assert ask("resources/read", uri=uri)["contents"][0]["text"]
    templates = ask("resources/templates/list")["resourceTemplates"]
    assert {each["uriTemplate"] for each in templates} == {
        f"hub://{connection.id}/demo://resource/dynamic/text/{{resourceId}}",
        f"hub://{connection.id}/demo://resource/dynamic/blob/{{resourceId}}",
    }
    prompts = {each["name"]: each for each in ask("prompts/list")["prompts"]}
    assert len(prompts) == 4
    assert all(name.startswith("everything_") for name in prompts)
    got = ask("prompts/get", name="everything_args_prompt", arguments={"city": "Oslo", "state": "Viken"})
    assert "Oslo" in got["messages"][0]["content"]["text"]


def test_a_link_in_a_tools_result_can_be_read_here(people, add, connect, ask_of, sdk_server):
    add(sdk_server.url)
    connection = connect(permission="read")
    ask = ask_of(people.alice)
    until(lambda: resources(ask))
    result = ask("tools/call", name="notebook_draw_note", arguments={"id": 2})
    (link,) = [each for each in result["content"] if each["type"] == "resource_link"]
    assert link["uri"] == f"hub://{connection.id}/notebook://notes/2"
    assert ask("resources/read", uri=link["uri"])["contents"][0]["text"] == "Call the bank"


def test_of_two_servers_prompts_of_one_name_the_listed_one_is_asked(
    people, add, connect, ask_of, sdk_server, session_server
):
    @session_server.server.prompt(name="up")
    def up() -> str:
        return "From the other server."

    add(sdk_server.url, slug="notebook", name="Notebook")
    add(session_server.url, slug="notebook_tidy", name="Tidy")
    for slug, name in (("notebook", "Main"), ("notebook_tidy", "First"), ("notebook_tidy", "Second")):
        connect(slug=slug, name=name, token=name, permission="read")
    ask = ask_of(people.alice)
    until(lambda: len(resources(ask)) == 6)  # two each
    listed = {each["name"]: each["title"] for each in ask("prompts/list")["prompts"]}
    assert listed["notebook_tidy_up"] == "Notebook: Tidy up"
    got = ask("prompts/get", name="notebook_tidy_up", arguments={"tone": "kind"})
    assert "in a kind tone" in str(got["messages"]), got
    theirs = ask("prompts/get", name="notebook_tidy_tidy_up", arguments={"tone": "kind", "account": "Second"})
    assert theirs["description"].endswith("(account: Second)"), theirs
