"""Connecting by a form: a key or credentials filled in here, checked with the service, kept sealed."""

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.hub.models import Handshake
from app.vault import links
from app.vault.models import Connection, Credential
from tests.conftest import both_databases
from tests.support.ai_client import AiClient
from tests.support.consent import connections_of

BYRD, HARBOUR = "rk_test_sandbox_byrd", "rk_test_sandbox_harbour"


def hidden(visitor, name):
    return re.search(rf'name="{name}" value="([^"]*)"', visitor.page)[1]


def press_connect(visitor, slug="stripe", **form):
    visitor.get("/integrations")
    answer = visitor.submit(f"/integrations/{slug}", form)
    assert answer.status_code == 200, answer.text
    return answer


def fill_in(visitor, slug="stripe", **values):
    """Send the form on the page, with its own values unless others are given."""
    own = dict(re.findall(r'<input id="blank-\w+" name="(\w+)" type="\w+" value="([^"]*)"', visitor.page))
    fixed = {
        "state": hidden(visitor, "state"),
        "way": re.findall(r'name="way" value="([^"]*)">\n', visitor.page)[-1],
    }
    return visitor.submit(f"/integrations/{slug}/keys", {**own, **fixed, **values})


def connect(visitor, slug="stripe", **values):
    press_connect(visitor, slug)
    answer = fill_in(visitor, slug, **values)
    assert answer.status_code == 303, answer.text
    visitor.follow(answer)


def test_the_form_comes_filled_with_what_the_sandbox_takes(people, sign_in):
    alice = sign_in(people.alice)
    press_connect(alice)
    assert "Restricted API key" in alice.page and f'value="{BYRD}"' in alice.page
    assert re.search(r'<button class="button primary[^>]*>Connect Stripe</button>', alice.page)
    assert alice.page.count(">Connect Stripe</button>") == 1
    assert 'href="https://dashboard.stripe.com/apikeys"' in alice.page
    with database.reading() as db:
        assert not db.exec(select(Connection)).all()


@both_databases
def test_a_pasted_key_connects_and_is_sealed(people, sign_in):
    alice = sign_in(people.alice)
    connect(alice)
    assert "Stripe connected: Byrd Ltd (test mode)" in alice.page
    [connection] = connections_of(alice, "stripe")
    assert (connection["state"], connection["permission"]) == ("connected", "read")
    with database.reading() as db:
        [credential] = db.exec(select(Credential)).all()
        assert BYRD not in repr(credential.model_dump()) and credential.access_token_sealed.startswith("v1:")
    assert alice.submit("/integrations/stripe/permission", {"level": "write"}).status_code == 303
    assert connections_of(alice, "stripe")[0]["permission"] == "write"


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "Please fill in: Restricted API key."),
        ("pk_test_51Nothing", "A publishable key (pk_…) may not read anything."),
        ("rk_test with blanks", "spaces or characters that don't belong"),
        ("rk_test_" + "x" * 20_000, "too long"),
        ("rk_test_unknown_key", "Stripe does not accept this key. Copy it again from Stripe"),
    ],
)
def test_a_key_that_cannot_be_used_is_said_beside_its_line(people, sign_in, sandbox, key, sentence):
    alice = sign_in(people.alice)
    press_connect(alice)
    answer = fill_in(alice, api_key=key)
    assert answer.status_code == 422 and sentence in alice.page
    assert 'aria-invalid="true"' in alice.page and 'role="alert"' in alice.page
    assert not key or key not in alice.page
    assert connections_of(alice, "stripe") == []
    press = fill_in(alice, api_key=f"  {BYRD}\n")
    assert press.status_code == 303


