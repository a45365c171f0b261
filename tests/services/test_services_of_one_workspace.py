"""A service that exists in one workspace alone, with tools that are data, at every door of the product; and
unknown to the other workspace at each of them.
"""

import contextlib
import csv
import io
import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlmodel import select

from app import database
from app.audit import AuditEntry
from app.connectors import endpoints
from app.connectors.connector import LACKS
from app.connectors.services import services_of
from app.connectors.spec import Account, OAuth2
from app.errors import ProviderUnavailable
from app.usage.models import CallRow
from app.vault.models import Connection, Credential
from tests.conftest import both_databases
from tests.services import stock
from tests.support.approvals import request_in

LIST, ADD = "stock_list_items", "stock_add_item"


def rows(table):
    with database.reading() as db:
        return list(db.exec(select(table)))


def names_stock(text):
    """Whether the service or a tool of it is named, in any case; not as letters within a random token."""
    return re.search(r"(?<![a-z0-9])stock(?![a-z0-9])", text, re.IGNORECASE) is not None


def unknown_tool(client, name, arguments=None):
    """Whether the client is told that no such tool exists."""
    answer = client.ask("tools/call", name=name, arguments=arguments or {}).json
    return answer.get("error", {}).get("message", "").startswith("There is no tool with that name")


@both_databases
def test_the_hub_shows_it_to_its_workspace_alone(owner, stranger):
    owner.get("/integrations")
    assert 'id="card-stock"' in owner.page and "What is in the stock room" in owner.page
    assert 'data-slug="stock"' not in stranger.get("/integrations").text
    known = [entry["slug"] for entry in owner.get("/integrations/status").json["connectors"]]
    assert known[-1] == "stock"
    assert "stock" not in stranger.get("/integrations/status").text


@pytest.mark.parametrize(
    "path", ["", "/keys", "/way", "/disconnect", "/permission", "/label", "/visibility", "/test"]
)
def test_its_addresses_do_not_exist_for_a_stranger(stranger, path):
    assert stranger.submit(f"/integrations/stock{path}").status_code == 404
    assert stranger.get("/integrations/stock/callback").status_code == 404


@both_databases
def test_it_is_connected_and_called_like_any_other(people, connect, client_of, room, compact_of):
    connect("read")
    alice, charlie = client_of(people.alice), client_of(people.charlie)
    listed = alice.tools()
    assert LIST in listed and ADD not in listed, "its level is read"
    assert set(listed[LIST]["inputSchema"]["properties"]) == {"page", "cursor"}
    first = alice.call(LIST)
    assert first["data"]["items"] == [{"name": "chair", "count": 4}]
    assert first["message"] == "Stock Room account: Main room."
    second = alice.call(LIST, {"cursor": first["data"]["next_cursor"]})
    assert (second["data"]["items"][0]["name"], second["data"]["next_cursor"]) == ("lamp", None)
    assert alice.refusal(LIST, {"pages": 1})[0] == "INVALID_ARGUMENTS"
    assert alice.refusal(ADD, {"name": "desk"})[0] == "PERMISSION_DENIED"
    assert not [name for name in charlie.tools() if name.startswith("stock")]
    assert unknown_tool(charlie, LIST) and unknown_tool(charlie, ADD, {"name": "desk"})
    assert len(room.items) == 2


@both_databases
def test_it_may_write_where_the_level_says_so(people, connect, client_of, room):
    connect("write")
    answer = client_of(people.alice).call(ADD, {"name": "desk"})
    assert answer["data"] == room.items[-1] == {"name": "desk", "count": 1}


def test_its_connections_are_listed_and_offered_where_it_exists(people, own_services, client_of, connect):
    alice, charlie = client_of(people.alice), client_of(people.charlie)

    def services(client):
        return {row["service"]: row for row in client.call("hub_list_connections")["data"]["services"]}

    assert services(alice)["stock"]["state"] == "not_connected"
    assert "connect_url" in alice.call("hub_connect_service", {"service": "stock"})["data"]
    assert "stock" not in services(charlie)
    assert charlie.refusal("hub_connect_service", {"service": "stock"})[0] == "INVALID_ARGUMENTS"
    connect()
    assert services(alice)["stock"]["connections"][0]["account"] == "Main room"


