"""What is not selected for one AI client is not there for it, at the real endpoint: list, call, compact mode,
summaries, approved writes. Another client of the same person sees everything.
"""

import pytest
from sqlmodel import col, select, update

from app import database, fast_queries
from app.approvals.models import Approval
from app.oauth_server.callers import find_caller
from app.oauth_server.models import Grant
from app.oauth_server.selections import Selection
from app.vault.models import Connection
from tests.mcp_server.test_approvals import Conversation
from tests.mcp_server.test_compact import CompactClient


@pytest.fixture
def choose(app):
    """`choose(client, connections=[main])` stores what this AI client sees."""

    def _choose(client, connections=None, reading_only=False, tools_off=()):
        ids = None if connections is None else frozenset(each.id for each in connections)
        stored = Selection(ids, reading_only, frozenset(tools_off)).as_json()
        with database.transaction() as db:
            which = col(Grant.id) == find_caller(client.token).grant_id
            db.execute(update(Grant).where(which).values(selection=stored))

    return _choose


@pytest.fixture
def main(connect, people):
    return connect(people.alice, "Main", permission="write")


@pytest.fixture
def side(connect, people, main):
    return connect(people.alice, "Side", permission="write")


@pytest.fixture
def compact(app, alice):
    """alice's AI client in compact mode, with the same token."""
    return CompactClient(app, alice.token)


def page_of(client):
    return f"http://localhost:8000/ai-clients/{find_caller(client.token).grant_id}"


def accounts(client):
    services = client.call("hub_list_connections")["data"]["services"]
    return [each["account"] for service in services for each in service["connections"]]


def test_a_connection_that_is_not_selected_is_invisible(alice, client_of, people, main, side, choose):
    assert "account" in alice.tools()["acme_get_thing"]["inputSchema"]["properties"]
    choose(alice, [main])
    assert accounts(alice) == ["Main"]
    assert "account" not in alice.tools()["acme_get_thing"]["inputSchema"]["properties"]
    assert "Main" in alice.call("acme_get_thing", {"id": "seven"})["message"]
    assert alice.refusal("acme_get_thing", {"id": "seven", "account": "Side"})[0] == "INVALID_ARGUMENTS"
    assert alice.call("acme_create_thing", {"text": "no account to name"})["success"]
    other = client_of(people.alice)
    assert accounts(other) == ["Main", "Side"]
    assert "account" in other.tools()["acme_get_thing"]["inputSchema"]["properties"]


def test_a_service_without_a_selected_connection_is_not_listed_and_says_why_when_called(alice, main, choose):
    choose(alice, [])
    assert not [name for name in alice.tools() if name.startswith("acme_")]
    services = alice.call("hub_list_connections")["data"]["services"]
    assert "acme" not in [service["service"] for service in services], "it is not called unconnected either"
    code, sentence = alice.refusal("acme_get_thing", {"id": "seven"})
    assert code == "PERMISSION_DENIED"
    assert "Acme is not selected for this AI client" in sentence and page_of(alice) in sentence
    code, sentence = alice.refusal("hub_connect_service", {"service": "acme"})
    assert code == "PERMISSION_DENIED" and page_of(alice) in sentence
    choose(alice)
    assert alice.call("acme_get_thing", {"id": "seven"})["success"]


def test_a_tool_that_is_turned_off_is_neither_listed_nor_called(alice, main, choose, written):
    choose(alice, tools_off=["acme_create_thing", "memory_list"])
    assert not {"acme_create_thing", "memory_list"} & set(alice.tools())
    assert "acme_get_thing" in alice.tools()
    for name, arguments in (("acme_create_thing", {"text": "x"}), ("memory_list", {})):
        code, sentence = alice.refusal(name, arguments)
        assert code == "PERMISSION_DENIED"
        assert f"{name} is turned off" in sentence and page_of(alice) in sentence
    assert written == []
    choose(alice)
    assert alice.call("acme_create_thing", {"text": "x"})["success"] and written == ["x"]


def test_reading_only_hides_and_refuses_what_writes(alice, main, choose, written):
    choose(alice, reading_only=True)
    tools = alice.tools()
    assert "acme_get_thing" in tools and "hub_connect_service" in tools
    assert not {"acme_create_thing", "memory_save", "memory_delete"} & set(tools)
    for name in ("acme_create_thing", "memory_save"):
        code, sentence = alice.refusal(name, {"text": "x"})
        assert code == "PERMISSION_DENIED" and "turned off for this AI client" in sentence
        assert page_of(alice) in sentence
    assert written == []


def test_the_active_business_is_chosen_among_selected_connections(alice, connect, people, main, choose):
    wide = connect(people.alice, "Wide", permission="write", businesses=2)
    assert "set_active_business" in alice.tools()
    choose(alice, [main])
    assert "set_active_business" not in alice.tools()
    assert not alice.call("set_active_business", {"business_id": "b2"})["success"]
    choose(alice, [wide])
    assert alice.call("set_active_business", {"business_id": "b2"})["data"]["account"] == "Wide"