def test_a_service_that_is_away_is_said_and_the_form_stays(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    press_connect(alice)
    sandbox.lever("stripe", "fail", status=503, body="html", times=9)
    assert fill_in(alice).status_code == 502
    assert "Stripe is having trouble right now" in alice.page
    sandbox.lever("stripe", "clear")
    assert fill_in(alice).status_code == 303


def test_a_key_that_may_do_everything_is_taken_with_a_warning(people, sign_in):
    alice = sign_in(people.alice)
    connect(alice, api_key="sk_test_sandbox_byrd")
    assert "Stripe connected: " in alice.page and "A restricted key is safer" in alice.page


def test_sending_it_twice_connects_once(people, sign_in):
    alice = sign_in(people.alice)
    press_connect(alice)
    page = alice.page
    first = fill_in(alice)
    alice.page = page
    assert fill_in(alice).headers["Location"] == first.headers["Location"] == "/integrations?connected=stripe"
    assert len(connections_of(alice, "stripe")) == 1


def test_reconnecting_keeps_the_connection_and_refuses_another_account(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    connect(alice)
    [before] = connections_of(alice, "stripe")
    alice.submit("/integrations/stripe/label", {"label": "Main"})
    press_connect(alice, connection=before["id"])
    assert ">Reconnect Stripe</button>" in alice.page
    assert fill_in(alice, api_key=HARBOUR).status_code == 409
    assert "You chose a different Stripe account" in alice.page
    assert fill_in(alice).status_code == 303
    [after] = connections_of(alice, "stripe")
    assert (after["id"], after["label"]) == (before["id"], "Main")


def test_a_rolled_key_shows_why_on_the_card(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    connect(alice)
    sandbox.lever("stripe", "roll_keys")
    alice.submit("/integrations/stripe/test")
    [connection] = connections_of(alice, "stripe")
    assert connection["state"] == "reconnect_needed"
    assert "no longer accepts the key of this connection" in connection["last_error"]
    alice.get("/integrations")
    assert 'aria-label="Reconnect Stripe"' in alice.page


def test_disconnecting_says_what_is_left_at_the_service(people, sign_in):
    alice = sign_in(people.alice)
    connect(alice)
    alice.follow(alice.submit("/integrations/stripe/disconnect"))
    assert "Stripe disconnected. The key itself still works: delete it in Stripe" in alice.page
    with database.reading() as db:
        assert not db.exec(select(Credential)).all()


def test_another_way_in_is_a_choice_on_the_page(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    press_connect(alice)
    assert ">Sign in at Stripe</button>" in alice.page
    leaving = alice.submit("/integrations/stripe/way", {"state": hidden(alice, "state"), "way": "oauth"})
    assert leaving.status_code == 303 and "/stripe/oauth/v2/authorize" in leaving.headers["Location"]
    alice.follow(alice.get(sandbox.approve(leaving.headers["Location"])))
    assert "Stripe connected: Byrd Ltd" in alice.page


def test_a_form_belongs_to_its_browser_and_its_hour(people, sign_in):
    alice, elsewhere, bob = sign_in(people.alice), sign_in(people.alice), sign_in(people.bob)
    press_connect(alice)
    state = hidden(alice, "state")
    for stranger in (elsewhere, bob):
        stranger.get("/integrations")
        answer = stranger.submit("/integrations/stripe/keys", {"state": state, "way": "key", "api_key": BYRD})
        assert answer.status_code == 400 and "another browser" in stranger.page
    clock.shift(timedelta(minutes=61))
    assert fill_in(alice).status_code == 400
    with database.reading() as db:
        assert not db.exec(select(Connection)).all()


def test_in_a_flow_it_comes_back_to_the_flow(app, people, sign_in):
    alice, client = sign_in(people.alice), AiClient(app)
    client.register()
    flow_id = client.allow(alice)
    alice.get(f"/integrations?flow={flow_id}")
    alice.submit("/integrations/stripe", {"flow": flow_id})
    assert f"/integrations?flow={flow_id}" in alice.page
    back = fill_in(alice)
    assert back.headers["Location"] == f"/integrations?flow={flow_id}&connected=stripe"
    alice.follow(back)
    assert "Stripe connected: " in alice.page and "1 service connected" in alice.page


def test_a_link_from_a_chat_leads_to_the_form_and_back(people, sign_in):
    alice = sign_in(people.alice)
    with database.transaction() as db:
        link = links.create(
            db,
            workspace_id=people.northwind.id,
            user_id=people.alice.id,
            slug="stripe",
            wants="write",
            client_name="Claude",
        )
    alice.get(f"/integrations/connect/{link}")
    assert "Next, enter your Stripe key. Claude never sees it." in alice.page
    assert alice.submit(f"/integrations/connect/{link}").status_code == 200
    alice.follow(fill_in(alice))
    assert "Go back to Claude and ask again. It works now." in alice.page
    assert connections_of(alice, "stripe")[0]["permission"] == "write"


def test_the_trip_keeps_no_secret(people, sign_in):
    alice = sign_in(people.alice)
    connect(alice)
    with database.reading() as db:
        [handshake] = db.exec(select(Handshake)).all()
    assert BYRD not in repr(handshake.model_dump())


def test_a_form_cannot_be_tried_without_end(people, sign_in):
    alice = sign_in(people.alice)
    press_connect(alice)
    answers = [fill_in(alice, api_key="rk_test_unknown_key").status_code for _ in range(31)]
    assert answers == [422] * 30 + [429]
    assert "tried too often" in alice.page


def test_a_client_id_and_secret_connect_and_the_secret_is_not_shown_again(people, sign_in):
    alice = sign_in(people.alice)
    press_connect(alice, "servicefusion")
    assert alice.page.count(">Connect ServiceFusion</button>") == 1
    assert fill_in(alice, "servicefusion", client_id="sandbox", client_secret="mistyped").status_code == 422
    assert (
        "ServiceFusion does not accept this client id and secret." in alice.page
        and "mistyped" not in alice.page
    )
    answer = fill_in(alice, "servicefusion", client_id="sandbox", client_secret="sandbox")
    alice.follow(answer)
    assert "ServiceFusion connected: dana@reedhvac.example" in alice.page
    with database.reading() as db:
        [credential] = db.exec(select(Credential)).all()
    assert credential.key_sealed.startswith("v1:") and credential.expires_at is not None
