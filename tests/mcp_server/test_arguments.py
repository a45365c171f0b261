"""Arguments as real AI clients send them: what is taken, what is ignored, what is refused."""

import json
from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import select

from app import database
from app.audit import AuditEntry
from app.connectors.function_tool import tool
from app.connectors.request import UpstreamCall
from app.connectors.rows import Page, Row
from tests.mcp_server.test_compact import CompactClient
from tests.support import acme
from tests.support.approvals import request_in, stored
from tests.support.catalogue import install


class Line(BaseModel):
    """A line of an order."""

    model_config = ConfigDict(extra="forbid")
    item: str
    pieces: int = 1


class Echo(Row):
    """What the tool was called with, as its author sees it."""

    given: str


def echo(**given: Any) -> Echo:
    return Echo(given=repr({name: value for name, value in given.items() if value is not None}))


@tool(title="Find orders", reads_only=True, pages_by="page")
def find_orders(
    api: Any,
    states: Annotated[
        list[Literal["OPEN", "PAID"]] | None, Field(max_length=9, description="States.")
    ] = None,
    customers: Annotated[list[str] | None, Field(max_length=9, description="Names.")] = None,
    customer_id: Annotated[str | None, Field(description="Id.")] = None,
    order: Annotated[Literal["newest", "oldest"], Field(description="Which first.")] = "newest",
    day: Annotated[Literal["today"] | None, Field(description="Day.")] = None,
    big: Annotated[bool | None, Field(description="Big ones only.")] = None,
    above: Annotated[float | None, Field(description="Total above.")] = None,
    page_size: Annotated[int, Field(ge=1, le=50, description="How many.")] = 20,
    page: Annotated[int, Field(ge=1, description="Page.")] = 1,
) -> Page[Echo]:
    """Find orders."""
    found = echo(
        states=states,
        customers=customers,
        customer_id=customer_id,
        order=order,
        day=day,
        big=big,
        above=above,
        page_size=page_size,
    )
    return Page(items=[found], next=page + 1)


@tool(title="Create an order", needs_scopes=("things.write",))
def create_order(
    api: Any,
    lines: Annotated[list[Line], Field(max_length=9, description="Lines.")],
    table: Annotated[list[list[str | int]] | None, Field(max_length=9, description="Cells.")] = None,
    labels: Annotated[dict[str, str] | None, Field(description="Labels.")] = None,
    note: Annotated[str, Field(description="Note.")] = "none",
    due: Annotated[str | None, Field(pattern=r"^\d{4}-\d\d-\d\d$", description="Date.")] = None,
) -> Echo:
    """Create an order."""
    api.calls.append(UpstreamCall("POST /orders", 201, 1.0))
    return echo(lines=[line.model_dump() for line in lines], table=table, labels=labels, note=note, due=due)


READ, WRITE = "acme_find_orders", "acme_create_order"
LINES = [{"item": "chair", "pieces": 2}]


@pytest.fixture(autouse=True)
def with_orders(monkeypatch, acme_service):
    install(
        replace(acme.CONNECTOR, tools=(*acme.CONNECTOR.tools, find_orders, create_order)),
        monkeypatch=monkeypatch,
    )


@pytest.fixture
def writer(alice, connect, people):
    connect(people.alice, permission="write")
    return alice


