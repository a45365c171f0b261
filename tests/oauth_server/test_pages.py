"""The page of AI clients, tokens made by hand, and /debug-oauth."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import col, update

from app import clock, database
from app.accounts import passwords
from app.accounts.models import LoginSession, User
from app.oauth_server.callers import find_caller
from tests.support.ai_client import AiClient


def token_on(page):
    return re.search(r"pbp_[\w-]{43}", page)[0]


def test_it_shows_the_address_and_what_has_access(client_app, alice):
    alice.get("/ai-clients")
    assert "http://localhost:8000/mcp" in alice.page
    assert "Nothing is connected yet" in alice.page
    client_app.connect(alice)
    alice.get("/ai-clients")
    assert re.search(r">Test client</a> <span class=\"hint\">localhost<", alice.page)
    assert "Revoke" in alice.page


def test_a_flow_that_never_ended_in_a_token_is_not_listed(client_app, alice):
    client_app.code(alice)
    alice.get("/ai-clients")
    assert "Nothing is connected yet" in alice.page


def test_revoke_counts_at_once_and_only_for_ones_own(client_app, tokens, alice, people, sign_in):
    alice.get("/ai-clients")
    path = re.search(r'action="(/ai-clients/grt_\w+/revoke)"', alice.page)[1]
    for stranger in (sign_in(people.bob), sign_in(people.charlie)):
        stranger.get("/ai-clients")
        assert "Test client" not in stranger.page
        assert stranger.submit(path).status_code == 404
    assert client_app.status(tokens["access_token"]).status == 200
    assert alice.submit(path).status_code == 303
    assert client_app.status(tokens["access_token"]).status == 401
    assert client_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    alice.get("/ai-clients")
    assert "You revoked it." in alice.page


def test_a_token_made_by_hand_is_shown_once(alice):
    alice.get("/ai-clients")
    made = alice.submit("/ai-clients/tokens", {"name": "laptop", "scope": "tools:read", "days": "7"})
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    token = token_on(alice.page)
    assert find_caller(token).scopes == {"tools:read"}
    alice.get("/ai-clients")
    assert "laptop" in alice.page and token not in alice.page


@pytest.mark.parametrize(
    "changes", [{"name": ""}, {"scope": "root"}, {"days": "9999"}, {"days": "x"}, {"name": "x" * 200}]
)
def test_a_faulty_token_form_changes_nothing(alice, changes):
    alice.get("/ai-clients")
    response = alice.submit(
        "/ai-clients/tokens", {"name": "laptop", "scope": "tools:read", "days": "7", **changes}
    )
    assert response.status_code == 400
    alice.get("/ai-clients")
    assert "laptop" not in alice.page


def test_pages_need_a_sign_in(visitor):
    for path in ("/ai-clients", "/debug-oauth"):
        assert visitor.get(path).status_code == 303


def test_an_owner_reads_what_happened_without_secrets(client_app, alice, people, sign_in):
    tokens = client_app.connect(alice)
    client_app.refresh(tokens["refresh_token"])
    client_app.exchange("pbc_" + "x" * 43)
    alice.get("/debug-oauth")
    for words in (
        "registered itself",
        "asked for access",
        "Allowed on the consent page",
        "code was exchanged",
        "new access token",
        "invalid_grant",
    ):
        assert words in alice.page, words
    for secret in (
        tokens["access_token"],
        tokens["refresh_token"],
        client_app.verifier,
        client_app.challenge,
    ):
        assert secret not in alice.page
    bob, charlie = sign_in(people.bob), sign_in(people.charlie)
    assert bob.get("/debug-oauth").status_code == 403
    assert charlie.get("/debug-oauth").status_code == 200
    assert "Test client" not in charlie.page and client_app.client_id not in charlie.page


def test_an_operator_who_is_in_no_workspace_reads_all_of_it(client_app, alice, people, sign_in):
    client_app.connect(alice)
    dana = sign_in(people.dana)
    assert dana.get("/debug-oauth").status_code == 200
    assert "registered itself" in dana.page and "Allowed on the consent page" in dana.page


class TestAfterAWhile:
    """Making a token needs a sign-in of the last half hour."""

    REQUESTED = {"name": "laptop & co", "scope": "tools:write", "days": "7"}

    @pytest.fixture
    def alice(self, alice, people):
        with database.transaction() as db:
            db.exec(update(LoginSession).values(proved_at=clock.now() - timedelta(minutes=31)))
            hashed = passwords.hash_secret("lantern orbit walrus")
            db.exec(update(User).where(col(User.id) == people.alice.id).values(password_hash=hashed))
        return alice

    def ask(self, alice):
        alice.get("/ai-clients")
        return alice.submit("/ai-clients/tokens", self.REQUESTED)

    def test_the_password_is_asked_and_what_was_typed_comes_back(self, alice):
        answer = self.ask(alice)
        assert answer.status_code == 303 and "pbp_" not in alice.page
        alice.follow(answer)
        assert "Please confirm it’s you" in alice.page and 'value="alice@example.com"' in alice.page
        where = parse_qs(urlsplit(answer.headers["Location"]).query)["next"][0]
        form = {"email": "alice@example.com", "password": "wrong", "again": "1", "next": where}
        assert alice.submit("/login", form).status_code == 422 and "Please confirm it’s you" in alice.page
        back = alice.submit("/login", {**form, "password": "lantern orbit walrus"})
        assert back.headers["Location"] == where
        alice.get(where)
        assert 'value="laptop & co"' in alice.page and '<option value="tools:write" selected>' in alice.page
        assert '<option value="7" selected>' in alice.page
        assert alice.submit("/ai-clients/tokens", self.REQUESTED).status_code == 200 and token_on(alice.page)

    def test_a_mailed_code_does_too(self, app, alice):
        alice.follow(self.ask(alice))
        alice.follow(alice.submit("/login/code", {"email": "alice@example.com", "next": "/ai-clients"}))
        digits = re.search(r"code is (\d{6})", app.extensions["mailer"].letters()[0].text)[1]
        assert alice.submit("/confirm", {"code": digits}).headers["Location"] == "/ai-clients"
        assert alice.submit("/ai-clients/tokens", self.REQUESTED).status_code == 200

    def test_other_things_stay_possible(self, alice):
        assert alice.get("/ai-clients").status_code == alice.get("/integrations").status_code == 200


class TestWithoutIt:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "DEBUG_OAUTH": "0"}

    def test_it_is_not_there_when_switched_off(self, alice, visitor):
        assert alice.get("/debug-oauth").status_code == visitor.get("/debug-oauth").status_code == 404


def test_names_a_client_chose_cannot_become_markup(app, alice):
    client = AiClient(app)
    client.register(client_name="<script>alert(1)</script>")
    client.connect(alice)
    for path in ("/ai-clients", "/debug-oauth"):
        assert "<script>alert(1)" not in alice.get(path).get_data(as_text=True)


@pytest.mark.parametrize("name", ["Via", "X-Forwarded-Host", "x-real-ip", "Forwarded"])
def test_the_debug_page_does_not_exist_through_a_proxy(people, sign_in, name):
    alice = sign_in(people.alice)
    assert alice.get("/debug-oauth", headers={name: "localhost"}).status_code == 404
    assert alice.get("/debug-oauth", environ_base={"REMOTE_ADDR": "192.168.1.7"}).status_code == 404
    assert alice.get("/debug-oauth").status_code == 200
