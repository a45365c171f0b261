"""Operators' API keys: made and revoked on the page, and at the endpoint with the operator tools."""

import re

import pytest
from sqlmodel import select

from app import clock, database
from app.oauth_server.callers import find_caller
from app.oauth_server.models import Grant
from app.usage.models import CallRow
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.support import acme
from tests.support.approvals import request_in
from tests.support.mcp_client import Client, acme_service, connect  # noqa: F401

FORM = {"name": "night shift", "scope": "tools:read tools:write", "days": "30", "workspace": "wsp_northwind"}


@pytest.fixture
def make_key(app, dana):
    """`make_key(workspace="Contoso")` is an AI client with a new key of dana's."""

    def _make(visitor=dana, **form):
        answer = visitor.submit("/admin/keys", {**FORM, **form})
        assert answer.status_code == 200, answer.text
        return Client(app, re.search(r'value="(pbk_[^"]+)"', visitor.page)[1])

    return _make


def test_a_key_is_shown_once_and_listed_with_its_last_use(dana, make_key, trail, people):
    key = make_key()
    assert key.token not in dana.get("/admin/keys").text
    assert (
        "night shift" in dana.page
        and ">Never<" in dana.page
        and "dana@example.com" in dana.page
        and "Read and write" in dana.page
    )
    key.call("list_tenants")
    assert ">Never<" not in dana.get("/admin/keys").text
    [entry] = trail("api_key.created")
    assert (entry.user_id, entry.workspace_id) == (people.dana.id, "wsp_northwind") and key.token not in str(
        entry.details
    )


@both_databases
def test_it_is_known_in_one_query_and_acts_as_an_operator(make_key, queries):
    key = make_key()
    queries.clear()
    caller = find_caller(key.token)
    assert len(queries) == 1
    assert (caller.kind, caller.role, caller.workspace_name) == ("api_key", "operator", "Northwind")


def test_the_operator_tools_are_listed_for_keys_only(make_key, client_of, people):
    assert {"list_tenants", "set_active_tenant"} <= set(make_key().tools())
    alice = client_of(people.alice)
    assert not {"list_tenants", "set_active_tenant"} & set(alice.tools())
    for name, arguments in (("list_tenants", {}), ("set_active_tenant", {"tenant": "wsp_contoso"})):
        code, sentence = alice.refusal(name, arguments)
        assert code == "PERMISSION_DENIED" and "operators' API keys only" in sentence
    assert find_caller(alice.token).workspace_id == "wsp_northwind"
    assert alice.call("hub_list_connections")["success"]


def test_a_personal_token_of_an_operator_has_no_operator_tools(client_of, people):
    with database.transaction() as db:
        db.add(
            Membership(
                workspace_id="wsp_northwind", user_id=people.dana.id, role="member", created_at=clock.now()
            )
        )
    dana = client_of(people.dana)
    assert "list_tenants" not in dana.tools()
    assert dana.refusal("set_active_tenant", {"tenant": "wsp_contoso"})[0] == "PERMISSION_DENIED"


