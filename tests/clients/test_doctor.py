"""The connect doctor: what a person reads when a client did not get in, and what to do about it."""

import re

import pytest

from tests.support.ai_client import AiClient

PROGRAM = {"User-Agent": "node"}


@pytest.fixture
def client(app):
    return AiClient(app)


def attempts(visitor):
    visitor.get("/ai-clients/attempts")
    return [
        " ".join(re.sub(r"<[^>]+>", " ", each).split())
        for each in visitor.page.split('<details class="card attempt"')[1:]
    ]


def test_nothing_happened_yet_says_what_to_do(alice):
    assert attempts(alice) == []
    assert "None of your AI clients tried to connect" in alice.page


def test_an_attempt_reads_from_the_first_knock_to_the_token(app, alice, client):
    program = app.test_client()
    assert program.post("/mcp", json={}, headers=PROGRAM).status_code == 401
    program.get("/.well-known/oauth-protected-resource/mcp", headers=PROGRAM)
    program.get("/.well-known/oauth-authorization-server", headers=PROGRAM)
    client.register(client_name="Cursor")
    client.connect(alice)
    read = next(each for each in attempts(alice) if "Got its token" in each)
    assert re.search(r"Cursor .* Connected", read)
    for earlier, later in [
        ("Registered", "Opened the sign-in"),
        ("Opened the sign-in", "Allowed"),
        ("Returned to the client", "Got its token"),
    ]:
        assert read.index(earlier) < read.index(later)
    knocked = next(each for each in attempts(alice) if "Called without a token" in each)
    assert knocked.index("Looked up the sign-in") < knocked.index("Read the metadata")


def test_one_that_registers_under_the_name_it_looked_around_with_is_one_attempt(app, alice):
    program = app.test_client()
    program.get("/.well-known/oauth-protected-resource/mcp", headers=PROGRAM)
    document = {
        "client_name": "Cursor",
        "redirect_uris": ["http://localhost:3000/callback"],
        "token_endpoint_auth_method": "none",
    }
    assert program.post("/oauth/register", json=document, headers=PROGRAM).status_code == 201
    [only] = attempts(alice)
    assert "Looked up the sign-in" in only and "Registered" in only
    assert "no browser opened" in only and "Not finished" in only


def test_it_says_where_the_client_wanted_to_go_back_to(alice, client):
    client.register(client_name="Cursor", redirect_uris=["https://cursor.example/callback"])
    refused = client.ask(alice, redirect_uri="https://cursor.example:8443/callback")
    assert refused.status_code == 400
    [only] = attempts(alice)
    assert "Refused" in only
    assert (
        "asked to return to https://cursor.example:8443/callback, but is registered for https://cursor.example/callback"
        in only
    )


def test_a_code_that_was_never_fetched_is_explained(alice, client):
    client.register(client_name="Cursor")
    client.code(alice)
    [only] = attempts(alice)
    assert "the client never fetched its token" in only


def test_a_token_request_that_was_refused_is_explained(alice, client):
    client.register(client_name="Cursor")
    assert client.exchange(client.code(alice), code_verifier="x" * 43).error == "invalid_grant"
    [only] = attempts(alice)
    assert "Refused" in only and "Connect it again" in only


def test_an_attempt_after_a_success_is_another_one(alice, client):
    client.connect(alice)
    client.connect(alice)
    assert len(attempts(alice)) == 2


def test_the_attempts_of_others_are_not_shown(alice, client, sign_in, people):
    client.connect(alice)
    assert "Got its token" in attempts(alice)[0]
    for stranger in (sign_in(people.bob), sign_in(people.charlie)):
        assert "Got its token" not in str(attempts(stranger)) and "Allowed on" not in str(attempts(stranger))


def test_what_came_from_another_address_before_a_sign_in_is_not_shown(app, alice):
    app.test_client().get(
        "/.well-known/oauth-protected-resource", headers=PROGRAM, environ_base={"REMOTE_ADDR": "203.0.113.9"}
    )
    assert attempts(alice) == []
    app.test_client().get("/.well-known/oauth-protected-resource", headers=PROGRAM)
    assert len(attempts(alice)) == 1


def test_a_flood_of_look_ups_is_one_step(app, alice):
    for _ in range(50):
        app.test_client().get("/.well-known/oauth-protected-resource", headers=PROGRAM)
    [only] = attempts(alice)
    assert only.count("Looked up the sign-in") == 1


def test_the_part_of_the_page_is_sent_only_when_something_happened(alice, client):
    client.connect(alice)
    htmx = {"HX-Request": "true"}
    first = alice.get("/ai-clients/attempts", headers=htmx)
    seen = re.search(r"attempts\?seen=(\d+)", first.get_data(as_text=True))[1]
    assert alice.get(f"/ai-clients/attempts?seen={seen}", headers=htmx).status_code == 204
    client.connect(alice)
    assert alice.get(f"/ai-clients/attempts?seen={seen}", headers=htmx).status_code == 200


def test_the_page_of_ai_clients_has_it_on_first_paint(alice, client):
    alice.get("/ai-clients")
    assert "Connection attempts" in alice.page and "None of your AI clients tried to connect" in alice.page
    client.connect(alice)
    alice.get("/ai-clients")
    assert "Got its token" in alice.page and "None of your AI clients" not in alice.page
    assert '<details class="card fold" open>' not in " ".join(alice.page.split())


def test_an_attempt_that_did_not_end_well_is_open_on_the_page_of_ai_clients(alice, client):
    client.register(client_name="Cursor")
    client.code(alice)
    alice.get("/ai-clients")
    assert '<details class="card fold" open>' in " ".join(alice.page.split())
    assert "Last: Cursor, not finished" in alice.page
