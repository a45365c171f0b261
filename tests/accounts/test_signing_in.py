"""Signing in by password or mailed code; sessions; the same responses for known and unknown addresses."""

import re
from datetime import timedelta

import pytest
from sqlmodel import col, select, update

from app import audit, clock, database
from app.accounts import passwords
from app.accounts import people as persons
from app.accounts.models import LoginSession, User
from tests.accounts.steps import GOOD_PASSWORD, is_signed_in, try_password
from tests.conftest import both_databases
from tests.support.hashing import PRODUCT_HASHER
from tests.support.visitor import Visitor


def sessions():
    with database.reading() as db:
        return db.exec(select(LoginSession)).all()


def ask_for_code(visitor, email, **more):
    visitor.get("/login")
    return visitor.submit("/login/code", {"email": email, **more})


@both_databases
def test_a_password_signs_in_and_out(with_password, visitor):
    assert try_password(visitor, "alice@example.com", GOOD_PASSWORD).headers["Location"] == "/integrations"
    assert is_signed_in(visitor)
    cookie = visitor.client.get_cookie("session").value
    assert visitor.submit("/logout").headers["Location"] == "/"
    visitor.client.set_cookie("session", cookie)
    assert not is_signed_in(visitor), "a copied cookie is dead after signing out"
    assert not sessions()


@both_databases
def test_a_mailed_code_signs_in(people, visitor, code_for):
    visitor.follow(ask_for_code(visitor, "alice@example.com", next="/ai-clients"))
    assert (
        visitor.submit("/confirm", {"code": code_for("alice@example.com")}).headers["Location"]
        == "/ai-clients"
    )
    assert is_signed_in(visitor)


def test_the_front_door_leads_members_to_the_hub(people, sign_in, visitor):
    assert sign_in(people.alice).get("/").headers["Location"] == "/integrations"
    visitor.get("/")
    assert "Create account" in visitor.page and "Sign in" in visitor.page


@pytest.mark.parametrize("page", ["/login", "/register"])
def test_someone_signed_in_is_led_on(people, sign_in, page):
    assert (
        sign_in(people.alice).get(page, query_string={"next": "/team?x=1"}).headers["Location"] == "/team?x=1"
    )


def test_a_wrong_password_an_unknown_address_and_a_person_without_password_look_alike(with_password, app):
    pages = set()
    for email in ("alice@example.com", "nobody@example.com", "charlie@example.com"):
        visitor = Visitor(app)
        answer = try_password(visitor, email, "not the password")
        assert answer.status_code == 422
        pages.add(re.sub(r'value="[^"]+"|nonce="[^"]+"', "", visitor.page))
        assert f'value="{email}"' in visitor.page and "not the password" not in visitor.page
    assert len(pages) == 1


def test_an_unknown_address_costs_the_same_work(with_password, visitor, monkeypatch):
    class Counting:
        verified = 0

        def verify(self, *given):
            self.verified += 1
            return original.verify(*given)

        def __getattr__(self, name):
            return getattr(original, name)

    original = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", counting := Counting())
    for n, email in enumerate(("alice@example.com", "nobody@example.com", "charlie@example.com"), 1):
        try_password(visitor, email, "not the password")
        assert counting.verified == n


def test_a_code_for_an_unknown_address_looks_the_same_and_mails_a_hint(people, app, mailbox):
    pages = set()
    for email in ("alice@example.com", "nobody@example.com"):
        visitor = Visitor(app)
        visitor.follow(ask_for_code(visitor, email))
        pages.add(re.sub(r'value="[^"]+"|nonce="[^"]+"', "", visitor.page.replace(email, "ADDRESS")))
    assert len(pages) == 1
    assert "/register" in mailbox("nobody@example.com")[0].text


def test_a_disabled_person_cannot_come_in(with_password, app, mailbox):
    with database.transaction() as db:
        persons.disable(db, with_password.alice)
    assert try_password(Visitor(app), "alice@example.com", GOOD_PASSWORD).status_code == 422
    assert ask_for_code(Visitor(app), "alice@example.com").status_code == 303
    assert not mailbox("alice@example.com")


def test_someone_disabled_while_the_code_was_on_its_way_cannot_come_in(people, visitor, code_for):
    visitor.follow(ask_for_code(visitor, "alice@example.com"))
    with database.transaction() as db:
        persons.disable(db, people.alice)
    assert visitor.submit("/confirm", {"code": code_for("alice@example.com")}).status_code == 422
    assert not sessions()


