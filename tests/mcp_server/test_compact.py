"""Compact mode: a few tools that find, describe and call all others, under the rules of a direct call."""

import json

import pytest
from sqlmodel import select

from app import database
from app.connectors.rows import size_in_tokens
from app.connectors.services import services_of
from app.mcp_server.toolbox import Toolbox
from app.mcp_server.tools import tool_search
from app.usage.models import CallRow
from tests.support import acme, tokens
from tests.support.mcp_client import Client

ITS_OWN = {"find_tools", "describe_tool", "call_read_tool", "call_write_tool"}
LIMIT = 800  # tokens (o200k) that a model reads, without the debug tools


class CompactClient(Client):
    """An AI client whose address ends in ?tools=compact."""

    path = "/mcp?tools=compact"


@pytest.fixture
def compact_of(app, token_for):
    def _client(user, scopes="tools:read tools:write", **options):
        return CompactClient(app, token_for(user, scopes), **options)

    return _client


@pytest.fixture
def compact(compact_of, people):
    """alice's AI client in compact mode."""
    return compact_of(people.alice)


def rows():
    with database.reading() as db:
        return [(row.tool, row.slug, row.outcome) for row in db.exec(select(CallRow)).all()]


def test_it_lists_its_four_tools_and_the_built_in_ones(compact, connect, people):
    connect(people.alice, businesses=2, permission="write")
    tools = compact.tools()
    assert set(tools) > ITS_OWN | {
        "hub_list_connections",
        "hub_connect_service",
        "set_active_business",
        "memory_save",
    }
    assert not [name for name in tools if name.startswith("acme_")]
    for tool in tools.values():
        assert (
            tool["title"]
            and tool["description"]
            and tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object"
        )
        assert set(tool["annotations"]) == {
            "readOnlyHint",
            "destructiveHint",
            "idempotentHint",
            "openWorldHint",
        }
        assert all(part["description"] for part in tool["inputSchema"].get("properties", {}).values()), tool[
            "name"
        ]


def test_its_own_tools_are_not_in_the_full_list_nor_called_there(alice, connect, people):
    connect(people.alice)
    assert not ITS_OWN & set(alice.tools())
    assert (
        alice.ask("tools/call", name="find_tools", arguments={"query": "x"}).json["error"]["code"] == -32602
    )


@pytest.mark.needs_node
def test_a_client_with_everything_connected_starts_under_the_limit(compact, connect, people):
    # so that set_active_business is there too; debug tools are on
    connect(people.alice, businesses=2, permission="write")
    listed = list(compact.tools().values())
    assert {"set_active_business", "debug_auth"} <= {tool["name"] for tool in listed}
    instructions = compact.ask("server/discover").json["result"]["instructions"]
    assert "find_tools" in instructions and len(instructions) <= 512
    costs = tokens.count([tokens.visible(tool) for tool in listed if not tool["name"].startswith("debug_")])
    assert sum(costs) < LIMIT


def test_a_call_is_the_call_itself(compact, connect, people):
    connect(people.alice, permission="write")
    envelope = compact.call("call_read_tool", {"name": "acme_get_thing", "arguments": {"id": "seven"}})
    assert (envelope["operation"], envelope["data"]["id"]) == ("acme_get_thing", "seven")
    assert envelope["message"] == "Thing 5. Acme account: Main; business: Business 1."
    acme.written.clear()
    assert compact.call("call_write_tool", {"name": "acme_create_thing", "arguments": {"text": "x"}})[
        "success"
    ]
    assert acme.written == ["x"]
    assert rows() == [("acme_get_thing", "acme", "ok"), ("acme_create_thing", "acme", "ok")]


def test_built_in_tools_can_be_called_either_way(compact):
    assert compact.call("memory_save", {"text": "x"})["success"]
    assert compact.call("call_read_tool", {"name": "memory_list"})["data"]["items"][0]["text"] == "x"


