"""Changing the password and the address on the account page."""

import re
import threading

import pytest
from sqlmodel import select

from app import database
from app.accounts import passwords
from app.accounts.models import MailedCode, User
from app.oauth_server import grants
from tests.accounts.steps import GOOD_PASSWORD, is_signed_in, try_password
from tests.conftest import both_databases
from tests.support.ai_client import AiClient
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once

NEW_PASSWORD = "copper meadow ladder"
WANTED = "alice.new@example.org"


def user(user_id="usr_alice"):
    with database.reading() as db:
        return db.get_one(User, user_id)


def begin(visitor, email=WANTED):
    visitor.get("/account")
    answer = visitor.submit("/account/email", {"email": email})
    assert answer.status_code == 303, visitor.page
    visitor.follow(answer)
    return answer.headers["Location"].partition("request=")[2]


# --- the password -------------------------------------------------------------------------------


@both_databases
def test_a_new_password_ends_every_other_session_and_is_told_by_mail(app, people, alice, sign_in, mailbox):
    elsewhere = sign_in(people.alice)
    alice.get("/account")
    assert alice.submit("/account/password", {"password": NEW_PASSWORD}).headers["Location"] == "/account"
    assert "Password changed" in alice.follow(alice.get("/account")).get_data(as_text=True)
    assert is_signed_in(alice) and not is_signed_in(elsewhere)
    assert try_password(Visitor(app), "alice@example.com", NEW_PASSWORD).status_code == 303
    assert mailbox("alice@example.com")[0].subject == "Your Patchbay password was changed"
    assert NEW_PASSWORD not in mailbox("alice@example.com")[0].text


@pytest.mark.parametrize("weak", ["", "short", "password1", "alice@example.com", "x" * 300])
def test_a_weak_password_is_refused_and_changes_nothing(alice, weak):
    answer = alice.submit("/account/password", {"password": weak})
    assert answer.status_code == 422 and 'id="password-note"' in answer.text and user().password_hash is None
    assert alice.submit("/account/password", {"password": NEW_PASSWORD}).status_code == 303


def test_no_page_shows_the_password_again(alice):
    refused = alice.submit("/account/password", {"password": "hunter2"})
    assert "hunter2" not in refused.text


def test_the_page_says_set_to_somebody_without_one_and_change_to_others(alice):
    assert ">Set password<" in alice.get("/account").text
    alice.submit("/account/password", {"password": NEW_PASSWORD})
    assert ">Change password<" in alice.get("/account").text


def test_hashing_holds_no_transaction(alice, monkeypatch):
    open_now, real, hashed = [0], passwords.hash_secret, []
    begin_transaction = database.Database.transaction

    def counting(self):
        context = begin_transaction(self)

        class _Counted:
            def __enter__(self):
                open_now[0] += 1
                return context.__enter__()

            def __exit__(self, *what):
                open_now[0] -= 1
                return context.__exit__(*what)

        return _Counted()

    monkeypatch.setattr(database.Database, "transaction", counting)
    monkeypatch.setattr(passwords, "hash_secret", lambda secret: hashed.append(open_now[0]) or real(secret))
    assert alice.submit("/account/password", {"password": NEW_PASSWORD}).status_code == 303
    assert hashed == [0]


# --- the address --------------------------------------------------------------------------------


@both_databases
def test_a_new_address_counts_once_its_mailbox_has_proved_it(app, people, alice, sign_in, mailbox, code_for):
    elsewhere = sign_in(people.alice)
    request = begin(alice)
    assert "Check your new inbox" in alice.page and WANTED in alice.page
    assert user().email == "alice@example.com", "nothing changes before the code is given"
    assert (
        alice.submit("/account/email/confirm", {"request": request, "code": code_for(WANTED)}).headers[
            "Location"
        ]
        == "/account"
    )
    assert f"Your email is now {WANTED}" in alice.get("/account").text
    assert user().email == WANTED
    assert is_signed_in(alice) and not is_signed_in(elsewhere)
    assert mailbox("alice@example.com")[0].subject == "The email of your Patchbay account was changed"
    assert WANTED not in mailbox("alice@example.com")[0].text
    visitor = Visitor(app)
    visitor.get("/login")
    visitor.follow(visitor.submit("/login/code", {"email": WANTED}))
    assert visitor.submit("/confirm", {"code": code_for(WANTED)}).headers["Location"] == "/integrations"


