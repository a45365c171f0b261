"""The HTTP rules and all protocol revisions, message by message."""

import json

import pytest

from tests.support.mcp_client import MODERN, Client


def test_the_handshake_settles_once_what_later_requests_refer_to(alice):
    first = alice.initialize()
    assert first.json["result"]["serverInfo"]["name"] == "patchbay"
    assert len(first.json["result"]["instructions"]) <= 512
    assert first.json["result"]["capabilities"]["tools"] == {"listChanged": False}
    assert all(0x21 <= ord(c) <= 0x7E for c in alice.session)
    noted = alice.post(
        {"jsonrpc": "2.0", "method": "notifications/initialized"}, Mcp_Session_Id=alice.session
    )
    assert (noted.status_code, noted.data) == (202, b"")
    assert alice.ask("ping").json["result"] == {}
    assert "hub_list_connections" in alice.tools()
    assert alice.call("hub_list_connections")["success"]


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18", "2025-03-26"])
def test_every_handshake_revision_is_spoken(alice, version):
    assert alice.initialize(version).json["result"]["protocolVersion"] == version
    assert alice.call("hub_list_connections")["success"]


def test_an_unknown_revision_is_answered_with_one_we_speak(alice):
    assert alice.initialize("2199-01-01").json["result"]["protocolVersion"] == "2025-11-25"


def test_another_persons_session_is_not_found(alice, client_of, people):
    alice.initialize()
    bob = client_of(people.bob, session=alice.session, version="2025-11-25")
    assert bob.ask("tools/list").status_code == 404
    assert alice.ask("tools/list").status_code == 200


@pytest.mark.parametrize("session", ["x", "a.b.c", "\u00e9", " "])
def test_a_session_that_is_not_ours_is_not_found(alice, session):
    alice.session, alice.version = session, "2025-11-25"
    assert alice.ask("tools/list").status_code == 404


def test_a_changed_session_is_not_found(alice):
    alice.initialize()
    body, _, signature = alice.session.rpartition(".")
    # the last one has spare bits: it may change nothing
    alice.session = f"{body}.{'a' if signature[0] != 'a' else 'b'}{signature[1:]}"
    assert alice.ask("tools/list").status_code == 404


def test_the_modern_revision_needs_no_handshake(alice):
    found = alice.ask("server/discover").json["result"]
    assert MODERN in found["supportedVersions"]
    listed = alice.ask("tools/list").json["result"]
    assert listed["resultType"] == "complete"


def test_a_modern_notification_is_acknowledged(alice):
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert alice.post(body, MCP_Protocol_Version=MODERN).status_code == 202
    assert alice.post(body, MCP_Protocol_Version="2199-01-01").json["error"]["code"] == -32022


def envelope_meta(version=MODERN):
    return {
        f"io.modelcontextprotocol/{k}": v
        for k, v in (("protocolVersion", version), ("clientCapabilities", {}))
    }