def test_reading_and_writing_are_kept_apart(compact, connect, people):
    connect(people.alice, permission="write")
    acme.written.clear()
    code, sentence = compact.refusal(
        "call_read_tool", {"name": "acme_create_thing", "arguments": {"text": "x"}}
    )
    assert (code, sentence) == (
        "INVALID_ARGUMENTS",
        "acme_create_thing changes something: call it with call_write_tool.",
    )
    assert (
        "only reads: call it with call_read_tool"
        in compact.refusal("call_write_tool", {"name": "acme_get_thing"})[1]
    )
    assert acme.written == []


def test_the_permission_of_the_connection_holds(compact, connect, people):
    connect(people.alice, permission="read")
    acme.written.clear()
    assert (
        compact.refusal("call_write_tool", {"name": "acme_create_thing", "arguments": {"text": "x"}})[0]
        == "PERMISSION_DENIED"
    )
    described = compact.call("describe_tool", {"name": "acme_create_thing"})["data"]
    assert (described["can_be_called"], "read only" in described["reason"]) == (False, True)
    assert "acme_create_thing" not in json.dumps(compact.call("find_tools", {"query": "create a thing"}))
    assert acme.written == [] and rows()[0] == ("acme_create_thing", "acme", "PERMISSION_DENIED")


def test_the_scope_of_the_token_holds(compact_of, connect, people):
    connect(people.alice, permission="write")
    reader = compact_of(people.alice, "tools:read")
    assert "call_write_tool" not in reader.tools() and "memory_save" not in reader.tools()
    refused = reader.ask(
        "tools/call",
        name="call_write_tool",
        arguments={"name": "acme_create_thing", "arguments": {"text": "x"}},
    )
    assert refused.status_code == 403 and "insufficient_scope" in refused.headers["WWW-Authenticate"]
    assert reader.call("call_read_tool", {"name": "acme_get_thing", "arguments": {"id": "a"}})["success"]
    assert (
        "was not granted the scope tools:write"
        in reader.call("describe_tool", {"name": "acme_create_thing"})["data"]["reason"]
    )


def test_the_account_rules_hold_and_are_described(compact, connect, people):
    connect(people.alice, "One", permission="write")
    connect(people.alice, "Two", permission="write")
    described = compact.call("describe_tool", {"name": "acme_create_thing"})["data"]
    assert (
        described["input_schema"]["properties"]["account"]["enum"] == ["One", "Two"]
        and "account" in described["input_schema"]["required"]
    )
    assert described["call_with"] == "call_write_tool"
    wanted = {"name": "acme_create_thing", "arguments": {"text": "x"}}
    assert compact.refusal("call_write_tool", wanted)[0] == "AMBIGUOUS_ACCOUNT"
    wanted["arguments"]["account"] = "Two"
    assert "Acme account: Two" in compact.call("call_write_tool", wanted)["message"]


def test_the_limits_hold(early, compact, connect, people):
    connect(people.alice)
    with database.transaction() as db:
        db.add(people.northwind)
        people.northwind.per_minute = 2
    wanted = {"name": "acme_get_thing", "arguments": {"id": "a"}}
    assert [
        compact.ask("tools/call", name="call_read_tool", arguments=wanted).status_code for _ in range(3)
    ] == [200, 200, 429]
    assert rows()[-1] == ("acme_get_thing", "acme", "RATE_LIMITED")


def test_a_service_that_is_not_connected_gives_its_way_back(compact, compact_of, people, url_capable):
    wanted = {"name": "acme_get_thing", "arguments": {"id": "a"}}
    code, sentence = compact.refusal("call_read_tool", wanted)
    assert code == "NOT_CONNECTED" and "/integrations/connect/lnk_" in sentence
    capable = compact_of(people.alice, capabilities=url_capable)
    required = capable.ask("tools/call", name="call_read_tool", arguments=wanted).json["result"]
    assert required["resultType"] == "input_required"
    assert rows()[-1] == ("acme_get_thing", "acme", "NOT_CONNECTED")