def test_every_sign_in_gets_a_new_session_and_ends_the_one_before(with_password, visitor):
    try_password(visitor, "alice@example.com", GOOD_PASSWORD)
    first = visitor.client.get_cookie("session").value
    visitor.get("/account")
    visitor.submit("/login", {"email": "bob@example.com", "password": GOOD_PASSWORD})
    assert visitor.client.get_cookie("session").value != first
    assert [session.user_id for session in sessions()] == [with_password.bob.id]


def test_a_planted_session_id_is_never_adopted(with_password, visitor):
    visitor.client.set_cookie("session", "A" * 43)
    try_password(visitor, "alice@example.com", GOOD_PASSWORD)
    assert visitor.client.get_cookie("session").value != "A" * 43


def test_a_new_password_ends_every_session(with_password, sign_in):
    one, two = sign_in(with_password.alice), sign_in(with_password.alice)
    with database.transaction() as db:
        persons.set_password(db, with_password.alice, passwords.hash_secret("another lantern"))
    assert not is_signed_in(one) and not is_signed_in(two)


def test_signing_out_everywhere_ends_every_session(people, sign_in):
    one, two, bob = sign_in(people.alice), sign_in(people.alice), sign_in(people.bob)
    one.get("/account")
    assert one.page.count("Last seen") == 2
    assert one.submit("/account/sign-out-everywhere").headers["Location"] == "/login"
    assert not is_signed_in(one) and not is_signed_in(two) and is_signed_in(bob)


def test_signing_out_twice_is_no_mistake(people, sign_in):
    alice = sign_in(people.alice)
    alice.submit("/logout")
    alice.get("/login")
    assert alice.submit("/logout").headers["Location"] == "/"


def test_hashes_are_as_strong_as_owasp_says():
    assert PRODUCT_HASHER.hash(GOOD_PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_old_hash_is_made_stronger_on_the_way_in(with_password, visitor, monkeypatch):
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_hasher", PRODUCT_HASHER)
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(GOOD_PASSWORD)
    with database.transaction() as db:
        db.exec(update(User).where(col(User.id) == with_password.alice.id).values(password_hash=weak))
    assert try_password(visitor, "alice@example.com", GOOD_PASSWORD).status_code == 303
    with database.reading() as db:
        assert not passwords.is_outdated(db.get(User, with_password.alice.id).password_hash)


def test_the_trail_shows_who_came_and_went(with_password, visitor):
    try_password(visitor, "alice@example.com", GOOD_PASSWORD)
    visitor.get("/account")
    visitor.submit("/logout")
    with database.reading() as db:
        entries = db.exec(select(audit.AuditEntry)).all()
    assert [(e.action, e.user_id) for e in entries] == [
        ("person.signed_in", "usr_alice"),
        ("person.signed_out", "usr_alice"),
    ]
    assert entries[0].details == {"how": "password", "address": "127.0.0.1"}


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("https://hub.example.com", "__Host-session", True), ("http://localhost:8000", "session", False)],
)
def test_the_cookie_is_as_strict_as_the_address_allows(environ, public_url, name, secure):
    from app import config
    from app.factory import create_app

    application = create_app(config.load({**environ, "PUBLIC_URL": public_url}))
    with database.transaction() as db:
        persons.create(db, "zoe@example.com", password_hash=passwords.hash_secret(GOOD_PASSWORD))
    visitor = Visitor(application)
    base = {"base_url": public_url}
    visitor.get("/login", **base)
    answer = visitor.submit(
        "/login",
        {"email": "zoe@example.com", "password": GOOD_PASSWORD},
        headers={"Origin": public_url},
        **base,
    )
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{name}="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert ("Secure" in cookie) is secure


def test_no_person_is_named_in_a_signed_cookie(with_password, visitor, app):
    try_password(visitor, "alice@example.com", GOOD_PASSWORD)
    visitor.get("/account")
    with visitor.client.session_transaction() as form:
        assert set(form) == {"csrf_token"}


def test_signing_in_needs_the_forms_own_token(with_password, app):
    answer = app.test_client().post("/login", data={"email": "alice@example.com", "password": GOOD_PASSWORD})
    assert answer.status_code == 400
    assert not sessions()


def test_a_session_idle_for_two_weeks_signs_in_again_and_comes_back(with_password, visitor):
    try_password(visitor, "alice@example.com", GOOD_PASSWORD)
    clock.shift(timedelta(days=15))
    answer = visitor.get("/account?x=1")
    assert answer.headers["Location"] == "/login?next=/account?x=1"
    visitor.follow(answer)
    again = visitor.submit(
        "/login", {"email": "alice@example.com", "password": GOOD_PASSWORD, "next": "/account?x=1"}
    )
    assert again.headers["Location"] == "/account?x=1"
