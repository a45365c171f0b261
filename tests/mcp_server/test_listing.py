"""tools/list: what a client is told about each tool."""

import re

import jsonschema
import pytest

from app.connectors.services import services_of
from app.mcp_server.toolbox import Toolbox

# An argument of such a name needs no description.
PLAIN_NAMES = {"first_name", "last_name", "email", "organization", "name"}


def test_every_tool_is_described_completely(alice, connect, people):
    connect(people.alice, permission="write")
    tools = alice.tools()
    assert {"hub_list_connections", "hub_connect_service", "acme_get_thing", "acme_create_thing"} <= set(
        tools
    )
    for name, tool in tools.items():
        assert re.fullmatch(r"[a-z0-9_]{1,64}", name)
        assert tool["title"] and tool["description"]
        assert set(tool["annotations"]) >= {
            "readOnlyHint",
            "destructiveHint",
            "idempotentHint",
            "openWorldHint",
        }
        assert tool["inputSchema"]["type"] == "object"
        assert all(part.get("description") for part in tool["inputSchema"]["properties"].values()), name
        assert tool["outputSchema"]["type"] == "object"
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        jsonschema.Draft202012Validator.check_schema(tool["outputSchema"])


def test_answers_fit_the_output_schema(alice, connect, people):
    connect(people.alice, permission="write")
    tools = alice.tools()
    for name, arguments in (
        ("hub_list_connections", {}),
        ("hub_connect_service", {"service": "acme"}),
        ("acme_get_thing", {"id": "a"}),
        ("acme_get_thing", {"id": "missing"}),
        ("acme_list_things", {}),
        ("acme_create_thing", {"text": "x"}),
    ):
        jsonschema.validate(alice.call(name, arguments), tools[name]["outputSchema"])


def test_the_list_is_stable_private_and_says_how_long_it_holds(alice, connect, people):
    connect(people.alice, permission="write")
    first, second = (alice.ask("tools/list").json["result"] for _ in range(2))
    assert first == second
    assert first["cacheScope"] == "private"
    assert first["ttlMs"] > 0


def test_nothing_of_a_service_is_listed_until_it_is_connected(alice):
    tools = set(alice.tools())
    assert tools > {"hub_list_connections", "hub_connect_service", "memory_save"}
    assert not [
        name for name in tools if name.split("_")[0] in {*(each.slug for each in services_of(None)), "set"}
    ]


def test_a_token_without_write_sees_no_writing_tool(client_of, connect, people):
    connect(people.alice, permission="write")
    reader = client_of(people.alice, "tools:read")
    assert "acme_get_thing" in reader.tools()
    assert "acme_create_thing" not in reader.tools()


def test_the_business_argument_and_the_cursor_are_offered_where_they_work(alice, connect, people):
    connect(people.alice)
    tools = {name: tool["inputSchema"]["properties"] for name, tool in alice.tools().items()}
    assert "unit_id" in tools["acme_get_thing"]
    assert "unit_id" not in tools["acme_list_businesses"]
    assert "cursor" in tools["acme_list_things"]
    assert "account" not in tools["acme_get_thing"]


@pytest.mark.parametrize("slug", sorted(each.slug for each in services_of(None)))
def test_every_connectors_tools_can_be_offered(slug):
    connector, toolbox = services_of(None).get(slug), Toolbox()
    taken = {"account", "cursor", connector.business.name if connector.business else "account"}
    for tool in connector.tools:
        listed = toolbox.find("wsp_any", tool.name_in(slug))
        assert listed is not None
        assert re.fullmatch(r"[a-z0-9_]{1,64}", listed.name)
        assert not taken & set(tool.input_schema.get("properties", {})), (
            f"{listed.name}: the hub adds these arguments itself: {taken}"
        )
        parameters = listed.wire["inputSchema"]["properties"]
        assert listed.wire["description"], listed.name
        vague = [name for name, part in parameters.items() if not part.get("description")]
        assert not [name for name in vague if name not in PLAIN_NAMES], f"{listed.name}: describe {vague}"
        jsonschema.Draft202012Validator.check_schema(listed.wire["inputSchema"])
        jsonschema.Draft202012Validator.check_schema(listed.wire["outputSchema"])
