"""Connecting a service, from the button to the banner, against a sandbox over real HTTP."""

import re
import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.connectors.connector import Planned
from app.errors import Unavailable
from app.hub.models import Handshake
from app.vault import store
from app.vault.models import Connection, Credential
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.support.catalogue import install
from tests.support.consent import connections_of, consent_parameters

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


def press_connect(visitor, slug="xero", **form):
    visitor.get("/integrations")
    leaving = visitor.submit(f"/integrations/{slug}", form)
    assert leaving.status_code == 303
    return leaving.headers["Location"]


@both_databases
def test_a_service_is_connected_and_the_hub_says_so(people, sign_in, connect):
    alice = sign_in(people.alice)
    page = connect(alice, "xero", "demo")
    assert page.request.url.endswith("/integrations?connected=xero")
    assert "Xero connected: Demo Company (AU)" in alice.page
    assert 'aria-label="Disconnect Xero"' in alice.page and 'aria-label="Xero: Read only"' in alice.page
    assert "Last synced: " in alice.page and ">Just now<" in alice.page
    [connection] = connections_of(alice, "xero")
    assert (connection["account"], connection["state"], connection["permission"]) == (
        "Demo Company (AU)",
        "connected",
        "read",
    )


def test_the_stored_tokens_are_sealed(people, sign_in, connect):
    connect(sign_in(people.alice), "xero")
    with database.reading() as db:
        [credential] = db.exec(select(Credential)).all()
    assert credential.access_token_sealed.startswith("v1:") and credential.refresh_token_sealed.startswith(
        "v1:"
    )


def test_the_service_is_asked_with_pkce_and_a_long_state(people, sign_in):
    question = consent_parameters(press_connect(sign_in(people.alice)))
    assert question["code_challenge_method"] == "S256" and len(question["code_challenge"]) == 43
    assert (
        len(question["state"]) >= 43
        and question["redirect_uri"] == "http://localhost:8000/integrations/xero/callback"
    )
    assert "accounting.invoices" in question["scope"].split()
    with database.reading() as db:
        [handshake] = db.exec(select(Handshake)).all()
    assert question["state"] not in repr(handshake) and handshake.verifier_sealed.startswith("v1:")


def test_read_access_only_is_all_that_is_asked_when_chosen(people, sign_in):
    scopes = consent_parameters(press_connect(sign_in(people.alice), level="read"))["scope"].split()
    assert "accounting.invoices.read" in scopes and "accounting.invoices" not in scopes


def test_denying_at_the_service_is_said_in_words(people, sign_in, sandbox, connect):
    alice = sign_in(people.alice)
    back = alice.get(sandbox.deny(press_connect(alice)))
    assert back.headers["Location"] == "/integrations?denied=xero"
    alice.follow(back)
    assert "You didn't allow access at Xero. Nothing was connected." in alice.page
    assert "tick everything you want AI clients to use" in alice.page
    assert "failed" not in alice.page and 'role="alert"' not in alice.page
    connect(alice, "xero")
    assert "Xero connected: " in alice.page