def test_a_link_from_a_chat_leads_to_its_form(people, client_of, owner, stranger):
    code, message = client_of(people.alice).refusal(LIST)
    assert code == "NOT_CONNECTED" and "Stock Room is not connected yet." in message
    path = "/integrations/connect/" + message.split("/integrations/connect/")[1].split()[0]
    answer = stranger.get(path)
    assert answer.status_code == 400 and "Stock" not in answer.text
    assert "Stock Room" in owner.get(path).text


@both_databases
def test_a_write_waits_for_a_yes_and_is_done_on_the_page(people, connect, client_of, owner, stranger, room):
    connect("ask")
    client = client_of(people.alice)
    approval_id = request_in(client.call(ADD, {"name": "desk", "count": 3}))
    assert len(room.items) == 2
    owner.get("/approvals")
    assert "Add a stock item" in owner.page and "desk" in owner.page and "Stock Room" in owner.page
    assert owner.page.index(">Name<") < owner.page.index(">Count<"), "in the order of its schema"
    assert "desk" not in stranger.get("/approvals").text
    assert stranger.submit(f"/approvals/{approval_id}/approve").status_code == 404
    owner.get("/approvals")
    owner.follow(owner.submit(f"/approvals/{approval_id}/approve"))
    assert "Stock Room" in owner.page and room.items[-1] == {"name": "desk", "count": 3}
    repeated = client.call(ADD, {"name": "desk", "count": 3})
    assert repeated["message"].startswith("Approved by ") and len(room.items) == 3


def test_an_approved_write_of_a_service_that_is_gone_is_not_done(
    people, connect, client_of, owner, own_services, room
):
    connect("ask")
    approval_id = request_in(client_of(people.alice).call(ADD, {"name": "desk"}))
    own_services.rows.clear()
    owner.get("/approvals")
    owner.follow(owner.submit(f"/approvals/{approval_id}/approve"))
    assert "no longer available" in owner.page and len(room.items) == 2


@both_databases
def test_calls_stand_in_usage_and_in_its_files(people, connect, client_of, owner, stranger):
    connect()
    client_of(people.alice).call(LIST)
    [row] = [row for row in rows(CallRow) if row.tool == LIST]
    assert (row.slug, row.outcome, row.upstream_endpoint) == ("stock", "ok", "GET /items")
    assert row.workspace_id == people.northwind.id and row.connection_id
    owner.get("/usage")
    assert LIST in owner.page and "Stock Room" in owner.page
    assert '<option value="stock"' in owner.page
    table = list(csv.DictReader(io.StringIO(owner.get("/usage/table.csv?by=tool").text)))
    assert [(line["tool"], line["connector"]) for line in table] == [(LIST, "Stock Room")]
    calls = list(csv.DictReader(io.StringIO(owner.get("/usage/calls.csv").text)))
    assert [(line["tool"], line["connector"]) for line in calls] == [(LIST, "stock")]
    for path in ("/usage", "/usage/table.csv?by=tool", "/usage/calls.csv"):
        assert not names_stock(stranger.get(path).text), path


@both_databases
def test_the_trail_names_it(people, connect, client_of, owner, stranger):
    connect()
    client_of(people.alice).call(ADD, {"name": "desk"})
    [entry] = [entry for entry in rows(AuditEntry) if entry.action == "tool.called"]
    assert entry.workspace_id == people.northwind.id
    assert entry.details["slug"] == "stock" and entry.details["arguments"] == {"name": "desk"}
    owner.get("/activity")
    assert "Add a stock item" in owner.page and "Stock Room: Main room" in owner.page
    assert "Stock Room" in owner.get("/activity/trail.csv").text
    assert not names_stock(stranger.get("/activity").text)
    assert not names_stock(stranger.get("/activity/trail.csv").text)


