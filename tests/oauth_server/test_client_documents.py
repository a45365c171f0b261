"""Client ID Metadata Documents."""

from datetime import timedelta

import pytest

from app import clock
from tests.oauth_server.conftest import ID
from tests.support.ai_client import AiClient, came_back

CLAUDE = "https://claude.ai/oauth/mcp-oauth-client-metadata"


@pytest.fixture
def client(app, people):
    return AiClient(app, client_id=ID, redirect_uri="https://client.example/cb")


def test_a_client_connects_by_its_document_alone(client, host, alice):
    client.ask(alice)
    assert "Example" in alice.page and "client.example" in alice.page
    assert "doesn't know this client" in alice.page
    tokens = client.connect(alice)
    assert client.status(tokens["access_token"])["client"]["name"] == "Example"
    assert client.refresh(tokens["refresh_token"]).status == 200
    assert host.fetches == 1


def test_it_is_fetched_with_the_guard_a_deadline_and_a_size_limit(client, host, alice):
    client.ask(alice)
    assert host.options["guarded"] is True
    assert host.options["seconds"] <= 10
    assert host.options["max_bytes"] == 5 * 1024


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "https://client.example/oauth/other.json"},
        {"client_id": None},
        {"client_name": None},
        {"client_name": "\u202e"},
        {"redirect_uris": []},
        {"redirect_uris": None},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": "https://client.example/cb"},
        {"client_secret": "x"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://client.example/jwks.json"},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        },
        {"token_endpoint_auth_method": "self_signed_tls_client_auth"},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        {"logo_uri": "http://169.254.169.254/"},
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_and_not_remembered(client, host, alice, change):
    honest = host.document
    host.document = {**honest, **change}
    assert client.ask(alice).status_code == 400
    assert "couldn't be identified" in alice.page
    host.document = honest
    assert client.ask(alice).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b"\xff", b"[" * 5000, b"{" + b" " * 6000 + b"}"]
)
def test_a_body_that_is_no_document_is_refused(client, host, alice, body):
    host.document = body
    assert client.ask(alice).status_code == 400


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 403, 404, 500])
def test_only_status_200_counts(client, host, alice, status):
    host.status, host.headers = status, {"Location": "https://elsewhere.example/"}
    assert client.ask(alice).status_code == 400
    assert host.fetches == 1


@pytest.mark.parametrize(
    "client_id",
    [
        "http://client.example/m.json",
        "https://client.example",
        "https://client.example/",
        "https://client.example/a/../m.json",
        "https://client.example/m.json#x",
        "https://client.example/m.json?x=1",
        "https://user:pw@client.example/m.json",
        "https://client.example:8443/m.json",
        "https://CLIENT.example/m.json",
        "https://client.example/" + "a" * 600,
        "https://[::1",
    ],
)
def test_an_id_that_is_no_plain_address_is_never_fetched(app, host, alice, client_id):
    assert (
        AiClient(app, client_id=client_id, redirect_uri="https://client.example/cb").ask(alice).status_code
        == 400
    )
    assert host.fetches == 0


def test_it_is_kept_as_long_as_its_headers_say_but_a_week_at_most(frozen_clock, client, host, alice):
    client.ask(alice)
    clock.shift(timedelta(seconds=590))
    client.ask(alice)
    assert host.fetches == 1
    clock.shift(timedelta(seconds=11))
    host.headers = {"Cache-Control": "public, max-age=99999999"}
    client.ask(alice)
    assert host.fetches == 2
    clock.shift(timedelta(days=7, seconds=1))
    client.ask(alice)
    assert host.fetches == 3


def test_a_stale_copy_serves_while_the_host_is_away(client, host, alice):
    tokens = client.connect(alice)
    clock.shift(timedelta(days=8))
    host.down = True
    assert client.ask(alice).status_code in {200, 303}
    assert client.refresh(tokens["refresh_token"]).status == 200
    host.down = False
    before = host.fetches
    client.ask(alice)
    assert host.fetches == before + 1


