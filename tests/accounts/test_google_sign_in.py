"""Signing in with Google: who gets in, as whom, and what is refused."""

import base64
import hmac
import json
import re
from types import SimpleNamespace

import pytest
from joserfc import jwt
from sqlmodel import select, update

from app import clock, config, database, jwks
from app.accounts import google_provider, google_tokens
from app.accounts.models import GoogleAttempt, GoogleIdentity, LoginSession, User
from app.errors import ConfigError
from app.workspaces.models import Membership, Workspace
from tests.accounts.steps import is_signed_in
from tests.conftest import both_databases
from tests.support.ai_client import AiClient
from tests.support.google_identity import ALICE, CLIENT_ID, CLIENT_SECRET, new_key
from tests.support.google_identity import GoogleIdentity as Google
from tests.support.visitor import Visitor

ZOE = {"sub": "2002", "email": "zoe.new@gmail.com", "name": "Zoe New"}


@pytest.fixture
def google(monkeypatch):
    running = Google()
    # the pause between two fetches of keys does not end during a test
    monkeypatch.setattr(jwks, "time", SimpleNamespace(monotonic=lambda: 1_000.0))
    jwks.forget()
    yield running
    running.close()


@pytest.fixture
def environ(environ, google):
    return {**environ, **google.settings}


def leave(visitor, next_path="", **form):
    visitor.get("/login" + (f"?next={next_path}" if next_path else ""))
    answer = visitor.submit("/login/google", {**({"next": next_path} if next_path else {}), **form})
    assert answer.status_code == 303, visitor.page
    return answer.headers["Location"]


@pytest.fixture
def through(google):
    """`through(visitor, ALICE)`: to Google and back; returns the response to the callback."""

    def _through(visitor, account, next_path="", **faults):
        return visitor.get(google.approve(leave(visitor, next_path), account, **faults))

    return _through


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def rows(table):
    with database.reading() as db:
        return list(db.exec(select(table)))


# --- coming in ----------------------------------------------------------------------------------


def test_the_button_is_there_where_google_is_set_up(visitor):
    for page in ("/login", "/register"):
        answer = visitor.get(page)
        assert "Continue with Google" in answer.text
        assert "form-action 'self' http://127.0.0.1:" in answer.headers["Content-Security-Policy"]


@both_databases
def test_somebody_known_comes_in_and_the_account_is_linked_once(people, visitor, through, app, mailbox):
    assert through(visitor, ALICE).headers["Location"] == "/integrations"
    assert is_signed_in(visitor) and "alice@example.com" in visitor.page
    assert [(each.subject, each.user_id) for each in rows(GoogleIdentity)] == [("1001", "usr_alice")]
    assert mailbox("alice@example.com")[0].subject == "Google now signs in to your Patchbay account"
    through(Visitor(app), ALICE)
    assert len(mailbox("alice@example.com")) == 1 and len(rows(GoogleIdentity)) == 1


def test_the_subject_counts_from_then_on_not_the_address(people, app, visitor, through):
    through(visitor, ALICE)
    moved = Visitor(app)
    through(moved, ALICE, email="alice.married@elsewhere.example", hd=None)
    assert "alice@example.com" in moved.get("/account").text
    other = Visitor(app)
    assert (
        through(other, {**ALICE, "sub": "9999", "email": "zoe.new@gmail.com", "hd": None})
        .headers["Location"]
        .startswith("/register/google")
    )
    assert not is_signed_in(other)


@both_databases
def test_somebody_new_is_asked_for_their_company_only(visitor, through):
    answer = through(visitor, ZOE)
    page = visitor.follow(answer).text
    assert "Welcome, Zoe New" in page and "zoe.new@gmail.com" in page and 'name="password"' not in page
    request = answer.headers["Location"].partition("request=")[2]
    assert rows(User) == [] and not is_signed_in(visitor)
    visitor.get(answer.headers["Location"])
    assert visitor.submit("/register/google", {"request": request, "company": " "}).status_code == 422
    assert (
        visitor.submit("/register/google", {"request": request, "company": "Zoe & Sons"}).headers["Location"]
        == "/integrations"
    )
    assert "<dd>Zoe &amp; Sons</dd>" in visitor.get("/account").text
    [zoe] = rows(User)
    assert (zoe.email, zoe.name, zoe.password_hash) == ("zoe.new@gmail.com", "Zoe New", None)
    assert [(each.role) for each in rows(Membership)] == ["owner"]
    assert (
        visitor.submit("/register/google", {"request": request, "company": "Again"}).headers["Location"]
        == "/integrations"
    )
    assert len(rows(Workspace)) == 1