def test_compact_mode_finds_describes_and_calls_it(people, connect, compact_of, room):
    connect()
    alice, charlie = compact_of(people.alice), compact_of(people.charlie)
    found = alice.call("find_tools", {"query": "what is in the stock room"})["data"]["tools"]
    assert found[0]["name"] == LIST and found[0]["summary"] == "List what is in the stock room."
    described = alice.call("describe_tool", {"name": ADD})["data"]
    assert described["can_be_called"] and described["call_with"] == "call_write_tool"
    assert described["input_schema"]["required"] == ["name"]
    called = alice.call("call_read_tool", {"name": LIST})
    assert called["operation"] == LIST and called["data"]["items"][0]["name"] == "chair"
    alice.call("call_write_tool", {"name": ADD, "arguments": {"name": "desk"}})
    assert room.items[-1]["name"] == "desk"
    answer = charlie.call("find_tools", {"query": "stock room items"})
    assert "stock" not in json.dumps(answer["data"]) and "Stock Room" not in answer["message"]
    assert charlie.refusal("describe_tool", {"name": LIST})[0] == "INVALID_ARGUMENTS"
    assert charlie.refusal("call_read_tool", {"name": LIST})[0] == "INVALID_ARGUMENTS"


def test_compact_mode_says_that_it_is_not_connected_where_it_exists(people, own_services, compact_of):
    sentence = "Not connected: Stock Room"
    assert sentence in compact_of(people.alice).call("find_tools", {"query": "stock room"})["message"]
    assert sentence not in compact_of(people.charlie).call("find_tools", {"query": "stock room"})["message"]


def test_the_page_of_ai_clients_counts_it(owner, stranger):
    tools = sum(len(connector.tools) for connector in services_of(None))
    assert f"{tools + 2} tools" in " ".join(owner.get("/ai-clients").text.split())
    assert f"{tools} tools" in " ".join(stranger.get("/ai-clients").text.split())


@both_databases
def test_it_is_disconnected_like_any_other(people, connect, client_of, owner):
    connection_id = connect()
    owner.submit("/integrations/stock/test", {"connection": connection_id})
    owner.follow(owner.submit("/integrations/stock/disconnect", {"connection": connection_id}))
    assert "Stock Room disconnected." in owner.page and 'id="card-stock"' in owner.page
    assert rows(Connection) == rows(Credential) == []
    assert client_of(people.alice).refusal(LIST)[0] == "NOT_CONNECTED"


@both_databases
def test_it_ends_with_its_workspace(people, connect, client_of, owner, own_services):
    connect()
    client = client_of(people.alice)
    owner.get("/account")
    owner.submit("/account/workspace/delete", {"typed_name": "Northwind"})
    assert "1 connection was disconnected" in owner.get("/account").text
    assert rows(Connection) == rows(Credential) == []
    assert client.ask("tools/list").status_code == 401


@both_databases
def test_its_own_client_is_used_at_its_consent_page(people, owner, stranger, own_services, room):
    auth = OAuth2(
        authorize_url=f"{room.url}/authorize",
        token_url=f"{room.url}/token",
        read_scopes=("stock",),
        write_scopes=("stock",),
        client_auth="none",
        token_params={"resource": room.url},
    )
    declared = stock.connector(
        room.url, people.northwind.id, auth=auth, forms=(), own_client=lambda settings: ("client-7", "")
    )
    own_services.rows[people.northwind.id] = (declared,)
    owner.get("/integrations")
    consent = owner.submit("/integrations/stock").headers["Location"]
    query = dict(parse_qsl(urlsplit(consent).query))
    assert consent.startswith(auth.authorize_url) and query["client_id"] == "client-7"
    back = f"/integrations/stock/callback?state={query['state']}&code=c1"
    assert stranger.get(back).status_code == 404 and room.token_requests == []
    owner.follow(owner.get(back))
    assert "Stock Room connected: Main room" in owner.page
    [form] = room.token_requests
    assert (form["client_id"], form["resource"], form["code"]) == ("client-7", room.url, "c1")
    assert "client_secret" not in form


def test_a_service_that_is_being_removed_is_not_offered_but_keeps_its_name(
    people, connect, client_of, owner, own_services, room
):
    connect()
    client = client_of(people.alice)
    client.call(LIST)
    removed = stock.connector(room.url, people.northwind.id, is_offered=False, tools=())
    own_services.rows[people.northwind.id] = (removed,)
    error = client.ask("tools/call", name=LIST, arguments={}).json["error"]
    assert error["message"].startswith("Stock Room was removed from this workspace")
    connection_id = rows(Connection)[0].id
    owner.get("/integrations")
    owner.follow(owner.submit("/integrations/stock/disconnect", {"connection": connection_id}))
    assert "Stock Room disconnected." in owner.page and "card-stock" not in owner.page
    assert owner.submit("/integrations/stock").status_code == 404
    names = {row["service"] for row in client.call("hub_list_connections")["data"]["services"]}
    assert "stock" not in names and "Stock Room" in owner.get("/usage").text