@both_databases
def test_tenants_are_listed_a_page_at_a_time(make_key):
    at = clock.now()
    with database.transaction() as db:
        db.add_all(Workspace(id=f"wsp_{n:03}", name=f"Company {n:03}", created_at=at) for n in range(40))
    key = make_key()
    seen, cursor = [], None
    while True:
        data = key.call("list_tenants", {"cursor": cursor} if cursor else {})["data"]
        seen += [row["id"] for row in data["items"]]
        cursor = data["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 42
    [northwind] = key.call("list_tenants", {"search": "northw"})["data"]["items"]
    assert (northwind["is_current"], northwind["members"], northwind["active"], northwind["tier"]) == (
        True,
        2,
        True,
        "free",
    )


def test_another_active_tenant_holds_for_every_later_call(make_key, connect, people, trail):  # noqa: F811
    connect(people.charlie, "Contoso Main", permission="write")
    key = make_key()
    assert "acme_get_thing" not in key.tools()
    envelope = key.call("set_active_tenant", {"tenant": "contoso"})
    assert (
        envelope["data"] == {"id": "wsp_contoso", "name": "Contoso", "tier": "free"}
        and "Contoso" in envelope["message"]
    )
    assert "acme_get_thing" in key.tools()
    assert "Contoso Main" in key.call("acme_get_thing", {"id": "a"})["message"]
    [entry] = trail("api_key.moved")
    assert (entry.workspace_id, entry.user_id, entry.details) == (
        None,
        people.dana.id,
        {"before": "wsp_northwind", "after": "wsp_contoso"},
    )
    # Neither company's own trail tells of the other.
    entries = [
        (entry.workspace_id, entry.details)
        for action in ("left", "came")
        for entry in trail(f"api_key.{action}")
    ]
    assert entries == [("wsp_northwind", {}), ("wsp_contoso", {})]
    with database.reading() as db:
        rows = list(db.exec(select(CallRow).order_by(CallRow.id)))
    assert [(row.tool, row.workspace_id) for row in rows] == [
        ("set_active_tenant", "wsp_northwind"),
        ("acme_get_thing", "wsp_contoso"),
    ]


def test_a_session_of_the_handshake_goes_on_after_the_change(make_key):
    key = make_key()
    key.initialize()
    assert key.call("set_active_tenant", {"tenant": "wsp_contoso"})["success"]
    [current] = [row for row in key.call("list_tenants")["data"]["items"] if row["is_current"]]
    assert current["id"] == "wsp_contoso"


def test_a_key_reaches_shared_connections_only_even_of_its_maker(make_key, connect, people, app):  # noqa: F811
    with database.transaction() as db:
        db.add(
            Membership(
                workspace_id="wsp_northwind", user_id=people.dana.id, role="admin", created_at=clock.now()
            )
        )
    connect(people.alice, "Of Alice", visibility="personal", permission="write")
    connect(people.dana, "Of Dana", visibility="personal", permission="write")
    key = make_key()
    assert "acme_get_thing" not in key.tools()
    code, sentence = key.refusal("acme_get_thing", {"id": "a"})
    assert (
        code == "NOT_CONNECTED"
        and "A member of Northwind can connect it" in sentence
        and "/integrations/connect/" not in sentence
    )
    assert "Of " not in str(key.call("hub_list_connections"))
    status = app.test_client().get("/status", headers={"Authorization": f"Bearer {key.token}"}).json
    assert status["connections"] == [] and status["client"]["kind"] == "api_key"
    assert key.refusal("hub_connect_service", {"service": "xero"})[0] == "PERMISSION_DENIED"
    connect(people.alice, "Shared", visibility="shared")
    assert "Shared" in key.call("acme_get_thing", {"id": "a"})["message"]


@pytest.mark.usefixtures("early")
def test_it_obeys_the_limits_of_the_workspace_but_can_always_leave(make_key, people):
    with database.transaction() as db:
        db.get(Workspace, "wsp_northwind").per_minute = 1
    key = make_key()
    calls = [key.ask("tools/call", name="hub_list_connections", arguments={}).status_code for _ in range(3)]
    assert calls == [200, 429, 429]
    assert key.call("set_active_tenant", {"tenant": "wsp_contoso"})["success"]
    assert key.call("hub_list_connections")["success"]


def test_a_deactivated_workspace_is_refused_and_can_be_left(make_key, dana):
    key = make_key()
    dana.submit("/admin/workspaces/wsp_contoso/state", {"active": "no"})
    assert key.refusal("set_active_tenant", {"tenant": "wsp_contoso"})[0] == "WORKSPACE_INACTIVE"
    dana.submit("/admin/workspaces/wsp_northwind/state", {"active": "no"})
    dana.submit("/admin/workspaces/wsp_contoso/state", {"active": "yes"})
    assert set(key.tools()) == {"list_tenants", "set_active_tenant"}
    assert key.refusal("hub_list_connections")[0] == "WORKSPACE_INACTIVE"
    assert key.call("set_active_tenant", {"tenant": "wsp_contoso"})["success"]
    assert key.call("hub_list_connections")["success"]


@pytest.mark.parametrize("wanted", ["wsp_gone", "Nobody Ltd", "\x00", " ", "%"])
def test_a_tenant_that_is_not_there_changes_nothing(make_key, wanted):
    key = make_key()
    assert key.refusal("set_active_tenant", {"tenant": wanted})[0] == "INVALID_ARGUMENTS"
    assert find_caller(key.token).workspace_id == "wsp_northwind"
    assert key.call("set_active_tenant", {"tenant": "wsp_contoso"})["success"]


def test_of_two_with_one_name_the_id_is_asked_for(make_key):
    with database.transaction() as db:
        db.add(Workspace(id="wsp_other", name="contoso", created_at=clock.now()))
    key = make_key()
    envelope = key.call("set_active_tenant", {"tenant": "CONTOSO"})
    assert {row["id"] for row in envelope["error"]["details"]["tenants"]} == {"wsp_other", "wsp_contoso"}
    assert key.call("set_active_tenant", {"tenant": "wsp_other"})["success"]


def test_compact_mode_keeps_the_same_order(make_key, client_of, people):
    key, alice = make_key(), client_of(people.alice)
    key.path = alice.path = "/mcp?tools=compact"
    assert "list_tenants" in key.tools() and "list_tenants" not in alice.tools()
    refused = alice.refusal(
        "call_write_tool", {"name": "set_active_tenant", "arguments": {"tenant": "wsp_contoso"}}
    )
    assert refused[0] == "PERMISSION_DENIED"
    assert key.call("set_active_tenant", {"tenant": "wsp_contoso"})["success"]


def test_it_dies_with_the_right_of_its_maker(dana, make_key, people, sign_in):
    key = make_key()
    dana.submit("/admin/people/usr_alice/operator", {"operator": "yes"})
    alice = sign_in(people.alice)
    alice.get("/admin/people")
    alice.submit("/admin/people/usr_dana/operator", {"operator": "no"})
    assert key.ask("tools/list").status_code == 401
    alice.submit("/admin/people/usr_dana/operator", {"operator": "yes"})
    assert key.ask("tools/list").status_code == 200
    alice.submit("/admin/people/usr_dana/state", {"disabled": "yes"})
    assert key.ask("tools/list").status_code == 401


def test_revoking_ends_it_at_the_next_call(dana, make_key, people, trail):
    key, other = make_key(), make_key(name="other")
    dana.get("/admin/keys")
    grant_id = find_caller(key.token).grant_id
    assert dana.submit(f"/admin/keys/{grant_id}/revoke").status_code == 303
    assert key.ask("tools/list").status_code == 401
    assert other.ask("tools/list").status_code == 200
    assert trail("grant.revoked")[0].user_id == people.dana.id


def test_owners_of_the_workspace_neither_see_nor_revoke_it(make_key, people, sign_in):
    key, alice = make_key(), sign_in(people.alice)
    assert "night shift" not in alice.get("/ai-clients").text
    alice.submit(f"/ai-clients/{find_caller(key.token).grant_id}/revoke")
    assert key.ask("tools/list").status_code == 200


def test_only_keys_are_revoked_there(dana, client_of, people):
    alice = client_of(people.alice)
    assert dana.submit(f"/admin/keys/{find_caller(alice.token).grant_id}/revoke").status_code == 404
    assert alice.ask("tools/list").status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"scope": ""},
        {"scope": "everything"},
        {"days": "2"},
        {"days": ""},
        {"workspace": "gone"},
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(dana, form):
    answer = dana.submit("/admin/keys", {**FORM, **form})
    assert answer.status_code == 400 and 'role="alert"' in answer.text and 'value="pbk_' not in answer.text
    with database.reading() as db:
        assert db.exec(select(Grant)).all() == []
    assert 'value="pbk_' in dana.submit("/admin/keys", FORM).text