def given_to(envelope):
    """The arguments the tool got."""
    assert envelope["success"], envelope
    data = envelope["data"]
    return (data["items"][0] if "items" in data else data)["given"]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"states": '["PAID"]'}, {"states": ["PAID"]}),
        ({"states": "PAID"}, {"states": ["PAID"]}),
        ({"order": ["oldest"]}, {"order": "oldest"}),
        ({"order": '["OLDEST"]'}, {"order": "oldest"}),
        ({"states": "open, PAID"}, {"states": ["OPEN", "PAID"]}),
        ({"states": ["paid"]}, {"states": ["PAID"]}),
        ({"states": None}, {}),
        ({"states": ""}, {}),
        ({"customers": "Acme"}, {"customers": ["Acme"]}),
        ({"customers": '["Smith, John"]'}, {"customers": ["Smith, John"]}),
        ({"customers": [7]}, {"customers": ["7"]}),
        ({"customer_id": 7}, {"customer_id": "7"}),
        ({"order": None}, {}),
        ({"order": "Oldest"}, {"order": "oldest"}),
        ({"day": ""}, {}),
        ({"big": "true"}, {"big": True}),
        ({"big": ""}, {}),
        ({"above": "12.5"}, {"above": 12.5}),
        ({"page_size": "30"}, {"page_size": 30}),
        ({"page_size": 30.0}, {"page_size": 30}),
        ({"page_size": None}, {}),
        ({"cursor": ""}, {}),
        ({"cursor": None, "account": None, "unit_id": ""}, {}),
        ({"account": "Main", "unit_id": "b1"}, {}),
    ],
    ids=str,
)
def test_what_has_one_meaning_is_taken(writer, sent, meant):
    assert given_to(writer.call(READ, sent)) == given_to(writer.call(READ, meant))


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"lines": json.dumps(LINES)}, {"lines": LINES}),
        ({"lines": LINES[0]}, {"lines": LINES}),
        ({"lines": json.dumps(LINES[0])}, {"lines": LINES}),
        ({"lines": [json.dumps(LINES[0])]}, {"lines": LINES}),
        ({"lines": [{"item": "chair", "pieces": "2"}]}, {"lines": LINES}),
        ({"lines": [{"item": "chair", "pieces": None}]}, {"lines": [{"item": "chair"}]}),
        ({"lines": LINES, "table": '[["a", 1]]'}, {"lines": LINES, "table": [["a", 1]]}),
        ({"lines": LINES, "table": ['["a"]', "[2]"]}, {"lines": LINES, "table": [["a"], [2]]}),
        ({"lines": LINES, "labels": '{"a": "b"}'}, {"lines": LINES, "labels": {"a": "b"}}),
        ({"lines": LINES, "labels": {"order": 7}}, {"lines": LINES, "labels": {"order": "7"}}),
        ({"lines": LINES, "note": None, "due": None}, {"lines": LINES}),
        ({"lines": LINES, "note": '["a"]'}, {"lines": LINES, "note": '["a"]'}),
        ({"lines": LINES, "note": ""}, {"lines": LINES, "note": ""}),
    ],
    ids=str,
)
def test_a_write_is_done_with_the_same_arguments_in_any_form(writer, sent, meant):
    assert given_to(writer.call(WRITE, sent)) == given_to(writer.call(WRITE, meant))


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (READ, {"customers": "Smith, John"}),  # one customer or two
        (READ, {"customers": '["Smith"'}),  # a broken list, or a name
        (READ, {"states": "OPEN, LATE"}),
        (READ, {"order": ["oldest", "newest"]}),
        (READ, {"order": [["oldest", "newest"]]}),
        (READ, {"above": "1,5"}),  # 1.5 or 15
        (READ, {"above": True}),
        (READ, {"page_size": True}),
        (READ, {"page_size": 2.5}),
        (READ, {"customer_id": 7.5}),
        (READ, {"customer_Id": "7"}),  # misspelt: ignoring it would find the orders of everybody
        (READ, {"customerId": "7"}),
        (READ, {"customer": "7"}),
        (READ, {"pagesize": 5}),
        (READ, {"text": "chairs"}),  # an argument of another tool
        (READ, {"input": {"customer_id": "7"}}),  # ignoring it would find everything
        (WRITE, {"lines": '[{"item": "chair", "item": "table"}]'}),
        (WRITE, {"lines": [{"item": "chair", "piece": 2}]}),
        (WRITE, {"lines": LINES, "table": ["a", "b"]}),  # a row or a column
        (WRITE, {"lines": LINES, "table": "a"}),
        (WRITE, {"lines": LINES, "discount": 10}),
        (WRITE, {"lines": LINES, "due": ""}),  # no date, or as it is
    ],
    ids=str,
)
def test_what_has_two_meanings_is_refused(writer, tool, arguments):
    code, sentence = writer.refusal(tool, arguments)
    assert code == "INVALID_ARGUMENTS" and sentence