@pytest.mark.parametrize("name", ["no_such_tool", "call_read_tool", "find_tools", ""])
def test_a_tool_that_is_not_there_is_refused(compact, name):
    for tool in ("call_read_tool", "call_write_tool", "describe_tool"):
        assert compact.refusal(tool, {"name": name})[0] == "INVALID_ARGUMENTS"


def test_pages_go_on(compact, connect, people):
    connect(people.alice)
    first = compact.call("call_read_tool", {"name": "acme_list_things"})["data"]
    wanted = {"name": "acme_list_things", "arguments": {"cursor": first["next_cursor"]}}
    assert compact.call("call_read_tool", wanted)["data"]["items"][0]["id"] == "10"


def test_what_is_missing_is_named(compact, connect, people):
    message = compact.call("find_tools", {"query": "unpaid invoices in Xero"})["message"]
    assert message.endswith("Not connected: Xero; hub_connect_service gives a link to connect.")


def test_another_workspace_is_not_reached(compact, compact_of, connect, people):
    connect(people.alice)
    charlie = compact_of(people.charlie)
    assert charlie.call("find_tools", {"query": "get a thing"})["data"]["tools"] == []
    assert (
        charlie.refusal("call_read_tool", {"name": "acme_get_thing", "arguments": {"id": "a"}})[0]
        == "NOT_CONNECTED"
    )


def test_the_handshake_revisions_get_it_too(compact):
    compact.initialize()
    assert set(compact.tools()) > ITS_OWN
    assert compact.call("find_tools", {"query": "notes"})["success"]


def test_the_challenge_and_the_metadata_repeat_the_address_as_typed(compact, visitor):
    compact.token = None
    challenge = compact.ask("tools/list").headers["WWW-Authenticate"]
    assert '/.well-known/oauth-protected-resource/mcp?tools=compact"' in challenge
    assert (
        visitor.get("/.well-known/oauth-protected-resource/mcp?tools=compact")
        .json["resource"]
        .endswith("/mcp?tools=compact")
    )
    assert visitor.get("/.well-known/oauth-protected-resource/mcp").json["resource"].endswith("/mcp")


@pytest.fixture(scope="module")
def every_tool():
    """What an AI client would get of every service, and some built-in tools."""
    toolbox = Toolbox()
    names = [tool.name_in(c.slug) for c in services_of(None) for tool in c.tools]
    names += ["memory_save", "memory_search", "hub_list_connections"]
    return [dict(toolbox.find("wsp_any", name).wire) for name in names]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("who owes us money in xero", "xero_get_aged_receivables"),
        ("unpaid bills", "xero_list_invoices"),
        ("send an e-mail", "gmail_send_message"),
        ("search my mailbox", "gmail_search_messages"),
        ("log hours freshbooks", "freshbooks_log_time"),
        ("revenue this month freshbooks", "freshbooks_get_revenue_report"),
        ("new customer in xero", "xero_create_contact"),
        ("record a payment xero", "xero_record_payment"),
        ("balance sheet xero", "xero_get_balance_sheet"),
        ("attachments of a message", "gmail_list_attachments"),
        ("remember a fact", "memory_save"),
        ("saturday", "freshbooks_send_saturday_invoices"),
        ("which companies can I use in xero", "xero_list_organisations"),
    ],
)
def test_tools_are_found_in_the_persons_own_words(every_tool, query, expected):
    found = [entry["name"] for entry in tool_search.best(query, every_tool, 5)]
    assert expected in found


def test_the_page_of_ai_clients_shows_what_each_choice_costs(alice, compact, sign_in, people, connect):
    connect(people.alice, permission="write")
    page = sign_in(people.alice)
    page.get("/ai-clients")
    for client in (alice, compact):
        about = -(-size_in_tokens(list(client.tools().values())) // 100) * 100
        assert f"{about:,} tokens" in page.page
    assert "http://localhost:8000/mcp?tools=compact" in page.page