@pytest.mark.parametrize(
    ("headers", "meta", "code"),
    [
        ({"MCP_Protocol_Version": MODERN, "Mcp_Method": "tools/list"}, {}, -32602),
        ({"MCP_Protocol_Version": MODERN}, envelope_meta(), -32020),
        ({"MCP_Protocol_Version": MODERN, "Mcp_Method": "tools/call"}, envelope_meta(), -32020),
        ({"Mcp_Method": "tools/list"}, envelope_meta(), -32020),
        ({"MCP_Protocol_Version": f"{MODERN},{MODERN}", "Mcp_Method": "tools/list"}, envelope_meta(), -32020),
        (
            {"MCP_Protocol_Version": "2199-01-01", "Mcp_Method": "tools/list"},
            envelope_meta("2199-01-01"),
            -32022,
        ),
    ],
)
def test_headers_are_compared_with_the_body(alice, headers, meta, code):
    refused = alice.post(
        {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": meta}}, **headers
    )
    assert (refused.status_code, refused.json["error"]["code"], refused.json["id"]) == (400, code, 7)


def test_the_name_in_the_header_is_the_tool_that_runs(alice):
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "hub_list_connections", "_meta": envelope_meta()},
    }
    refused = alice.post(
        body, MCP_Protocol_Version=MODERN, Mcp_Method="tools/call", Mcp_Name="acme_get_thing"
    )
    assert (refused.status_code, refused.json["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize(
    "method",
    ["no/such", "resources/list", "subscriptions/listen", "logging/setLevel", "initialize", "tasks/get"],
)
def test_a_method_we_do_not_have_is_404_in_the_modern_revision(alice, method):
    refused = alice.ask(method, notifications={})
    assert refused.status_code == 404
    assert refused.json["error"]["code"] == -32601


def test_a_method_we_do_not_have_is_an_error_inside_a_session_and_404_outside(alice):
    outside = alice.post({"jsonrpc": "2.0", "id": 1, "method": "no/such"})
    assert (outside.status_code, outside.json["error"]["code"]) == (404, -32601)
    alice.initialize()
    inside = alice.ask("no/such")
    assert (inside.status_code, inside.json["error"]["code"]) == (200, -32601)


@pytest.mark.parametrize(
    ("method", "member"),
    [
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ],
)
def test_lists_of_what_we_do_not_have_are_empty_for_clients_that_ask_without_looking(alice, method, member):
    message = {"jsonrpc": "2.0", "id": 1, "method": method}
    versions = [{}, {"MCP_Protocol_Version": "2025-06-18"}, {"MCP_Protocol_Version": "2025-11-25"}]
    for headers in versions:
        answer = alice.post(message, **headers)
        assert (answer.status_code, answer.json["result"]) == (200, {member: []})
    alice.initialize()
    assert alice.ask(method).json["result"] == {member: []}


@pytest.mark.parametrize("method", ["no/such", "logging/setLevel", "completion/complete"])
def test_no_404_ends_a_client_that_speaks_a_handshake_revision_without_a_session(alice, method):
    refused = alice.post({"jsonrpc": "2.0", "id": 1, "method": method}, MCP_Protocol_Version="2025-06-18")
    assert refused.status_code == 200
    assert refused.json["error"]["code"] in {-32601, -32602}  # the SDK checks parameters first


def test_an_unknown_tool_is_invalid_params(alice):
    refused = alice.ask("tools/call", name="no_such_tool", arguments={})
    assert (refused.status_code, refused.json["error"]["code"]) == (400, -32602)


MALFORMED = [
    b"",
    b"{",
    b"nonsense",
    b"\xff\xfe",
    b'{"jsonrpc":"2.0","id":1,"method":"ping"',
    b"null",
    b"true",
    b"1",
    b'"text"',
    b"[]",
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
    b"{}",
    b'{"jsonrpc":"2.0"}',
    b'{"id":1,"method":"ping"}',
    b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
    b'{"jsonrpc":2.0,"id":1,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":[],"method":"ping"}',
    b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":7}',
    b'{"jsonrpc":"2.0","id":1,"method":null}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}',
    b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hub_list_connections","arguments":{"x":NaN}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hub_list_connections","arguments":{"x":1e999}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud800"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[]}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":"x"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":7}}',
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":7}}',
    b'{"jsonrpc":"2.0","id":1,"method":"initialize"}',
    b'{"jsonrpc":"2.0","id":1,"result":"x"}',
    b'{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}',
    b'{"jsonrpc":"2.0","id":1,"error":"x"}',
    b'{"a":' * 400 + b"1" + b"}" * 400,
    b"[" * 100_000,
    b'{"jsonrpc":"2.0","id":1,"method":"' + b"m" * 100_000 + b'"}',
    b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":7}}',
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:60]))
def test_a_malformed_body_is_a_quick_4xx_in_json_rpc(alice, body):
    refused = alice.post(body)
    assert 400 <= refused.status_code < 500, refused.text
    assert refused.json["jsonrpc"] == "2.0"
    assert refused.json["error"]["message"]


def test_media_types_size_and_methods(app, alice):
    ping = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
    assert alice.post(ping, Content_Type="text/plain").status_code == 415
    assert alice.post(ping, Content_Type="application/x-www-form-urlencoded").status_code == 415
    assert alice.post(ping, Content_Encoding="gzip").status_code == 415
    assert alice.post(ping, Accept="text/html").status_code == 406
    assert alice.post(ping, Accept="text/event-stream").status_code == 406
    assert alice.post(ping, Accept="application/json;q=0, text/html").status_code == 406
    assert alice.post(ping, Accept="*/*", Content_Type="application/json; charset=utf-8").status_code == 200
    assert alice.post(b" " * (4 * 1024 * 1024 + 1)).status_code == 413
    bearer = {"Authorization": f"Bearer {alice.token}"}
    for answer in (
        app.test_client().get("/mcp", headers=bearer),
        app.test_client().delete("/mcp", headers=bearer),
    ):
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_hosts_and_origins_are_on_a_list(alice):
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert alice.post(ping, Host="evil.example").status_code == 421
    for origin in (
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "https://claude.ai.evil.example",
    ):
        assert alice.post(ping, Origin=origin).status_code == 403
    for origin in (
        "http://localhost:6274",
        "http://127.0.0.1:1",
        "https://claude.ai",
        "http://localhost:8000",
    ):
        answer = alice.post(ping, Origin=origin)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, origin)


def test_a_browser_may_ask_first(app, people):
    request = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, mcp-method, cookie",
    }
    allowed = app.test_client().options("/mcp", headers={"Origin": "http://localhost:6274", **request})
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Headers"] == "authorization, mcp-method"
    assert allowed.headers["Access-Control-Allow-Methods"] == "POST"
    refused = app.test_client().options("/mcp", headers={"Origin": "https://evil.example", **request})
    assert "Access-Control-Allow-Origin" not in refused.headers
    unauthorized = Client(app, None).post({}, Origin="http://localhost:6274")
    assert "WWW-Authenticate" in unauthorized.headers["Access-Control-Expose-Headers"]


def test_the_old_transport_names_the_new_address(app):
    for answer in (app.test_client().get("/sse"), app.test_client().post("/sse")):
        assert answer.status_code == 410
        assert "http://localhost:8000/mcp" in answer.text


def test_a_posted_reply_nobody_waits_for_is_accepted_and_forgotten(alice):
    assert alice.post({"jsonrpc": "2.0", "id": "ask-1", "result": {}}).status_code == 202