@pytest.mark.parametrize(
    ("name", "meant"),
    [("customer_Id", "customer_id"), ("pagesize", "page_size"), ("costumers", "customers")],
)
def test_a_misspelt_argument_is_named_with_the_one_that_is_meant(writer, name, meant):
    assert f"{name}: there is no such argument; did you mean {meant}?" in writer.refusal(READ, {name: "7"})[1]


N8N = {"toolCallId": "call_1", "sessionId": "s", "action": "sendMessage", "chatInput": "hello"}


def test_members_of_the_callers_framework_are_ignored_and_named(writer):
    for name, arguments in ((READ, {"big": True}), (WRITE, {"lines": LINES}), ("hub_list_connections", {})):
        plain, framed = writer.call(name, arguments), writer.call(name, {**arguments, **N8N})
        if name != "hub_list_connections":
            assert given_to(framed) == given_to(plain)
        assert framed["message"] == (
            plain["message"]
            + " Ignored, as this tool has no such argument: toolCallId, sessionId, action, chatInput."
        )


def test_on_a_read_a_member_that_no_tool_has_is_ignored_too(writer):
    assert (
        "Ignored, as this tool has no such argument: reasoning."
        in writer.call(READ, {"reasoning": "The person wants orders."})["message"]
    )


@pytest.mark.parametrize("arguments", ["{}", "", [], None, '{"big": true}'], ids=str)
@pytest.mark.parametrize("handshake", [False, True], ids=["modern", "handshake"])
def test_the_whole_arguments_may_be_json_text_or_an_empty_list(writer, arguments, handshake):
    if handshake:
        writer.initialize()
    answer = writer.ask("tools/call", name=READ, arguments=arguments).json
    meant = {"big": True} if arguments and "big" in arguments else {}
    assert given_to(answer["result"]["structuredContent"]) == given_to(writer.call(READ, meant))


def test_arguments_that_are_no_object_are_refused(writer):
    for arguments in ("big", "[1]", '{"states": "PAID"}x', '{"big": true, "big": false}', [1], 7):
        error = writer.ask("tools/call", name=READ, arguments=arguments).json["error"]
        assert error["code"] == -32602
        assert not isinstance(arguments, str) or "Send an object" in error["message"]


def test_a_cursor_holds_for_the_same_arguments_in_another_form(writer):
    cursor = writer.call(READ, {"states": ["PAID"], "page_size": 20})["data"]["next_cursor"]
    assert given_to(writer.call(READ, {"states": '["PAID"]', "cursor": cursor, "toolCallId": "x"}))
    assert writer.refusal(READ, {"states": ["OPEN"], "cursor": cursor})[0] == "INVALID_ARGUMENTS"


def test_one_approval_serves_every_form_and_shows_the_plain_one(alice, asking, people, sign_in):
    first = request_in(alice.call(WRITE, {"lines": json.dumps(LINES), "toolCallId": "a"}))
    assert request_in(alice.call(WRITE, {"lines": LINES[0], "note": None})) == first
    assert len(stored()) == 1
    page = sign_in(people.alice).get(f"/approvals/{first}").text
    assert "chair" in page and "toolCallId" not in page and "&#34;item" not in page


def test_the_trail_hides_a_secret_inside_json_text_too(writer):
    writer.call(WRITE, {"lines": LINES, "labels": json.dumps({"password": "hunter2"})})
    with database.reading() as db:
        entries = db.scalars(select(AuditEntry).where(AuditEntry.action == "tool.called")).all()
    assert entries and "hunter2" not in json.dumps([entry.details for entry in entries])


def test_compact_mode_reads_the_forwarded_arguments_the_same_way(app, token_for, people, connect):
    connect(people.alice, permission="write")
    compact = CompactClient(app, token_for(people.alice))
    wanted = given_to(compact.call("call_read_tool", {"name": READ, "arguments": {"states": ["PAID"]}}))
    sent = {"name": READ, "arguments": '{"states": "[\\"PAID\\"]"}', "sessionId": "x"}
    assert given_to(compact.call("call_read_tool", sent)) == wanted