def test_whether_an_address_is_known_is_not_told(app, people, alice, mailbox):
    begin(alice, "bob@example.com")
    taken = alice.page.replace("bob@example.com", "ADDRESS")
    begin(alice, "nobody@example.com")
    free = alice.page.replace("nobody@example.com", "ADDRESS")

    def visible(page):
        return [
            line
            for line in page.splitlines()
            if "csrf" not in line and 'name="request"' not in line and "nonce" not in line
        ]

    assert visible(taken) == visible(free)
    assert "has a Patchbay account" in mailbox("bob@example.com")[0].subject
    assert "code is" not in mailbox("bob@example.com")[0].text


def test_no_digits_take_an_address_from_somebody(people, alice, monkeypatch):
    monkeypatch.setattr("app.accounts.codes.secrets.randbelow", lambda _most: 123456)
    request = begin(alice, "bob@example.com")
    assert alice.submit("/account/email/confirm", {"request": request, "code": "123456"}).status_code == 422
    assert user("usr_bob").email == "bob@example.com" and user().email == "alice@example.com"


def test_wrong_digits_are_counted_and_refused(alice, code_for):
    request = begin(alice)
    right = code_for(WANTED)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    refused = alice.submit("/account/email/confirm", {"request": request, "code": wrong})
    assert refused.status_code == 422 and "4 attempts left" in refused.text
    assert alice.submit("/account/email/confirm", {"request": request, "code": "12"}).status_code == 422
    assert alice.submit("/account/email/confirm", {"request": request, "code": right}).status_code == 303


def test_a_code_does_nothing_but_what_it_was_mailed_for(app, people, alice, sign_in, code_for):
    request = begin(alice)
    assert alice.submit("/confirm", {"request": request, "code": code_for(WANTED)}).status_code == 303
    assert user().email == "alice@example.com"
    assert "Check your new inbox" in alice.get(f"/account/email?request={request}").text, "it is not used up"
    alice.submit("/login/code", {"email": "alice@example.com"})
    with database.reading() as db:
        sign_in_code = db.exec(select(MailedCode).where(MailedCode.purpose == "sign_in")).one()
    assert alice.get(f"/account/email?request={sign_in_code.id}").headers["Location"] == "/account"
    answer = alice.submit(
        "/account/email/confirm", {"request": sign_in_code.id, "code": code_for("alice@example.com")}
    )
    assert answer.headers["Location"] == "/account" and user().email == "alice@example.com"


def test_the_code_works_only_for_the_person_and_browser_that_asked(app, people, alice, sign_in, code_for):
    request = begin(alice)
    for stranger in (sign_in(people.bob), sign_in(people.alice)):
        assert stranger.get(f"/account/email?request={request}").headers["Location"] == "/account"
        answer = stranger.submit("/account/email/confirm", {"request": request, "code": code_for(WANTED)})
        assert answer.headers["Location"] == "/account"
    holder = alice.client.get_cookie("holder").value
    bob = sign_in(people.bob)
    bob.client.set_cookie("holder", holder)
    bob.submit("/account/email/confirm", {"request": request, "code": code_for(WANTED)})
    assert user("usr_bob").email == "bob@example.com"
    assert (
        alice.submit("/account/email/confirm", {"request": request, "code": code_for(WANTED)}).status_code
        == 303
    )
    assert user().email == WANTED


@pytest.mark.parametrize("typed", ["", "no address", "alice@example.com", "a@b@c"])
def test_what_is_no_new_address_is_refused(alice, typed):
    answer = alice.submit("/account/email", {"email": typed})
    assert 400 <= answer.status_code < 500 and 'id="email-note"' in answer.text


