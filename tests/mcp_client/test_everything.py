"""The MCP project's own reference server, with sessions: content of every kind, progress, resources."""

import base64

import pytest

from app.connectors.mcp import call_tool, client_of
from app.connectors.mcp_results import RemoteToolFailed
from app.connectors.output_check import OutputCheck


@pytest.fixture
def api(everything, api_of):
    return api_of(everything)


@pytest.fixture
def client(api):
    return client_of(api)


def test_a_handshake_finds_its_revision_and_its_lists_are_read(client):
    assert client.connect().revision == "2025-11-25"
    assert {"echo", "get-sum", "get-tiny-image"} <= {each["name"] for each in client.list_tools().tools}
    assert len(client.list_resources()) == 7 and len(client.list_prompts()) == 4


def test_structured_content_fits_the_schema_it_declares(api, client):
    (definition,) = [each for each in client.list_tools().tools if each["name"] == "get-structured-content"]
    check = OutputCheck(definition["outputSchema"])
    found = call_tool(api, "get-structured-content", {"location": "Chicago"}, safe=True, check=check)
    assert found.data["conditions"] and found.blocks == () and found.note == ""
    other = OutputCheck({**definition["outputSchema"], "required": ["wind"]})
    found = call_tool(api, "get-structured-content", {"location": "Chicago"}, safe=True, check=other)
    assert found.data["conditions"] and found.note.endswith("the whole does not fit `required`.")


def test_images_links_and_resources_stay(api):
    image = call_tool(api, "get-tiny-image", {}, safe=True)
    assert base64.b64decode(image.blocks[0]["data"]).startswith(b"\x89PNG")
    links = call_tool(api, "get-resource-links", {"count": 3}, safe=True)
    assert [each["type"] for each in links.blocks] == ["resource_link"] * 3
    reference = {"resourceType": "Text", "resourceId": 1}
    (embedded,) = call_tool(api, "get-resource-reference", reference, safe=True).blocks
    assert embedded["resource"]["text"].startswith("Resource 1:")


def test_a_long_operation_reports_its_progress(everything, api_of):
    reports = []
    api = api_of(everything, report=lambda *report: reports.append(report[:2]))
    call_tool(api, "trigger-long-running-operation", {"duration": 0.2, "steps": 4}, safe=True)
    assert reports == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_its_refusal_is_an_error_with_its_own_words(api):
    with pytest.raises(RemoteToolFailed) as failed:
        call_tool(api, "get-sum", {"a": "one"}, safe=True)
    assert "Invalid arguments for tool get-sum" in failed.value.details["text"]


def test_a_resource_is_read(client):
    (content,) = client.read_resource("demo://resource/dynamic/blob/3")["contents"]
    assert base64.b64decode(content["blob"])