def test_where_the_person_was_going_is_kept(people, app, visitor, through):
    assert through(visitor, ALICE, "/memory").headers["Location"] == "/memory"
    assert through(Visitor(app), ALICE, "//evil.example").headers["Location"] == "/integrations"


def test_an_ai_clients_authorization_goes_on_through_google(app, visitor, google):
    client = AiClient(app)
    assert client.register().status == 201
    to_login = visitor.get(client.authorize_url()).headers["Location"]
    visitor.get(to_login)
    next_path = re.search(r'name="next" value="([^"]+)"', visitor.page)[1]
    away = visitor.submit("/login/google", {"next": next_path}).headers["Location"]
    back = visitor.get(google.approve(away, ZOE))
    request = back.headers["Location"].partition("request=")[2]
    visitor.get(back.headers["Location"])
    on = visitor.submit("/register/google", {"request": request, "company": "Zoe"})
    assert on.headers["Location"] == next_path
    assert "wants to connect" in visitor.follow(on).text


def test_somebody_invited_joins_and_makes_no_company(people, app, visitor, through, sign_in, mailbox):
    alice = sign_in(people.alice)
    alice.get("/team")
    alice.submit("/team/invitations", {"email": ZOE["email"], "role": "member"})
    link = re.search(r"/invitations/\S+", mailbox(ZOE["email"])[0].text)[0]
    visitor.get(link)
    back = through(visitor, ZOE, "/invitations")
    page = visitor.follow(back).text
    assert "Create one to accept your invitation" in page and 'name="company"' not in page
    request = back.headers["Location"].partition("request=")[2]
    visitor.follow(visitor.submit("/register/google", {"request": request}))
    visitor.submit(link)
    assert "<dd>Northwind</dd>" in visitor.get("/account").text
    assert len(rows(Workspace)) == 2


def test_somebody_signed_in_proves_with_google_that_it_is_them(people, google, sign_in):
    alice = sign_in(people.alice)
    alice.get("/login?again=1&next=/account")
    assert "Continue with Google" in alice.page
    away = alice.submit("/login/google", {"again": "1", "next": "/account"}).headers["Location"]
    assert "prompt=select_account" in away
    assert alice.get(google.approve(away, ALICE)).headers["Location"] == "/account"
    assert len(rows(LoginSession)) == 1, "the session before is replaced"


def test_a_linked_account_is_shown_and_unlinked(people, app, visitor, through):
    through(visitor, ALICE)
    assert "Unlink Google" in visitor.get("/account").text
    assert visitor.submit("/account/google/unlink").headers["Location"] == "/account"
    assert "Unlink Google" not in visitor.get("/account").text and rows(GoogleIdentity) == []
    assert is_signed_in(visitor)


# --- addresses Google only heard of --------------------------------------------------------------


@pytest.mark.parametrize(
    "account",
    [
        {"sub": "31", "email": "bob@example.com"},
        {"sub": "32", "email": "bob@example.com", "hd": "other.example"},
    ],
)
def test_an_address_google_does_not_keep_is_proved_by_a_mailed_code(
    people, app, visitor, through, mailbox, account
):
    answer = through(visitor, account)
    assert answer.headers["Location"].startswith("/login/google/confirm?request=cod_")
    assert not is_signed_in(visitor) and rows(GoogleIdentity) == []
    request = answer.headers["Location"].partition("request=")[2]
    visitor.get(answer.headers["Location"])
    digits = re.search(r"code is (\d{6})", mailbox("bob@example.com")[0].text)[1]
    wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
    assert visitor.submit("/login/google/confirm", {"request": request, "code": wrong}).status_code == 422
    assert not is_signed_in(visitor)
    visitor.get(answer.headers["Location"])
    assert (
        visitor.submit("/login/google/confirm", {"request": request, "code": digits}).headers["Location"]
        == "/integrations"
    )
    assert "bob@example.com" in visitor.get("/account").text
    assert through(Visitor(app), account).headers["Location"] == "/integrations", (
        "from now on Google is enough"
    )