def test_consent_is_asked_again_when_the_document_changes(client, host, alice):
    client.connect(alice)
    assert client.ask(alice).status_code == 303
    clock.shift(timedelta(minutes=11))
    host.document = {**host.document, "client_name": "Example 2"}
    assert client.ask(alice).status_code == 200
    assert "Example 2" in alice.page


@pytest.mark.parametrize("trouble", ["down", "403"])
def test_the_big_clients_work_when_their_document_does_not_load(app, people, host, alice, trouble):
    host.down, host.status = trouble == "down", 403
    client = AiClient(app, client_id=CLAUDE, redirect_uri="https://claude.ai/api/mcp/auth_callback")
    client.ask(alice)
    assert "Claude wants to connect" in alice.page
    assert "Known client" in alice.page
    assert client.connect(alice).status == 200
    assert host.fetches == 1


@pytest.mark.parametrize("host_name", ["localhost", "127.0.0.1"])
def test_claude_code_returns_to_any_loopback_port_with_a_warning(app, people, host, alice, host_name):
    host.down = True
    client = AiClient(
        app,
        client_id="https://claude.ai/oauth/claude-code-client-metadata",
        redirect_uri=f"http://{host_name}:51234/callback",
    )
    client.ask(alice)
    assert "program on your computer" in alice.page
    assert "Known client" not in alice.page
    assert client.connect(alice).status == 200


def test_nobody_makes_us_fetch_without_end(app, host, visitor):
    for number in range(40):
        client_id = f"https://client.example/{number}.json"
        AiClient(app, client_id=client_id, redirect_uri="https://client.example/cb").ask(visitor)
    assert host.fetches <= 6
    for number in range(40):
        AiClient(
            app, client_id=f"https://c{number}.example/m.json", redirect_uri="https://client.example/cb"
        ).ask(visitor)
    assert host.fetches <= 30


def test_one_sender_leaves_room_for_others(app, people, host, visitor, alice):
    host.is_named_by_its_address = True
    for number in range(200):
        AiClient(
            app, client_id=f"https://c{number}.example/m.json", redirect_uri="https://client.example/cb"
        ).ask(visitor)
    flood = host.fetches
    assert 0 < flood <= 20
    assert (
        visitor.get(AiClient(app, client_id="https://new.example/m.json").authorize_url()).status_code == 429
    )
    alice.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    client = AiClient(app, client_id="https://new.example/m.json", redirect_uri="https://client.example/cb")
    assert client.connect(alice).status == 200


def test_addresses_of_one_ipv6_network_are_one_sender(app, host, visitor):
    for number in range(40):
        visitor.client.environ_base["REMOTE_ADDR"] = f"2001:db8::{number:x}"
        AiClient(app, client_id=f"https://c{number}.example/m.json").ask(visitor)
    assert host.fetches <= 20


def test_a_big_client_is_served_from_its_pinned_copy_while_a_flood_uses_up_the_fetches(
    app, people, host, alice
):
    for number in range(60):
        AiClient(app, client_id=f"https://claude.ai/{number}.json").ask(alice)
    client = AiClient(app, client_id=CLAUDE, redirect_uri="https://claude.ai/api/mcp/auth_callback")
    assert client.connect(alice).status == 200


@pytest.mark.parametrize(
    "listed",
    [
        {"token_endpoint_auth_method": "none"},
        {
            "token_endpoint_auth_method": "client_secret_basic",
            "token_endpoint_auth_methods_supported": ["none"],
        },
        {"token_endpoint_auth_methods_supported": ["spiffe_jwt", "private_key_jwt", "none"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"], "response_types": ["token"]},
        {"application_type": "hologram", "scope": "openid everything", "client_uri": None, "contacts": None},
    ],
)
def test_values_we_do_not_know_do_not_end_a_client_that_has_another(client, host, alice, listed):
    host.document = {**host.document, **listed}
    assert client.connect(alice).status == 200


def test_the_token_endpoint_never_fetches(client, host):
    assert client.exchange("pbc_x").error == "invalid_client"
    assert host.fetches == 0


def test_a_redirect_uri_not_in_the_document_is_refused(client, host, alice):
    assert client.ask(alice, redirect_uri="https://client.example/other").status_code == 400
    assert came_back(client.finish(alice, client.allow(alice)))["code"]
