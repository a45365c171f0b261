"""A server that answers what no SDK would write: numbers without end, halves of characters, wrong types, deep
nests. It gets a sentence or is left out; nothing of ours fails, and the rest of the workspace goes on.
"""

import json

import pytest
from sqlmodel import select

from app import database, outbound
from app.errors import InvalidInput
from app.federation import addresses
from app.federation.models import McpServer
from tests.conftest import both_databases
from tests.federation.evil_server import CALM
from tests.federation.oauth_site import OAuthSite
from tests.support.scripted_http import Written

_ENDLESS = "1" + "0" * 400  # an integer that no float can hold


def nested(levels):
    return "[" * levels + "]" * levels


def tools(*definitions):
    return json.dumps({"tools": [CALM, *definitions]})


def written_tool(schema):
    return f'{{"tools": [{json.dumps(CALM)}, {{"name": "other", "inputSchema": {schema}}}]}}'


@pytest.fixture
def call(evil, walk, client_of, people):
    """Calls the tool of the connected server with that result of the server's."""

    def _call(result=None, error=None):
        walk.add(evil.url)
        connection = walk.connection_of("harbour")
        walk.post("/integrations/harbour/permission", {"connection": connection, "level": "write"})
        if error is not None:
            evil.errors["tools/call"] = error
        evil.results["tools/call"] = result
        return client_of(people.alice).call("harbour_look_up")

    return _call


@both_databases
@pytest.mark.parametrize(
    "listed",
    [
        tools({**CALM, "name": "half\ud800"}),
        tools({**CALM, "name": "nothing\0"}),
        tools({**CALM, "name": "other", "title": "\udfff", "description": "\0\ud800"}),
        tools({**CALM, "name": "other", "title": {}, "description": ["x"], "annotations": 1, "_meta": 7}),
        tools({**CALM, "name": "other", "inputSchema": {"type": {}, "required": {}, "properties": []}}),
        written_tool('{"type": "object", "properties": {"a": {"maximum": NaN, "minimum": -Infinity}}}'),
        written_tool(f'{{"type": "object", "properties": {{"a": {{"maximum": {_ENDLESS}}}}}}}'),
        written_tool(f'{{"type": "object", "default": {nested(900)}}}'),
        f'{{"tools": [{json.dumps(CALM)}], "ttlMs": {_ENDLESS}}}',
        f'{{"tools": [{json.dumps(CALM)}], "ttlMs": NaN}}',
        tools("x", 5, None),
    ],
)
def test_a_malformed_list_takes_nothing_away_from_the_good_tool(evil, walk, client_of, people, listed):
    evil.results["tools/list"] = listed
    walk.add(evil.url)
    assert "Harbour connected" in walk.person.page, walk.sentences()
    assert walk.get("/integrations/servers/harbour").status_code == 200
    connection = walk.connection_of("harbour")
    walk.post("/integrations/harbour/permission", {"connection": connection, "level": "write"})
    client = client_of(people.alice)
    assert "harbour_look_up" in client.tools()
    assert client.call("harbour_look_up")["success"]


@both_databases
@pytest.mark.parametrize(
    "about",
    [
        '"serverInfo": {"name": "\\ud800", "title": 5}, "capabilities": {"a": NaN, "\\ud800": 1}',
        f'"serverInfo": {{"name": "Harbour", "x": {nested(900)}}}, "instructions": {{"x": 1}}',
        '"serverInfo": {"name": "a\\u0000b"}, "instructions": "%s"' % ("x" * 3_000_000),
    ],
)
def test_what_a_server_says_of_itself_is_stored_clean_and_bounded(evil, walk, about):
    evil.results["initialize"] = f'{{"protocolVersion": "2025-11-25", {about}}}'
    walk.add(evil.url, name="Harbour")
    assert "Harbour connected" in walk.person.page, walk.sentences()
    with database.reading() as db:
        [server] = db.exec(select(McpServer)).all()
    assert len(json.dumps(server.info)) < 10_000


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("error", [[], 5, {"code": [], "message": {}}, {"code": {}, "message": "\ud800"}])
def test_a_malformed_error_is_still_a_refusal(evil, walk, call, status, error):
    for method in ("server/discover", "initialize", "tools/list"):
        evil.errors = {method: (status, error)}
        assert walk.look(evil.url).status_code in {200, 422}
    evil.errors = {}
    answer = call(error=(status, error))
    assert not answer["success"] and answer["error"]["code"] != "INTERNAL"