def test_known_and_unknown_addresses_look_the_same_before_the_code(people, app, through):
    pages = []
    for email in ("bob@example.com", "nobody@example.com"):
        visitor = Visitor(app)
        page = (
            visitor.follow(through(visitor, {"sub": email, "email": email}))
            .get_data(as_text=True)
            .replace(email, "ADDRESS")
        )
        pages.append(
            [line for line in page.splitlines() if not re.search(r'csrf|name="request"|nonce', line)]
        )
    assert pages[0] == pages[1]


def test_somebody_new_with_such_an_address_makes_an_account_after_the_code(app, visitor, through, mailbox):
    account = {"sub": "77", "email": "new@corp.example"}
    answer = through(visitor, account)
    request = answer.headers["Location"].partition("request=")[2]
    visitor.get(answer.headers["Location"])
    digits = re.search(r"code is (\d{6})", mailbox("new@corp.example")[0].text)[1]
    on = visitor.submit("/login/google/confirm", {"request": request, "code": digits})
    assert on.headers["Location"].startswith("/register/google?request=goo_")
    visitor.get(on.headers["Location"])
    made = visitor.submit(
        "/register/google", {"request": on.headers["Location"].partition("request=")[2], "company": "Corp"}
    )
    assert made.headers["Location"] == "/integrations" and is_signed_in(visitor)


def test_the_company_page_does_not_replace_the_code(app, visitor, through):
    through(visitor, {"sub": "77", "email": "new@corp.example"})
    [attempt] = rows(GoogleAttempt)
    assert visitor.get(f"/register/google?request={attempt.id}").status_code == 303
    assert visitor.submit("/register/google", {"request": attempt.id, "company": "Corp"}).status_code == 303
    assert rows(User) == []


# --- what is refused ----------------------------------------------------------------------------

BAD_CLAIMS = {
    "another client's token": {"aud": "somebody-else.apps.googleusercontent.com"},
    "a second audience": {"aud": [CLIENT_ID, "somebody-else.apps.googleusercontent.com"]},
    "no audience in a list": {"aud": []},
    "our audience twice": {"aud": [CLIENT_ID, CLIENT_ID]},
    "an authorized party that is no text": {"azp": [CLIENT_ID]},
    "another authorized party": {"azp": "somebody-else.apps.googleusercontent.com"},
    "another issuer": {"iss": "https://accounts.evil.example"},
    "no issuer": {"iss": None},
    "another nonce": {"nonce": "replayed"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1_000_000},
    "no expiry": {"exp": None},
    "from the future": {"iat": 99_999_999_999},
    "an address that is not verified": {"email_verified": False},
    "verified as a word": {"email_verified": "true"},
    "nothing about verification": {"email_verified": None},
    "no address": {"email": None},
    "an address that is none": {"email": "alice"},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 1001},
}


@pytest.mark.parametrize("fault", BAD_CLAIMS)
def test_a_token_that_is_not_for_us_now_lets_nobody_in(people, app, visitor, through, fault):
    refused = through(visitor, ALICE, **BAD_CLAIMS[fault])
    assert refused.status_code == 422 and 'role="alert"' in refused.text and not is_signed_in(visitor)
    assert rows(GoogleIdentity) == []
    assert through(Visitor(app), ALICE).headers["Location"] == "/integrations"