def test_the_call_in_the_readme_works_as_it_stands(make_key):
    key = make_key()
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "list_tenants", "arguments": {}},
    }
    answer = key.post(body, Accept="*/*", MCP_Protocol_Version="2025-06-18")
    assert answer.json["result"]["structuredContent"]["data"]["items"][0]["is_current"] in {True, False}


# --- the tenant of one call ---


def test_a_call_may_name_its_tenant_and_moves_nothing(make_key, connect, people, trail):  # noqa: F811
    """Two programs with one key do not move it under each other's feet."""
    connect(people.charlie, "Contoso Main", permission="write")
    connect(people.alice, "Northwind Main", permission="write")
    key = make_key()
    other = Client(key.app, key.token)
    for tenant in ("wsp_contoso", "contoso"):
        assert "Contoso Main" in key.call("acme_get_thing", {"id": "a", "tenant": tenant})["message"]
        assert "Northwind Main" in other.call("acme_get_thing", {"id": "a"})["message"]
    assert "Contoso" in key.call("hub_list_connections", {"tenant": "wsp_contoso"})["message"]
    assert key.call("memory_save", {"text": "a note", "tenant": "wsp_contoso"})["success"]
    assert find_caller(key.token).workspace_id == "wsp_northwind" and trail("api_key.moved") == []
    with database.reading() as db:
        rows = list(db.exec(select(CallRow).where(CallRow.tool == "acme_get_thing").order_by(CallRow.id)))
    assert [row.workspace_id for row in rows] == ["wsp_contoso", "wsp_northwind"] * 2