@both_databases
def test_of_two_people_who_want_one_address_one_gets_it(app, people, alice, sign_in, mailbox):
    bob = sign_in(people.bob)
    requests = [(visitor, begin(visitor)) for visitor in (alice, bob)]
    digits = [letter.text.split("code is ")[1][:6] for letter in reversed(mailbox(WANTED))]
    answers, gate = [], threading.Barrier(2)

    def confirm(visitor, request, code):
        gate.wait()
        answers.append(
            visitor.submit("/account/email/confirm", {"request": request, "code": code}).status_code
        )

    threads = [
        threading.Thread(target=confirm, args=(*each, code))
        for each, code in zip(requests, digits, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 422]
    with database.reading() as db:
        assert len(db.exec(select(User).where(User.email == WANTED)).all()) == 1


# --- a recent sign-in ---------------------------------------------------------------------------

SENSITIVE = {
    "/account/password": {"password": NEW_PASSWORD},
    "/account/email": {"email": WANTED},
    "/account/delete": {"typed_email": "alice@example.com"},
    "/account/workspace/delete": {"typed_name": "Northwind"},
    "/account/google/unlink": {},
}


@pytest.mark.parametrize("door", SENSITIVE)
def test_what_matters_most_needs_a_recent_sign_in(people, alice, long_ago, door):
    long_ago(people.alice)
    page = alice.get("/account").text
    assert "Confirm it's you" in page and 'name="password"' not in page and "Delete account<" not in page
    answer = alice.submit(door, SENSITIVE[door])
    assert answer.headers["Location"] == "/login?again=1&next=%2Faccount"
    assert user().password_hash is None and is_signed_in(alice)


def test_after_proving_it_the_change_is_made(app, people, alice, long_ago):
    alice.submit("/account/password", {"password": GOOD_PASSWORD})
    long_ago(people.alice)
    alice.get("/account")
    alice.follow(alice.submit("/account/password", {"password": NEW_PASSWORD}))
    back = alice.submit(
        "/login", {"again": "1", "email": "alice@example.com", "password": GOOD_PASSWORD, "next": "/account"}
    )
    assert back.headers["Location"] == "/account"
    alice.get("/account")
    assert alice.submit("/account/password", {"password": NEW_PASSWORD}).headers["Location"] == "/account"
    assert try_password(Visitor(app), "alice@example.com", NEW_PASSWORD).status_code == 303


# --- what acts for the person without their password --------------------------------------------


@pytest.fixture
def access(app, people, alice):
    """An AI client, a personal token, and a key of an operator's, all of alice's; returns their tokens."""
    with database.transaction() as db:
        db.get(User, people.alice.id).is_operator = True
    client = AiClient(app)
    tokens = {"client": client.connect(alice)["access_token"]}
    with app.app_context(), database.transaction() as db:
        for kind in ("personal", grants.API_KEY):
            tokens[kind] = grants.issue_by_hand(
                db, kind, people.alice.id, people.northwind.id, f"my {kind}", "tools:read", 3_600
            )[1]
    return tokens


def works(app, token):
    return app.test_client().get("/status", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_new_password_leaves_ai_clients_and_tokens_and_the_mail_lists_them(app, alice, access, mailbox):
    page = alice.get("/account").text
    assert 'name="ends_access"' in page and "Also end the access of my AI clients and tokens" in page
    notice = alice.follow(alice.submit("/account/password", {"password": NEW_PASSWORD})).text
    assert "still have access" in notice and all(works(app, token) for token in access.values())
    text = mailbox("alice@example.com")[0].text
    assert "- my personal, in Northwind" in text and text.count(", in Northwind") == 3
    assert "http://localhost:8000/ai-clients" in text


@both_databases
def test_a_new_password_ends_ai_clients_and_tokens_if_the_person_says_so(app, people, alice, access, mailbox):
    alice.get("/account")
    changed = alice.submit("/account/password", {"password": NEW_PASSWORD, "ends_access": "1"})
    assert "lost access" in alice.follow(changed).text and is_signed_in(alice)
    assert not any(works(app, token) for token in access.values())
    text = mailbox("alice@example.com")[0].text
    assert "lost their access" in text and "Northwind" not in text
    client = AiClient(app)
    client.register()
    assert "wants to connect" in client.ask(alice).text, "it is asked for consent again"


def test_a_password_that_is_refused_ends_nothing_and_the_choice_stays_ticked(app, alice, access):
    alice.get("/account")
    refused = alice.submit("/account/password", {"password": "short", "ends_access": "1"})
    assert refused.status_code == 422 and re.search(r'name="ends_access"[^>]*checked', refused.text)
    assert all(works(app, token) for token in access.values())