@pytest.mark.parametrize("forger", ["another key", "the public key as a secret", "no signature"])
def test_a_token_google_did_not_sign_lets_nobody_in(people, app, visitor, google, forger, monkeypatch):
    def forge(claims):
        if forger == "another key":
            return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, new_key("k1"))
        alg = "none" if forger == "no signature" else "HS256"
        signed = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": alg, "kid": "k1"}, claims))
        mac = hmac.digest(google.key.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{encoded(mac) if alg == 'HS256' else ''}"

    with monkeypatch.context() as patch:
        patch.setattr(google, "sign", forge)
        refused = visitor.get(google.approve(leave(visitor), ALICE))
    assert refused.status_code == 422 and not is_signed_in(visitor)
    assert visitor.get(google.approve(leave(visitor), ALICE)).headers["Location"] == "/integrations"


def test_an_answer_counts_once_in_the_browser_that_asked(people, app, visitor, google):
    back = google.approve(leave(visitor), ALICE)
    other = Visitor(app)
    assert "another browser" in other.get(back).text and not is_signed_in(other)
    leave(other)
    assert other.get(back).status_code == 400, "a holder cookie of its own does not help"
    assert visitor.get(back).headers["Location"] == "/integrations"
    assert visitor.get(back).headers["Location"] == "/integrations", "reloading while signed in is no error"
    visitor.submit("/logout")
    assert visitor.get(back).status_code == 400


def test_another_trips_code_does_not_fit(people, app, visitor, google):
    """A code injected into somebody's callback: verifier and nonce belong to another attempt."""
    attackers = google.approve(leave(Visitor(app)), {**ALICE, "sub": "666"})
    mine = google.approve(leave(visitor), ALICE)
    code, state = re.search(r"code=([^&]+)", attackers)[1], re.search(r"state=([^&]+)", mine)[1]
    assert visitor.get(f"/login/google/callback?state={state}&code={code}").status_code == 422
    assert not is_signed_in(visitor)


def test_an_answer_comes_within_ten_minutes(people, visitor, google):
    back = google.approve(leave(visitor), ALICE)
    with database.transaction() as db:
        db.exec(update(GoogleAttempt).values(expires_at=clock.now()))
    assert visitor.get(back).status_code == 400 and not is_signed_in(visitor)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "state=unknown&code=x",
        "state=" + "x" * 5000,
        "error=access_denied",
        "state=%00&code=%00",
    ],
)
def test_an_answer_to_nothing_is_a_sentence(visitor, query):
    answer = visitor.get("/login/google/callback?" + query)
    assert answer.status_code == 400 and "Start again" in answer.text


def test_saying_no_at_google_leads_back_with_a_sentence(people, visitor, google):
    state = re.search(r"state=([^&]+)", leave(visitor, "/memory"))[1]
    page = visitor.get(
        f"/login/google/callback?state={state}&error=access_denied&error_description=%3Cscript%3E"
    )
    assert (
        page.status_code == 400
        and "Google didn&#39;t sign you in" in page.text
        and "<script>" not in page.text.replace("<script nonce", "")
    )
    assert 'name="next" value="/memory"' in page.text


def test_an_answer_of_another_server_is_refused(people, visitor, google):
    back = google.approve(leave(visitor), ALICE)
    assert visitor.get(back.partition("&iss=")[0] + "&iss=https%3A%2F%2Fevil.example").status_code == 422
    assert "token" not in google.requests, "its code is never sent to Google"


def test_somebody_disabled_stays_out(people, app, visitor, through):
    through(visitor, ALICE)
    with database.transaction() as db:
        db.get_one(User, "usr_alice").disabled_at = clock.now()
    refused = through(Visitor(app), ALICE)
    assert refused.status_code == 403 and "is disabled" in refused.text
    with database.transaction() as db:
        db.get_one(User, "usr_bob").disabled_at = clock.now()
    assert (
        through(Visitor(app), {"sub": "5", "email": "bob@example.com", "hd": "example.com"}).status_code
        == 403
    )


# --- Google in trouble ---------------------------------------------------------------------------


def test_keys_are_asked_once_and_a_new_one_is_found(people, app, google, through):
    for _ in range(3):
        through(Visitor(app), ALICE)
    assert google.requests.count("keys") == 1
    google.rotate()
    assert through(Visitor(app), ALICE).headers["Location"] == "/integrations"
    assert google.requests.count("keys") == 2


