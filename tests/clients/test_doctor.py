"""The connect doctor: what a person reads when a client did not get in, and what to do about it."""

import re

import pytest
from sqlmodel import select

from app import database
from app.oauth_server.models import AuthorizationStep
from tests.support.ai_client import AiClient
from tests.support.visitor import Visitor

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


def test_an_attempt_reads_from_the_registration_to_the_token(app, alice, client):
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
    assert "Called without a token" not in str(attempts(alice)), "nobody's, before a sign-in"


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


def test_what_a_program_did_before_a_sign_in_is_not_shown_to_whoever_shares_its_address(app, alice, client):
    """Behind one office's address, or a proxy that names no clients, are several companies."""
    program = app.test_client()
    program.post("/mcp", json={}, headers=PROGRAM)
    program.get("/.well-known/oauth-protected-resource", headers=PROGRAM)
    client.register(client_name="Contoso Bookkeeping", redirect_uris=["https://contoso.example/callback"])
    client.ask(Visitor(app), redirect_uri="https://contoso.example:8443/callback")
    client.exchange("no-code")
    assert attempts(alice) == []


def test_what_a_browser_did_before_it_signed_in_is_shown_in_that_browser_only(
    app, people, client, sign_in, code_for
):
    client.register(client_name="Cursor", redirect_uris=["https://cursor.example/callback"])
    here = Visitor(app)
    assert client.ask(here, redirect_uri="https://cursor.example:8443/callback").status_code == 400
    here.get("/login")
    here.follow(here.submit("/login/code", {"email": people.alice.email}))
    here.submit("/confirm", {"code": code_for(people.alice.email)})
    [only] = attempts(here)
    assert "Refused" in only and "https://cursor.example:8443/callback" in only
    for elsewhere in (sign_in(people.alice), sign_in(people.charlie)):
        assert attempts(elsewhere) == []


def test_a_client_that_people_of_two_companies_use_shows_neither_what_it_did_for_the_other(
    app, alice, client, sign_in, people
):
    client.connect(alice)
    charlie = sign_in(people.charlie)
    client.exchange(client.code(charlie), code_verifier="x" * 43)
    client.exchange("no-code")
    for visitor in (alice, charlie):
        assert "Refused" not in str(attempts(visitor))
    assert "Got its token" in str(attempts(alice)) and "Got its token" not in str(attempts(charlie))


def test_a_flood_of_look_ups_is_one_step(app):
    for _ in range(50):
        app.test_client().get("/.well-known/oauth-protected-resource", headers=PROGRAM)
    with database.reading() as db:
        assert len(db.exec(select(AuthorizationStep)).all()) == 1


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