def test_a_connection_whose_service_is_gone_breaks_no_page(
    people, connect, client_of, owner, own_services, compact_of
):
    connect()
    client = client_of(people.alice)
    client.call(LIST)
    own_services.rows.clear()
    assert unknown_tool(client, LIST) and "hub_list_connections" in client.tools()
    assert client.call("hub_list_connections")["success"]
    assert compact_of(people.alice).call("find_tools", {"query": "stock"})["success"]
    for path in ("/integrations", "/integrations/status", "/usage", "/activity", "/approvals", "/ai-clients"):
        assert owner.get(path).status_code == 200, path
    owner.get("/account")
    owner.submit("/account/workspace/delete", {"typed_name": "Northwind"})
    assert rows(Connection) == []


def test_two_workspaces_may_have_different_services_of_one_slug(
    people, own_services, client_of, room, settings
):
    contoso = stock.connector(room.url, people.contoso.id, name="Warehouse", tools=(stock.LIST,))
    own_services.rows[people.contoso.id] = (contoso,)
    assert services_of(people.northwind.id).get("stock").name == "Stock Room"
    assert services_of(people.contoso.id).get("stock") is contoso
    alice, charlie = client_of(people.alice), client_of(people.charlie)
    assert "Stock Room is not connected" in alice.refusal(LIST)[1]
    assert "Warehouse is not connected" in charlie.refusal(LIST)[1]
    assert "Stock Room is not connected" in alice.refusal(ADD, {"name": "desk"})[1]
    assert unknown_tool(charlie, ADD)


def test_settings_of_its_name_are_not_its_own(app, people, room, environ):
    """Its people chose slug and address: the operator's secret must not go there, nor may it be imitated."""
    from app import config

    settings = config.load(
        {
            **environ,
            "STOCK_CLIENT_ID": "ours",
            "STOCK_CLIENT_SECRET": "canary",
            "STOCK_BASE_URL": "http://elsewhere.example",
        }
    )
    where = endpoints.resolve(stock.connector(room.url, people.northwind.id), settings)
    assert (where.base_url, where.client_id, where.client_secret, where.sandbox) == (room.url, "", "", False)


def test_its_address_must_be_on_the_open_internet(connect, owner, monkeypatch, room):
    from app.outbound import guarded_http

    monkeypatch.undo()
    assert not guarded_http.is_public("127.0.0.1")
    with pytest.raises(AssertionError):
        connect()
    assert "now leads to a private network, so nothing was sent" in owner.page and room.requests == []


@both_databases
def test_a_tool_that_an_account_does_not_have_is_neither_listed_nor_called(
    people, connect, client_of, own_services, room
):
    lacking = {"name": "Main room", "key": "room-1", "facts": {LACKS: [stock.ADD.verb]}}
    declared = stock.connector(room.url, people.northwind.id, identify=lambda api, raw: Account(**lacking))
    own_services.rows[people.northwind.id] = (declared,)
    connect("write")
    client = client_of(people.alice)
    assert LIST in client.tools() and ADD not in client.tools()
    code, sentence = client.refusal(ADD, {"name": "desk"})
    assert code == "PERMISSION_DENIED" and "does not offer this tool to this account" in sentence
    assert len(room.items) == 2


def test_a_service_may_refuse_a_call_before_it_is_sent(people, connect, client_of, own_services, room):
    connect("write")

    @contextlib.contextmanager
    def around(api, tool):
        if tool is stock.ADD:
            raise ProviderUnavailable("The stock room is closed for a moment.", retry_after_seconds=9)
        yield

    declared = stock.connector(room.url, people.northwind.id, around_call=around)
    own_services.rows[people.northwind.id] = (declared,)
    client = client_of(people.alice)
    assert client.call(LIST)["success"]
    code, sentence = client.refusal(ADD, {"name": "desk"})
    assert code == "PROVIDER_UNAVAILABLE" and sentence.startswith("The stock room is closed for a moment.")
    assert len(room.items) == 2
