"""Servers that others wrote, added by their URL on the pages, and used through both of our revisions: the
official SDK's in either revision, the MCP project's reference server, FastMCP with OAuth, the product itself.
"""

import json
from dataclasses import dataclass, field

import pytest
from sqlmodel import select

from app import database
from app.audit import AuditEntry
from app.usage.models import CallRow
from tests.federation.walking import _values
from tests.support.mcp_client import Client


@dataclass(frozen=True)
class Upstream:
    """What a test needs to know of a server: a call that reads, one that writes, one that fails."""

    fixture: str
    name: str
    slug: str
    reads: tuple[str, dict, str]
    writes: tuple[str, dict, str]
    fails: tuple[str, dict]
    signs_in: bool = False
    fields: dict = field(default_factory=dict)


_NOTEBOOK = {
    "name": "Notebook",
    "slug": "notebook",
    "reads": ("list_notes", {}, "Buy milk"),
    "writes": ("add_note", {"text": "Feed the cat"}, "Feed the cat"),
    "fails": ("delete_note", {"id": 99}),
}
UPSTREAMS = [
    Upstream("sdk_server", **_NOTEBOOK),
    Upstream("session_server", **_NOTEBOOK),
    pytest.param(
        Upstream(
            "everything",
            "Everything",
            "everything",
            ("get_sum", {"a": 2, "b": 40}, "42"),
            ("toggle_simulated_logging", {}, "simulated"),
            ("get_resource_reference", {"resourceType": "Text", "resourceId": -1}),
        ),
        marks=pytest.mark.needs_node,
    ),
    pytest.param(
        Upstream(
            "fastmcp_server",
            "Ledger",
            "ledger",
            ("list_entries", {}, "Rent"),
            ("add_entry", {"text": "Stamps"}, "Stamps"),
            ("add_entry", {}),
            signs_in=True,
        ),
        marks=pytest.mark.timeout(600),
    ),
    Upstream(
        "hub_in_hub",
        "Other hub",
        "other_hub",
        ("hub_list_connections", {}, "servicefusion"),
        ("memory_save", {"text": "Remember the milk"}, "note_"),
        ("memory_delete", {"id": "note_nowhere"}),
    ),
]


@pytest.fixture
def hub_in_hub(product, hub_token):
    """Another installation of the product, whose key is a token of it."""
    return Keyed(product.mcp_url, hub_token)


@dataclass(frozen=True)
class Keyed:
    url: str
    key: str


@pytest.fixture
def upstream(request):
    return request.param


@pytest.mark.parametrize("upstream", UPSTREAMS, indirect=True, ids=lambda each: each.fixture)
def test_a_server_is_added_used_and_removed(upstream, request, walk, people, client_of):
    server = request.getfixturevalue(upstream.fixture)
    _added_in_three_presses(upstream, server, walk)
    modern, older = client_of(people.alice), client_of(people.alice)
    older.initialize("2025-11-25")
    _its_tools_are_listed_and_called(upstream, (modern, older), walk)
    _every_call_is_on_record(upstream, walk)
    _it_is_disconnected_and_removed(upstream, modern, walk)


def _added_in_three_presses(upstream, server, walk):
    url, key = getattr(server, "url", server), getattr(server, "key", "")
    walk.look(url)  # 1
    accepted = _values(walk.person.page, "reads_only")
    more = {"access": "key", "key": key} if key else {}
    walk.add(url, name=upstream.name, reads_only=accepted, **more)  # 2, with consent there 3
    assert f"{upstream.name} connected" in walk.sentences(), walk.sentences()
    assert bool(walk.consents) is upstream.signs_in
    if upstream.signs_in or key:  # only now it says which tools it has
        walk.allow_tools(upstream.slug)


def _its_tools_are_listed_and_called(upstream, clients, walk):
    verb, arguments, expected = upstream.reads
    connection = walk.connection_of(upstream.slug)
    for level in ("read", "write"):
        walk.post(f"/integrations/{upstream.slug}/permission", {"connection": connection, "level": level})
        for client in clients:
            listed = client.tools()
            if level == "read":
                assert f"{upstream.slug}_{upstream.writes[0]}" not in listed
            else:
                assert {f"{upstream.slug}_{name}" for name in (verb, upstream.writes[0])} <= listed.keys()
                _answers(client, upstream, verb, arguments, expected)
                _answers(client, upstream, *upstream.writes)
                _fails_in_words(client, upstream)


def _answers(client: Client, upstream, verb, arguments, expected):
    answer = client.call(f"{upstream.slug}_{verb}", arguments)
    assert answer["success"] and expected in json.dumps(answer["data"]), answer
    assert answer["message"].startswith(f"{upstream.name} account: ") or upstream.name in answer["message"]


def _fails_in_words(client: Client, upstream):
    verb, arguments = upstream.fails
    code, sentence = client.refusal(f"{upstream.slug}_{verb}", arguments)
    assert code in {"PROVIDER_ERROR", "INVALID_ARGUMENTS", "NOT_FOUND"}, code
    assert "Traceback" not in sentence


def _every_call_is_on_record(upstream, walk):
    connection = walk.connection_of(upstream.slug)
    with database.reading() as db:
        rows = list(db.exec(select(CallRow).where(CallRow.slug == upstream.slug)))
        trail = [entry.action for entry in db.exec(select(AuditEntry))]
    named = [row.tool.removeprefix(f"{upstream.slug}_") for row in rows]
    for verb in (upstream.reads[0], upstream.writes[0]):
        assert named.count(verb) >= 2, "one from each of our revisions"
    assert {row.connection_id for row in rows if row.outcome == "ok"} == {connection}
    assert "connection.connected" in trail and "tool.called" in trail, sorted(set(trail))


def _it_is_disconnected_and_removed(upstream, client: Client, walk):
    tool = f"{upstream.slug}_{upstream.reads[0]}"
    connection = walk.connection_of(upstream.slug)
    walk.post(f"/integrations/{upstream.slug}/disconnect", {"connection": connection})
    assert tool not in client.tools()
    code, sentence = client.refusal(tool, upstream.reads[1])
    assert code == "NOT_CONNECTED" and sentence.startswith(f"{upstream.name} is not connected yet.")
    walk.get(f"/integrations/servers/{upstream.slug}")
    walk.post(f"/integrations/servers/{upstream.slug}/remove", {"confirm": upstream.name})
    assert tool not in client.tools()
    answer = client.ask("tools/call", name=tool, arguments=upstream.reads[1]).json
    assert answer["error"]["message"].startswith(f"{upstream.name} was removed from this workspace")


@pytest.mark.needs_node
def test_the_reference_servers_long_operation_reports_its_progress(walk, everything, people, client_of):
    walk.look(everything)
    accepted = _values(walk.person.page, "reads_only")
    walk.add(everything, name="Everything", reads_only=accepted)
    client = client_of(people.alice)
    for spoken in ("2026-07-28", "2025-11-25"):
        if spoken == "2025-11-25":
            client.initialize(spoken)
        arguments = {"duration": 1, "steps": 4}
        answer = client.ask(
            "tools/call",
            name="everything_trigger_long_running_operation",
            arguments=arguments,
            _meta={"progressToken": "p1"},
        )
        events = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]
        reports = [each["params"] for each in events if each.get("method") == "notifications/progress"]
        assert [(each["progress"], each["total"]) for each in reports] == [(n, 4) for n in range(1, 5)]
        assert "completed" in json.dumps(events[-1]["result"]["structuredContent"])