def test_a_failure_banner_never_repeats_what_the_address_says(people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/integrations?failed=xero&error=call_us_now&error_description=call+0900")
    assert "Xero connection failed. Please try again." in alice.page and "0900" not in alice.page


def test_a_service_that_asks_to_slow_down_says_when_to_come_back(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    callback = sandbox.approve(press_connect(alice))
    sandbox.lever("xero", "rate_limit", times=1, retry_after=40)
    alice.follow(alice.get(callback))
    assert "Xero is rate limiting us. Please try again in 40 seconds." in alice.page


@pytest.mark.parametrize("fault", ["fail", "drop", "cut"])
def test_a_service_that_fails_during_the_exchange_leaves_nothing_behind(
    people, sign_in, sandbox, connect, fault
):
    alice = sign_in(people.alice)
    callback = sandbox.approve(press_connect(alice))
    sandbox.lever("xero", fault, times=1)
    alice.follow(alice.get(callback))
    assert "Xero connection failed. Please try again." in alice.page
    assert connections_of(alice, "xero") == []
    connect(alice, "xero")
    assert len(connections_of(alice, "xero")) == 1


def test_reloading_the_callback_changes_nothing_and_says_the_same(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    callback = sandbox.approve(press_connect(alice))
    answers = [alice.get(callback) for _ in range(3)]
    assert {(a.status_code, a.headers["Location"]) for a in answers} == {
        (303, "/integrations?connected=xero")
    }
    assert len(connections_of(alice, "xero")) == 1
    assert sandbox.log("xero")["exchanges"] == 1


@both_databases
def test_two_callbacks_at_once_spend_the_code_once(people, app, sign_in, sandbox):
    alice = sign_in(people.alice)
    callback = sandbox.approve(press_connect(alice))
    cookie = alice.client.get_cookie("session")
    statuses = []

    def go():
        browser = app.test_client()
        browser.set_cookie("session", cookie.value)
        statuses.append(browser.get(callback).status_code)

    threads = [threading.Thread(target=go) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert statuses == [303] * 8
    assert sandbox.log("xero")["exchanges"] == 1 and len(connections_of(alice, "xero")) == 1


def test_the_callback_must_come_back_in_the_same_browser(people, sign_in, sandbox):
    alice, elsewhere, bob = sign_in(people.alice), sign_in(people.alice), sign_in(people.bob)
    callback = sandbox.approve(press_connect(alice))
    for stranger in (elsewhere, bob):
        answer = stranger.get(callback)
        assert answer.status_code == 400 and "another browser" in stranger.page
    assert sandbox.log("xero")["exchanges"] == 0
    assert alice.get(callback).headers["Location"] == "/integrations?connected=xero"


def test_a_mailbox_starts_as_its_owners_alone_and_books_as_the_teams(people, sign_in, connect):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    connect(alice, "gmail")
    connect(alice, "xero")
    assert "Only you" in alice.page and "Shared with the team" in alice.page
    assert connections_of(bob, "gmail") == [] and len(connections_of(bob, "xero")) == 1


def test_what_one_person_opens_to_two_workspaces_does_not_mix(people, sign_in, connect):
    with database.transaction() as db:
        db.add(
            Membership(
                workspace_id=people.contoso.id, user_id=people.bob.id, role="admin", created_at=clock.now()
            )
        )
    bob = sign_in(people.bob)

    def organisations():
        with database.reading() as db:
            rows = db.exec(select(Connection)).all()
        return {row.workspace_id: sorted(business["name"] for business in row.businesses) for row in rows}

    both = ["Demo Company (AU)", "Harbour Street Trading"]
    connect(bob, "xero", "both")
    assert organisations() == {people.northwind.id: both}
    bob.submit("/workspace", {"workspace": people.contoso.id})
    connect(bob, "xero", "demo")
    assert organisations() == {people.northwind.id: both, people.contoso.id: ["Demo Company (AU)"]}
    bob.submit("/integrations/xero/test")
    bob.submit("/workspace", {"workspace": people.northwind.id})
    bob.submit("/integrations/xero/test")
    assert organisations() == {people.northwind.id: both, people.contoso.id: ["Demo Company (AU)"]}


def test_somebody_who_signed_out_meanwhile_is_not_sent_on_with_the_code(people, sign_in, visitor, sandbox):
    callback = sandbox.approve(press_connect(sign_in(people.alice)))
    answer = visitor.get(callback)
    assert answer.headers["Location"] == "/login?next=%2Fintegrations"


def test_a_state_of_another_service_is_worth_nothing(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    callback = sandbox.approve(press_connect(alice, "xero"))
    answer = alice.get(callback.replace("/xero/", "/gmail/"))
    assert answer.status_code == 400
    assert sandbox.log("gmail")["exchanges"] == sandbox.log("xero")["exchanges"] == 0
    assert alice.get(callback).status_code == 303


def test_a_sign_in_takes_at_most_ten_minutes(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    callback = sandbox.approve(press_connect(alice))
    clock.shift(timedelta(minutes=11))
    assert alice.get(callback).status_code == 400
    assert "expired" in alice.page


def test_an_answer_from_another_issuer_is_not_used(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    callback = sandbox.approve(press_connect(alice))
    alice.follow(alice.get(callback + "&iss=https%3A%2F%2Fevil.example"))
    assert "did not come from Xero" in alice.page
    assert sandbox.log("xero")["exchanges"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?code=x",
        "?state=",
        "?state=%00&code=%00",
        "?state=a&state=b&code=c",
        "?error=access_denied",
        "?state=" + "x" * 5000,
    ],
)
def test_a_callback_that_makes_no_sense_is_a_friendly_page(people, sign_in, query):
    alice = sign_in(people.alice)
    assert alice.get("/integrations/xero/callback" + query).status_code == 400
    assert "Xero connection failed. Please try again." in alice.page and "Nothing was changed" in alice.page
    assert 'aria-label="Connect Xero"' in alice.page


@pytest.mark.parametrize(("slug", "status"), [("later", 409), ("nothing", 404), ("..", 404)])
def test_what_cannot_be_connected_says_why(people, sign_in, slug, status, monkeypatch):
    install(Planned("later", "Later", "Not yet"), monkeypatch=monkeypatch)
    alice = sign_in(people.alice)
    alice.get("/integrations")
    answer = alice.submit(f"/integrations/{slug}")
    assert answer.status_code == status and 'role="alert"' in answer.text


class TestWithoutCredentials:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "SANDBOX": "0"}

    def test_a_service_is_not_configured(self, people, sign_in):
        alice = sign_in(people.alice)
        alice.get("/integrations")
        assert "Not configured" in alice.page
        assert alice.submit("/integrations/xero").status_code == 409


def test_the_same_account_connected_again_stays_one_connection(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero", "demo")
    [before] = connections_of(alice, "xero")
    connect(alice, "xero", "demo")
    assert [c["id"] for c in connections_of(alice, "xero")] == [before["id"]]


def test_another_account_is_a_connection_of_its_own(people, sign_in, connect, sandbox):
    alice = sign_in(people.alice)
    first, second = sandbox.companies(press_connect(alice, "gmail"))[:2]
    connect(alice, "gmail", first)
    connect(alice, "gmail", second)
    accounts = [c["account"] for c in connections_of(alice, "gmail")]
    assert len(set(accounts)) == 2
    assert all(
        re.search(f'aria-label="Disconnect Gmail: {re.escape(account)}"', alice.page) for account in accounts
    )


def test_tokens_survive_a_database_that_goes_away_before_they_are_stored(
    people, sign_in, connect, monkeypatch
):
    """The service spent the code: what it gave for it must not be lost to a moment without a database."""
    tried, put = [], store.connect

    def away_twice(db, **given):
        connection = put(db, **given)
        tried.append(1)
        if len(tried) <= 2:
            raise Unavailable()
        return connection

    monkeypatch.setattr(store, "connect", away_twice)
    alice = sign_in(people.alice)
    connect(alice, "xero", "demo")
    assert "Xero connected: Demo Company (AU)" in alice.page
    assert len(tried) == 3 and len(connections_of(alice, "xero")) == 1