@pytest.mark.parametrize("levels", [300, 900])
def test_a_result_that_is_nested_too_deeply_is_refused_in_words(call, levels):
    answer = call(f'{{"structuredContent": {{"a": {nested(levels)}}}}}')
    assert "nested too deeply" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("field", "required"),
    [({"type": ["string", "null"]}, []), ({"type": "string"}, [["a"]]), ({"type": {}}, {"a": 1})],
)
def test_a_question_in_a_strange_form_is_refused_in_words(call, field, required):
    form = {"properties": {"a": field}, "required": required}
    question = {"method": "elicitation/create", "params": {"message": "Well?", "requestedSchema": form}}
    answer = call(json.dumps({"resultType": "input_required", "inputRequests": {"q": question}}))
    assert not answer["success"] and answer["error"]["code"] != "INTERNAL"


@pytest.mark.parametrize("location", ["http://[", "//[", "https://x/\xe9", "\\\\x"])
def test_a_redirect_to_nowhere_is_a_redirect(evil, walk, location):
    evil.server.script[("POST", "/mcp")] = Written(302, b"", {"Location": location})
    assert walk.look(evil.url).status_code == 422
    assert "redirects" in walk.sentences()


@pytest.mark.parametrize("location", ["/elsewhere", "http://["])
def test_the_body_of_a_redirect_is_bounded_as_any_other(app, site, location):
    site.script[("GET", "/moved")] = Written(302, b"x" * 200_000, {"Location": location})
    with pytest.raises(outbound.ResponseTooLarge):
        outbound.send("GET", f"{site.url}/moved", max_bytes=1_000)
    assert outbound.send("GET", f"{site.url}/moved", reads_body=False).status == 302


@both_databases
@pytest.mark.parametrize(
    "resource",
    [
        {"authorization_servers": 5},
        {"authorization_servers": True},
        {"resource": "{url}?\ud800"},
        {"resource": "{url}?" + "x" * 100_000},
        {"scopes_supported": [["a"], {}]},
    ],
)
def test_malformed_resource_metadata_never_breaks_the_workspace(site, walk, resource):
    OAuthSite(site)
    url = f"{site.url}/mcp"
    document = {"resource": url, "authorization_servers": [site.url]} | resource
    document["resource"] = document["resource"].replace("{url}", url)
    site.script[("GET", "/.well-known/oauth-protected-resource/mcp")] = Written(200, document)
    looked = walk.look(url)
    assert looked.status_code == (200 if "scopes_supported" in resource else 422)
    assert walk.get("/integrations").status_code == 200


@both_databases
def test_scopes_that_no_text_can_hold_are_cleaned(site, walk):
    tokens = {"access_token": "token-of-x", "token_type": "bearer", "scope": "a\ud800\0 b"}
    OAuthSite(site).token_answers = [Written(200, tokens)]
    walk.add(f"{site.url}/mcp", name="Site")
    assert "Site connected" in walk.person.page, walk.sentences()


@pytest.mark.parametrize("host", ["a;script-src.example", "a,b.example", "*", "'none'", "a%2eb.example"])
def test_a_host_is_nothing_but_a_host(app, settings, host):
    """It is written into the content security policy of the page."""
    with pytest.raises(InvalidInput, match="not a web address"):
        addresses.read_typed(settings, f"https://{host}/mcp")
    with pytest.raises(InvalidInput, match="not a web address"):
        addresses.check_discovered(settings, f"https://{host}/authorize", "its sign-in page")