def test_every_tool_of_a_key_lists_the_argument_and_nobody_elses_does(make_key, connect, client_of, people):  # noqa: F811
    connect(people.alice, "Main", permission="write")
    for name, entry in make_key().tools().items():
        has_it = "tenant" in entry["inputSchema"]["properties"]
        assert has_it, name
        assert name == "set_active_tenant" or "tenant" not in entry["inputSchema"].get("required", [])
    alice = client_of(people.alice)
    assert not any("tenant" in each["inputSchema"]["properties"] for each in alice.tools().values())


def test_a_member_reaches_no_other_company_by_it(client_of, connect, people):  # noqa: F811
    connect(people.alice, "Northwind Main")
    connect(people.charlie, "Contoso Main")
    answer = client_of(people.alice).call("acme_get_thing", {"id": "a", "tenant": "wsp_contoso"})
    assert "Contoso" not in str(answer)


@pytest.mark.parametrize("tenant", ["wsp_none", "Nobody", 7, ["wsp_contoso"], "x" * 300, "\x00"])
def test_a_tenant_that_is_none_is_refused_and_nothing_runs(make_key, connect, people, tenant):  # noqa: F811
    connect(people.alice, "Northwind Main", permission="write")
    key = make_key()
    acme.written.clear()
    code, _ = key.refusal("acme_create_thing", {"text": "x", "tenant": tenant})
    assert code == "INVALID_ARGUMENTS" and acme.written == []
    assert key.call("acme_create_thing", {"text": "x", "tenant": "wsp_northwind"})["success"]


def test_a_deactivated_tenant_is_refused_by_its_name(make_key, people):
    with database.transaction() as db:
        db.get(Workspace, "wsp_contoso").deactivated_at = clock.now()
    code, _ = make_key().refusal("hub_list_connections", {"tenant": "wsp_contoso"})
    assert code == "WORKSPACE_INACTIVE"


def test_a_write_of_another_tenant_is_approved_there(make_key, connect, people, sign_in):  # noqa: F811
    connect(people.charlie, "Contoso Main", permission="ask")
    key = make_key()
    arguments = {"text": "two chairs", "tenant": "wsp_contoso"}
    acme.written.clear()
    request_id = request_in(key.call("acme_create_thing", arguments))
    charlie = sign_in(people.charlie)
    charlie.get("/approvals")
    assert charlie.submit(f"/approvals/{request_id}/approve").status_code == 303
    assert acme.written == ["two chairs"]
    assert key.call("acme_create_thing", arguments)["success"] and acme.written == ["two chairs"]