@pytest.mark.parametrize("arguments", [{}, {"service": "xero"}])
def test_a_summary_of_nothing_selected_says_so(alice, main, side, choose, arguments):
    with database.transaction() as db:
        db.execute(update(Connection).where(col(Connection.id) == main.id).values(slug="xero", scopes=""))
    assert "summarize_day" in alice.tools()
    choose(alice, [side])
    assert "summarize_day" not in alice.tools()
    code, sentence = alice.refusal("summarize_day", arguments)
    assert code == "PERMISSION_DENIED"
    assert "Xero is not selected for this AI client" in sentence and page_of(alice) in sentence


def test_compact_mode_finds_describes_and_calls_only_what_is_selected(alice, compact, main, choose, written):
    found = {each["name"] for each in compact.call("find_tools", {"query": "thing"})["data"]["tools"]}
    assert {"acme_get_thing", "acme_create_thing"} <= found
    choose(alice, tools_off=["acme_create_thing"])
    found = {each["name"] for each in compact.call("find_tools", {"query": "thing"})["data"]["tools"]}
    assert "acme_get_thing" in found and "acme_create_thing" not in found
    described = compact.call("describe_tool", {"name": "acme_create_thing"})["data"]
    assert described["can_be_called"] is False and page_of(alice) in described["reason"]
    code, sentence = compact.refusal(
        "call_write_tool", {"name": "acme_create_thing", "arguments": {"text": "x"}}
    )
    assert code == "PERMISSION_DENIED" and page_of(alice) in sentence and written == []
    choose(alice, [])
    answer = compact.call("find_tools", {"query": "acme thing"})
    assert not [each for each in answer["data"]["tools"] if each["name"].startswith("acme_")]
    assert "Not connected" not in answer["message"]
    refusal = compact.refusal("call_read_tool", {"name": "acme_get_thing", "arguments": {"id": "seven"}})
    assert refusal[0] == "PERMISSION_DENIED"


def test_status_lists_the_selected_connections(app, alice, main, side, choose):
    choose(alice, [side])
    answer = app.test_client().get("/status", headers={"Authorization": f"Bearer {alice.token}"})
    assert [each["account"] for each in answer.json["connections"]] == ["Side"]


def test_an_approved_write_is_not_done_once_its_connection_is_no_longer_selected(
    app, alice, asking, choose, written, sign_in, people
):
    code, _ = alice.refusal("acme_create_thing", {"text": "ask first"})
    assert code == "APPROVAL_NEEDED"
    choose(alice, [])
    with database.reading() as db:
        [approval] = db.exec(select(Approval)).all()
    page = sign_in(people.alice)
    page.get("/approvals")
    page.submit(f"/approvals/{approval.id}/approve")
    assert written == []
    page.get("/approvals")
    assert (
        "this Acme connection is not selected for this AI client" in page.page and page_of(alice) in page.page
    )
    choose(alice)
    page.get("/approvals")
    page.submit(f"/approvals/{approval.id}/approve")
    assert written == ["ask first"]


@pytest.mark.parametrize("narrowed", [{"tools_off": ["acme_create_thing"]}, {"reading_only": True}])
def test_an_approved_write_says_which_choice_stopped_it(
    alice, asking, choose, written, sign_in, people, narrowed
):
    assert alice.refusal("acme_create_thing", {"text": "ask first"})[0] == "APPROVAL_NEEDED"
    choose(alice, **narrowed)
    with database.reading() as db:
        [approval] = db.exec(select(Approval)).all()
    page = sign_in(people.alice)
    page.get("/approvals")
    page.submit(f"/approvals/{approval.id}/approve")
    assert written == []
    code, sentence = alice.refusal("acme_create_thing", {"text": "ask first"})
    assert code == "PERMISSION_DENIED" and page_of(alice) in sentence
    page.get(f"/approvals/{approval.id}")
    assert "turned off for this AI client" in page.page


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18"])
@pytest.mark.parametrize(
    "narrowed", [{"connections": []}, {"reading_only": True}, {"tools_off": ["acme_create_thing"]}]
)
def test_a_choice_made_while_the_chat_asks_counts_for_its_answer(
    oauth_client_of, people, asking, choose, written, version, narrowed
):
    client = oauth_client_of(people.alice)
    talk = Conversation(client, version)
    choose(client, **narrowed)
    answer = talk.reply(result={"action": "accept", "content": {}})
    assert answer["error"]["code"] == "PERMISSION_DENIED" and page_of(client) in answer["error"]["message"]
    assert written == []


def test_a_selection_costs_no_further_statement(alice, main, choose, monkeypatch):
    run, counted = fast_queries._select, []

    def count(bound, sql, values):
        counted.append(sql)
        return run(bound, sql, values)

    monkeypatch.setattr(fast_queries, "_select", count)
    alice.call("acme_get_thing", {"id": "seven"})
    before = len(counted)
    choose(alice, [main], reading_only=True, tools_off=["acme_list_things"])
    counted.clear()
    assert alice.call("acme_get_thing", {"id": "seven"})["success"]
    assert len(counted) == before > 0
