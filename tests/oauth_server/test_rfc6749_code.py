"""RFC 6749 section 4.1: the authorization code grant."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from app import clock, database
from app.accounts.models import User
from app.oauth_server.models import AuthorizationCode
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.support.ai_client import AiClient, came_back, flow_on
from tests.support.cases import every

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


def test_a_client_connects_from_registration_to_token(client_app, alice):
    question = client_app.ask(alice)
    assert question.status_code == 200
    assert "Test client" in alice.page and "localhost" in alice.page
    allowed = alice.submit("/oauth/authorize/submit", {"flow": flow_on(alice.page), "decision": "allow"})
    assert allowed.status_code == 303
    assert allowed.headers["Location"].startswith("/integrations?flow=flw_")
    flow = parse_qs(urlsplit(allowed.headers["Location"]).query)["flow"][0]
    back = client_app.finish(alice, flow)
    assert back.headers["Location"].startswith("http://localhost:3000/callback?")
    given = came_back(back)
    assert set(given) == {"code", "state", "iss"}
    assert given["state"] == "state-1"
    answer = client_app.exchange(given["code"])
    assert answer.status == 200
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 86400
    assert answer["scope"] == "tools:read tools:write"
    assert answer.headers["Cache-Control"] == "no-store"
    who = client_app.status(answer["access_token"])
    assert who["user"]["email"] == "alice@example.com"
    assert who["workspace"]["name"] == "Northwind"


def test_a_visitor_who_is_not_signed_in_comes_back_with_the_whole_request(client_app, visitor):
    state = "s" * 3000 + "%+&=/?"
    response = client_app.ask(visitor, state=state)
    assert response.status_code == 303
    location = urlsplit(response.headers["Location"])
    assert location.path == "/login"
    back = parse_qs(location.query)["next"][0]
    assert back == client_app.authorize_url(state=state)


def test_an_unknown_client_is_told_on_our_own_page(app, visitor):
    response = AiClient(app, client_id="pbd_nobody").ask(visitor)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert "does not exist" in visitor.page


@every(
    "uri",
    [
        "http://localhost:3000/other",
        "http://127.0.0.1:3000/callback",
        "https://localhost:3000/callback",
        "http://localhost:3000/callback/",
        "http://localhost:3000/callback?x=1",
        "http://localhost:3000/callback#f",
        "http://localhost@evil.example/callback",
        "http://localhost:3000/x/../callback",
        "http://localhost.evil.example/callback",
        "https://evil.example/",
        "javascript:alert(1)",
        'http://localhost:3000/"><script>',
        "//evil.example",
        "\\\\evil",
    ],
)
def test_a_redirect_uri_that_is_not_registered_is_never_followed(client_app, alice, uri):
    response = client_app.ask(alice, redirect_uri=uri)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert "evil" not in alice.page


def test_a_loopback_redirect_may_use_any_port(client_app, alice):
    given = came_back(
        client_app.finish(alice, client_app.allow(alice, redirect_uri="http://localhost:49152/callback"))
    )
    assert client_app.exchange(given["code"]).error == "invalid_grant"
    assert client_app.exchange(given["code"], redirect_uri="http://localhost:49152/callback").status == 200


@every("host", ["127.0.0.1", "localhost", "[::1]"])
@every(
    "registered, requested",
    [("", "/"), ("/", ""), (":33418", ":33418/"), (":33418/", ":9"), ("/", ":33418/")],
)
def test_an_empty_path_and_a_slash_are_one_loopback_redirect(app, alice, host, registered, requested):
    client = AiClient(app, redirect_uri=f"http://{host}{registered}")
    client.register()
    client.redirect_uri = f"http://{host}{requested}"
    response = client.finish(alice, client.allow(alice))
    assert response.headers["Location"].startswith(f"http://{host}{requested}?code=")
    code = came_back(response)["code"]
    other = client.redirect_uri.removesuffix("/") + ("" if client.redirect_uri.endswith("/") else "/")
    assert client.exchange(code, redirect_uri=other + "x").error == "invalid_grant"
    assert client.exchange(code, redirect_uri=other).status == 200


def test_a_loopback_redirect_with_another_host_path_or_query_is_refused(app, alice):
    client = AiClient(app, redirect_uri="http://127.0.0.1:33418")
    client.register()
    for uri in (
        "http://localhost:33418",
        "http://127.0.0.1/x",
        "http://127.0.0.1/?x=1",
        "https://127.0.0.1/",
    ):
        assert client.ask(alice, redirect_uri=uri).status_code == 400, uri
    web = AiClient(app, redirect_uri="https://client.example")
    web.register()
    assert web.ask(alice, redirect_uri="https://client.example/").status_code == 400


@pytest.mark.parametrize(
    "extra",
    [
        {"prompt": "none"},
        {"prompt": "select_account consent"},
        {"display": "hologram"},
        {"nonce": "n", "max_age": "x", "ui_locales": "xx", "acr_values": "9", "claims": "{}"},
        {"access_type": "offline", "audience": "us", "ext-thing": "1"},
    ],
)
def test_parameters_we_do_not_know_are_ignored(client_app, alice, extra):
    assert client_app.connect(alice, **extra).status == 200


def test_an_apps_own_scheme_works_as_registered(app, alice):
    uri = "cursor://anysphere.cursor-mcp/oauth/callback"
    client = AiClient(app, redirect_uri=uri)
    client.register()
    client.ask(alice)
    assert "Known client" in alice.page
    back = client.finish(alice, client.allow(alice))
    assert back.headers["Location"].startswith(uri + "?code=pbc_")
    assert client.ask(alice, redirect_uri=uri + "2").status_code == 400


def test_the_redirect_uri_may_be_left_out_when_there_is_one(client_app, alice):
    code = client_app.code(alice, redirect_uri=None)
    assert client_app.exchange(code, redirect_uri="https://elsewhere.example/").error == "invalid_grant"
    assert client_app.exchange(code, redirect_uri=None).status == 200


def test_it_does_not_spend_the_code_when_the_redirect_uri_is_wrong(client_app, code):
    assert client_app.exchange(code, redirect_uri="https://elsewhere.example").error == "invalid_grant"
    assert client_app.exchange(code, redirect_uri=None).error == "invalid_grant"
    assert client_app.exchange(code).status == 200


def test_another_client_cannot_use_the_code_nor_harm_it(app, client_app, code):
    other = AiClient(app, verifier=client_app.verifier)
    other.register()
    assert other.exchange(code).error == "invalid_grant"
    tokens = client_app.exchange(code)
    assert tokens.status == 200
    assert other.exchange(code).error == "invalid_grant"
    assert client_app.exchange(code, redirect_uri="https://elsewhere.example").error == "invalid_grant"
    assert client_app.status(tokens["access_token"]).status == 200


def test_a_code_used_twice_kills_its_tokens(client_app, code, alice):
    tokens = client_app.exchange(code)
    assert client_app.exchange(code).error == "invalid_grant"
    assert client_app.status(tokens["access_token"]).status == 401
    assert client_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    alice.get("/ai-clients")
    assert "presented again" in alice.page
    assert client_app.connect(alice).status == 200


@both_databases
def test_of_sixteen_uses_at_once_one_gets_tokens(client_app, code):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client_app.exchange(code), range(16)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 15
    assert {answer.error for answer in answers if answer.status == 400} == {"invalid_grant"}


def test_a_code_lives_ten_minutes(client_app, alice):
    code = client_app.code(alice)
    clock.shift(timedelta(minutes=10, seconds=1))
    assert client_app.exchange(code).error == "invalid_grant"
    clock.reset()
    code = client_app.code(alice)
    clock.shift(timedelta(minutes=9))
    assert client_app.exchange(code).status == 200


def test_a_disabled_person_and_a_former_member_get_no_tokens(client_app, alice, people):
    first, second = client_app.code(alice), client_app.code(alice)
    with database.transaction() as db:
        db.get(User, people.alice.id).disabled_at = clock.now()
    assert client_app.exchange(first).error == "invalid_grant"
    with database.transaction() as db:
        db.get(User, people.alice.id).disabled_at = None
        db.delete(db.get(Membership, (people.northwind.id, people.alice.id)))
    assert client_app.exchange(second).error == "invalid_grant"


def test_only_digests_are_stored(client_app, code, tokens):
    secrets = [code, tokens["access_token"], tokens["refresh_token"], client_app.verifier]
    with database.reading() as db:
        connection = db.connection()
        for table in AuthorizationCode.metadata.sorted_tables:
            for row in connection.execute(table.select()):
                assert not any(secret in str(row) for secret in secrets), table.name


@pytest.mark.parametrize(
    "name", ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "resource"]
)
def test_a_parameter_given_twice_is_refused_at_the_token_endpoint(app, client_app, code, name):
    given = {
        "grant_type": ["authorization_code"],
        "code": [code],
        "redirect_uri": [client_app.redirect_uri],
        "code_verifier": [client_app.verifier],
        "client_id": [client_app.client_id],
        "resource": ["http://localhost:8000/mcp"],
    }
    response = app.test_client().post("/oauth/token", data={**given, name: given[name] * 2})
    assert response.json["error"] == "invalid_request"
    assert client_app.exchange(code).status == 200


@pytest.mark.parametrize(
    "name",
    ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "resource", "foreign"],
)
def test_a_parameter_given_twice_is_refused_at_the_authorization_endpoint(client_app, alice, name):
    response = alice.get(client_app.authorize_url(foreign="1") + f"&{name}=again")
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert client_app.ask(alice).status_code == 200


def test_parameters_in_the_query_of_the_token_endpoint_do_not_count(app, client_app, code):
    given = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client_app.redirect_uri,
        "code_verifier": client_app.verifier,
    }
    response = app.test_client().post(
        "/oauth/token", query_string={**given, "client_id": client_app.client_id}
    )
    assert response.json["error"] == "invalid_request"
    assert client_app.exchange(code).status == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": 'co"de'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request_uri": "urn:x"}, "invalid_request"),
        ({"state": "a\x00b"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
    ],
)
def test_a_faulty_request_is_shown_to_the_person_before_it_goes_back(client_app, alice, changes, error):
    response = client_app.ask(alice, **changes)
    assert response.status_code == 400
    assert f"error={error}" in alice.page and "iss=http" in alice.page
    client_app.code(alice)
    given = came_back(client_app.ask(alice, **changes))
    assert given["error"] == error
    assert given["iss"] == "http://localhost:8000"
    assert given["state"] == changes.get("state", "state-1")


def test_a_faulty_request_of_somebody_signed_out_is_told_at_once_and_leads_nowhere(client_app, visitor):
    response = client_app.ask(visitor, code_challenge=None, code_challenge_method=None)
    assert response.status_code == 400
    assert "PKCE is required" in visitor.page and "error=" not in visitor.page


def test_a_state_of_several_kilobytes_survives_creating_an_account(app, client_app, visitor):
    client_app.state = '{"to": "/päge?a=b&c=d", "n": "' + "x+/=%" * 800 + '"}'
    location = client_app.ask(visitor).headers["Location"]
    visitor.get(location)
    visitor.get(re.search(r'href="(/register\?next=[^"]+)"', visitor.page)[1])
    question = re.search(r'name="next" value="([^"]+)"', visitor.page)[1]
    typed = {
        "company": "Acme",
        "email": "zoe@example.com",
        "password": "lantern orbit walrus",
        "next": question,
    }
    visitor.follow(visitor.submit("/register", typed))
    digits = re.search(r"code is (\d{6})", app.extensions["mailer"].letters()[0].text)[1]
    visitor.follow(visitor.submit("/confirm", {"code": digits}))
    allowed = visitor.submit("/oauth/authorize/submit", {"flow": flow_on(visitor.page), "decision": "allow"})
    flow = parse_qs(urlsplit(allowed.headers["Location"]).query)["flow"][0]
    assert came_back(client_app.finish(visitor, flow))["state"] == client_app.state


def test_unknown_scopes_are_left_out_and_the_default_is_read_and_write(client_app, alice):
    assert client_app.connect(alice, scope="openid tools:read profile")["scope"] == "tools:read"
    assert client_app.connect(alice, scope=None)["scope"] == "tools:read tools:write"
    assert client_app.connect(alice, scope="openid profile email")["scope"] == "tools:read tools:write"
    assert (
        client_app.connect(alice, scope="offline_access")["scope"] == "tools:read tools:write offline_access"
    )


def test_the_scope_of_the_registration_is_no_limit(app, alice):
    client = AiClient(app)
    client.register(scope="tools:read")
    assert client.connect(alice, scope="tools:read")["scope"] == "tools:read"
    assert client.connect(alice, scope="tools:read tools:write")["scope"] == "tools:read tools:write"


def test_an_unsupported_grant_type_is_named_so(client_app):
    assert (
        client_app.post("/oauth/token", {"grant_type": "password", "username": "a", "password": "b"}).error
        == "unsupported_grant_type"
    )
    assert client_app.post("/oauth/token", {}).error == "invalid_request"