def test_unknown_keys_do_not_make_us_ask_again_and_again(people, app, google, through):
    through(Visitor(app), ALICE)
    google.key = new_key("k99")
    for _ in range(4):
        assert through(Visitor(app), ALICE).status_code == 422
    assert google.requests.count("keys") == 2


def test_keys_that_are_kept_carry_over_an_outage(people, app, google, through):
    through(Visitor(app), ALICE)
    google.keys_status = 500
    assert through(Visitor(app), ALICE).headers["Location"] == "/integrations"


@pytest.mark.parametrize("trouble", ["token", "keys", "gone"])
def test_when_google_is_away_nobody_comes_in_unverified(people, visitor, google, trouble):
    back = google.approve(leave(visitor), ALICE)
    if trouble == "gone":
        google.close()
    else:
        setattr(google, "status" if trouble == "token" else "keys_status", 503)
    page = visitor.get(back)
    assert page.status_code == 503 and "Google is unavailable" in page.text and not is_signed_in(visitor)


def test_no_transaction_is_open_while_google_is_asked(people, visitor, google, monkeypatch):
    back = google.approve(leave(visitor), ALICE)
    held, real = [], google_tokens.outbound.send
    pool = database.current().engine.pool
    monkeypatch.setattr(
        google_tokens.outbound, "send", lambda *a, **o: held.append(pool.checkedout()) or real(*a, **o)
    )
    assert visitor.get(back).status_code == 303
    assert held == [0, 0]


# --- settings ------------------------------------------------------------------------------------


def test_nothing_of_it_is_there_without_settings(app, visitor, people):
    app.extensions["patchbay"] = config.load({**_plain(app), "ENV": "test"})
    assert "Continue with Google" not in visitor.get("/login").text
    assert visitor.submit("/login/google").status_code == 404
    assert visitor.get("/login/google/callback?state=x&code=y").status_code == 404


def _plain(app):
    settings = app.extensions["patchbay"]
    return {
        "DATABASE_URL": settings.database_url.replace("+psycopg", ""),
        "SECRET_KEY": settings.secret_key,
        "VAULT_KEYS": "t1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "INSTANCE_DIR": str(settings.instance_dir),
        "SANDBOX": "1",
    }


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"GOOGLE_SIGN_IN_CLIENT_SECRET": ""}, "GOOGLE_SIGN_IN_CLIENT_SECRET"),
        ({"GOOGLE_SIGN_IN_CLIENT_ID": ""}, "GOOGLE_SIGN_IN_CLIENT_ID"),
        ({"GOOGLE_SIGN_IN_TOKEN_URL": "nowhere"}, "GOOGLE_SIGN_IN_TOKEN_URL"),
        ({"GOOGLE_SIGN_IN_CERTS_URL": "http://a:b:c"}, "GOOGLE_SIGN_IN_CERTS_URL"),
    ],
)
def test_half_settings_stop_the_start(environ, broken, named):
    with pytest.raises(ConfigError, match=named):
        config.load({**environ, **broken})


def test_the_secret_is_shown_nowhere(people, visitor, through, settings):
    through(visitor, ALICE)
    assert CLIENT_SECRET not in visitor.get("/account").text
    assert CLIENT_SECRET not in repr(google_provider.find(settings)) + repr(settings)


def test_no_link_comes_in_by_the_name_at_google_or_the_company(visitor, through):
    answer = through(visitor, {**ZOE, "name": "Zoe https://evil.example"})
    page = visitor.follow(answer).text
    assert "evil" not in page
    request = answer.headers["Location"].partition("request=")[2]
    refused = visitor.submit("/register/google", {"request": request, "company": "See www.evil.example"})
    assert refused.status_code == 422 and rows(Workspace) == []
    assert visitor.submit("/register/google", {"request": request, "company": "Zoe.com"}).status_code == 303
    assert [user.name for user in rows(User)] == [""]
