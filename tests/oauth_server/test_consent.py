"""The person's yes: asked once, remembered, asked again when what it covers changes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.oauth_server.models import AuthorizationCode, Client, Flow
from tests.conftest import both_databases
from tests.support.ai_client import AiClient, came_back, flow_on

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


def answer(visitor, decision, flow=None):
    return visitor.submit(
        "/oauth/authorize/submit", {"flow": flow or flow_on(visitor.page), "decision": decision}
    )


def test_the_page_says_who_asks_where_it_returns_and_what_it_may(client_app, alice):
    client_app.ask(alice)
    for words in (
        "Test client wants to connect",
        "localhost",
        "Northwind",
        "Make changes",
        "Read data",
        "alice@example.com",
    ):
        assert words in alice.page


def test_the_form_may_end_at_the_client(app, alice):
    client = AiClient(app, redirect_uri="https://client.example/cb")
    client.register()
    policy = client.ask(alice).headers["Content-Security-Policy"]
    assert "form-action 'self' https://client.example" in policy
    assert "frame-ancestors 'none'" in policy


def test_allow_is_remembered_per_person_client_and_host(app, client_app, alice, people, sign_in):
    client_app.connect(alice)
    assert client_app.ask(alice).status_code == 303
    assert client_app.ask(sign_in(people.bob)).status_code == 200
    other = AiClient(app)
    other.register()
    assert other.ask(alice).status_code == 200


def test_it_is_asked_again_for_more_scope_but_not_for_less(client_app, alice):
    client_app.connect(alice, scope="tools:read")
    assert client_app.ask(alice, scope="tools:read").status_code == 303
    assert client_app.ask(alice, scope="pos:read").status_code == 303
    assert client_app.ask(alice, scope="tools:read tools:write").status_code == 200
    client_app.connect(alice, scope="tools:read tools:write")
    assert client_app.ask(alice, scope="tools:read").status_code == 303


def test_it_is_asked_again_for_another_host(app, alice):
    client = AiClient(app, redirect_uri="https://one.example/cb")
    client.register(redirect_uris=["https://one.example/cb", "https://two.example/cb"])
    client.connect(alice)
    assert client.ask(alice).status_code == 303
    assert client.ask(alice, redirect_uri="https://two.example/cb").status_code == 200


def test_it_is_asked_again_when_the_client_changes(client_app, alice):
    client_app.connect(alice)
    with database.transaction() as db:
        db.get(Client, client_app.client_id).name = "Another name"
    assert client_app.ask(alice).status_code == 200


def test_it_is_asked_again_after_the_person_revoked_the_client(client_app, alice):
    client_app.connect(alice)
    alice.get("/ai-clients")
    grant = alice.page.split('action="/ai-clients/')[1].split("/revoke")[0]
    alice.submit(f"/ai-clients/{grant}/revoke")
    assert client_app.ask(alice).status_code == 200


def test_cancel_tells_the_client_and_is_not_remembered(client_app, alice):
    client_app.ask(alice)
    given = came_back(answer(alice, "cancel"))
    assert given["error"] == "access_denied" and given["state"] == "state-1"
    assert client_app.ask(alice).status_code == 200


def test_the_answer_needs_the_forms_token(client_app, alice):
    client_app.ask(alice)
    flow = flow_on(alice.page)
    response = alice.client.post("/oauth/authorize/submit", data={"flow": flow, "decision": "allow"})
    assert response.status_code == 400
    elsewhere = alice.submit(
        "/oauth/authorize/submit",
        {"flow": flow, "decision": "allow"},
        headers={"Origin": "https://evil.example"},
    )
    assert elsewhere.status_code == 400
    assert answer(alice, "allow", flow).status_code == 303


@pytest.mark.parametrize("decision", [None, "", "yes"])
def test_an_unclear_answer_changes_nothing(client_app, alice, decision):
    client_app.ask(alice)
    flow = flow_on(alice.page)
    assert (
        alice.submit(
            "/oauth/authorize/submit", {"flow": flow, "decision": decision} if decision else {"flow": flow}
        ).status_code
        == 400
    )
    assert answer(alice, "allow", flow).status_code == 303


# --- the flow that waits -----------------------------------------------------------------------


def test_a_flow_belongs_to_its_person_and_browser(client_app, alice, people, sign_in):
    flow = client_app.allow(alice)
    for stranger in (sign_in(people.charlie), sign_in(people.bob), sign_in(people.alice)):
        stranger.get("/integrations")
        for path in ("/integrations/complete", "/integrations/skip", "/integrations/cancel"):
            assert stranger.submit(path, {"flow": flow}).status_code == 400
        assert stranger.get(f"/integrations?flow={flow}").status_code == 400
    assert came_back(client_app.finish(alice, flow))["code"]


def test_a_flow_that_was_not_allowed_gives_no_code(client_app, alice):
    client_app.ask(alice)
    flow = flow_on(alice.page)
    alice.get("/integrations")
    assert alice.submit("/integrations/skip", {"flow": flow}).status_code == 400


def test_somebody_else_cannot_allow_it(client_app, alice, people, sign_in):
    client_app.ask(alice)
    flow = flow_on(alice.page)
    charlie = sign_in(people.charlie)
    charlie.get("/integrations")
    assert answer(charlie, "allow", flow).status_code == 400
    assert answer(charlie, "cancel", flow).status_code == 400
    assert answer(alice, "allow", flow).status_code == 303


def test_a_flow_works_once(client_app, alice):
    flow = client_app.allow(alice)
    assert client_app.finish(alice, flow).status_code == 303
    again = alice.submit("/integrations/skip", {"flow": flow})
    assert again.status_code == 400
    assert "expired or was already finished" in alice.page
    assert answer(alice, "allow", flow).status_code == 400


def test_a_flow_waits_half_an_hour(client_app, alice):
    flow = client_app.allow(alice)
    clock.shift(timedelta(minutes=29))
    assert alice.get(f"/integrations?flow={flow}").status_code == 200
    clock.shift(timedelta(minutes=2))
    assert alice.get(f"/integrations?flow={flow}").status_code == 400


@pytest.mark.parametrize("flow", ["", "flw_unknown", "x" * 3000, "ü", "a\x00b"])
def test_an_id_that_was_never_given_is_a_clear_400(client_app, alice, flow):
    client_app.ask(alice)
    assert answer(alice, "allow", flow or " ").status_code == 400
    assert answer(alice, "cancel", flow or " ").status_code == 400


@both_databases
def test_two_clicks_at_once_give_one_code(app, client_app, alice):
    flow = client_app.allow(alice)
    alice.get(f"/integrations?flow={flow}")
    cookies = [(cookie.key, cookie.value) for cookie in alice.client._cookies.values()]

    def click(_):
        browser = app.test_client()
        for name, value in cookies:
            browser.set_cookie(name, value)
        return browser.post("/integrations/skip", data={"flow": flow, "csrf_token": alice.csrf}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(click, range(8)))
    assert statuses == [303] + [400] * 7
    with database.reading() as db:
        assert len(db.exec(select(AuthorizationCode)).all()) == 1


def test_reloading_the_page_does_not_fill_the_table(client_app, alice):
    for _ in range(30):
        client_app.ask(alice)
    with database.reading() as db:
        assert len(db.exec(select(Flow)).all()) <= 20
    assert answer(alice, "allow").status_code == 303


def test_a_blocked_client_is_unknown_and_its_tokens_are_dead(client_app, alice):
    tokens = client_app.connect(alice)
    with database.transaction() as db:
        db.get(Client, client_app.client_id).blocked_at = clock.now()
    assert client_app.ask(alice).status_code == 400
    assert client_app.status(tokens["access_token"]).status == 401
    assert client_app.refresh(tokens["refresh_token"]).error == "invalid_client"
