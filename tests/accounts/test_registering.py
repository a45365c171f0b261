"""Creating an account: a form, a mailed code, and a person with a workspace. The same pages for a known
address.
"""

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from app import audit, clock, database
from app.accounts.models import LoginSession, MailedCode, User
from app.workspaces.models import Membership, Workspace
from tests.accounts.steps import GOOD_PASSWORD, is_signed_in, try_password
from tests.conftest import both_databases
from tests.support.visitor import Visitor


def rows(model):
    with database.reading() as db:
        return db.exec(select(model)).all()


@both_databases
def test_the_code_creates_a_person_a_workspace_and_a_session(visitor, register):
    answer = register(visitor, "Zoe@Example.com")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/integrations")
    (person,), (workspace,), (membership,) = rows(User), rows(Workspace), rows(Membership)
    assert (person.email, workspace.name, workspace.tier, membership.role) == (
        "zoe@example.com",
        "Acme",
        "free",
        "owner",
    )
    assert person.password_hash.startswith("$argon2id$")
    assert is_signed_in(visitor)
    actions = [entry.action for entry in rows(audit.AuditEntry)]
    assert actions == ["workspace.created", "person.registered", "person.signed_in"]


def test_nothing_is_created_before_the_code(visitor, ask_to_register):
    assert ask_to_register(visitor, "zoe@example.com").headers["Location"].startswith("/confirm?request=cod_")
    assert not rows(User) and not rows(Workspace)
    assert visitor.get("/account").status_code == 303


def test_the_new_password_signs_in(visitor, register, app):
    register(visitor, "zoe@example.com")
    other = Visitor(app)
    assert try_password(other, " ZOE@example.com ", GOOD_PASSWORD).headers["Location"] == "/integrations"
    assert is_signed_in(other)


def test_an_ai_clients_request_survives_sign_in_registration_and_code(
    visitor, register, ask_to_register, code_for
):
    wanted = (
        "/oauth/authorize?client_id=https%3A%2F%2Fclaude.ai%2Fx&state=a%26b%3D%2B&scope=tools:read%20tools:write&pad="
        + "x" * 7800
    )
    visitor.get("/login", query_string={"next": wanted})
    link = re.search(r'href="(/register\?next=[^"]+)"', visitor.page).group(1)
    visitor.get(link)
    assert f'value="{wanted}"' in visitor.page
    form = {"company": "Acme", "email": "zoe@example.com", "next": wanted}
    assert visitor.submit("/register", {**form, "password": "short"}).status_code == 422
    assert f'value="{wanted}"' in visitor.page
    visitor.follow(visitor.submit("/register", {**form, "password": GOOD_PASSWORD}))
    assert visitor.submit("/confirm", {"code": "000000"}).status_code == 422
    assert visitor.submit("/confirm", {"code": code_for("zoe@example.com")}).headers["Location"] == wanted


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/x\r\nSet-Cookie:a=b",
        "/" + "x" * 17_000,
    ],
)
def test_it_never_leads_elsewhere(visitor, register, elsewhere):
    assert register(visitor, "zoe@example.com", next=elsewhere).headers["Location"] == "/integrations"


def test_a_known_address_sees_the_same_page_and_gets_another_mail(people, app, ask_to_register, mailbox):
    pages = {}
    for email in ("alice@example.com", "zoe@example.com"):
        visitor = Visitor(app)
        answer = ask_to_register(visitor, email)
        assert answer.status_code == 303
        visitor.follow(answer)
        page = visitor.page.replace(email, "ADDRESS")
        for _ in range(5):
            visitor.submit("/confirm", {"code": "012345"})
            page += visitor.page.replace(email, "ADDRESS")
        pages[email] = re.sub(r'value="[^"]+"|nonce="[^"]+"', "", page)
    assert pages["alice@example.com"] == pages["zoe@example.com"]
    assert "already have" in mailbox("alice@example.com")[0].subject
    assert not re.search(r"\d{6}", mailbox("alice@example.com")[0].text)
    assert [user.email for user in rows(User)].count("alice@example.com") == 1


def test_two_registrations_of_one_address_make_one_person(app, ask_to_register, code_for, mailbox):
    first, second = Visitor(app), Visitor(app)
    first.follow(ask_to_register(first, "zoe@example.com", company="First"))
    first_code = code_for("zoe@example.com")
    second.follow(ask_to_register(second, "zoe@example.com", company="Second"))
    assert second.submit("/confirm", {"code": code_for("zoe@example.com")}).status_code == 303
    assert first.submit("/confirm", {"code": first_code}).status_code == 303
    assert [w.name for w in rows(Workspace)] == ["Second"]
    assert is_signed_in(first) and is_signed_in(second)


def test_the_code_is_bound_to_the_browser_that_asked(app, visitor, ask_to_register, code_for):
    response = ask_to_register(visitor, "zoe@example.com")
    thief = Visitor(app)
    thief.get("/login")
    code_id = response.headers["Location"].partition("=")[2]
    assert (
        thief.submit("/confirm", {"code": code_for("zoe@example.com"), "request": code_id}).headers[
            "Location"
        ]
        == "/login"
    )
    assert not rows(User)
    visitor.follow(response)
    assert (
        visitor.submit("/confirm", {"code": code_for("zoe@example.com"), "request": code_id}).status_code
        == 303
    )
    assert is_signed_in(visitor)


def test_two_tabs_of_one_browser_may_wait_for_two_codes(visitor, ask_to_register, code_for):
    tabs = {
        email: ask_to_register(visitor, email).headers["Location"].partition("=")[2]
        for email in ("zoe@example.com", "yan@example.com")
    }
    visitor.get("/confirm")
    for email, code_id in tabs.items():
        assert visitor.submit("/confirm", {"code": code_for(email), "request": code_id}).status_code == 303
    assert {user.email for user in rows(User)} == set(tabs)


@pytest.mark.parametrize("typed", ["{0}", " {0} ", "{1} {2}", "{1}-{2}"])
def test_the_code_may_be_typed_with_spaces(visitor, ask_to_register, code_for, typed):
    visitor.follow(ask_to_register(visitor, "zoe@example.com"))
    digits = code_for("zoe@example.com")
    assert (
        visitor.submit("/confirm", {"code": typed.format(digits, digits[:3], digits[3:])}).status_code == 303
    )


def test_a_code_is_too_old_after_ten_minutes_and_a_new_one_can_be_sent(visitor, ask_to_register, code_for):
    visitor.follow(ask_to_register(visitor, "zoe@example.com", next="/ai-clients"))
    old = code_for("zoe@example.com")
    clock.shift(timedelta(minutes=10, seconds=1))
    assert visitor.submit("/confirm", {"code": old}).status_code == 422
    assert "no longer works" in visitor.page and "Send a new code" in visitor.page
    visitor.follow(visitor.submit("/confirm/again"))
    assert (
        visitor.submit("/confirm", {"code": code_for("zoe@example.com")}).headers["Location"] == "/ai-clients"
    )


def test_a_new_code_replaces_the_one_before(visitor, ask_to_register, code_for):
    response = ask_to_register(visitor, "zoe@example.com")
    visitor.follow(response)
    old, old_id = code_for("zoe@example.com"), response.headers["Location"].partition("=")[2]
    visitor.follow(visitor.submit("/confirm/again", {"request": old_id}))
    assert visitor.submit("/confirm", {"code": old, "request": old_id}).status_code == 422
    assert visitor.submit("/confirm", {"code": code_for("zoe@example.com")}).status_code == 303


def test_giving_the_code_twice_leads_on(visitor, register, code_for):
    register(visitor, "zoe@example.com", next="/ai-clients")
    assert (
        visitor.submit("/confirm", {"code": code_for("zoe@example.com")}).headers["Location"] == "/ai-clients"
    )
    assert visitor.get("/confirm").headers["Location"] == "/ai-clients"
    assert len(rows(LoginSession)) == 1


def test_the_password_hash_leaves_the_waiting_row_once_used(visitor, register):
    register(visitor, "zoe@example.com")
    assert all("password_hash" not in code.payload for code in rows(MailedCode))


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "Choose a password"),
        ("seven77", "at least 8 characters"),
        ("password", "too common"),
        ("Password123!", "too common"),
        ("aaaaaaaaaaaa", "too common"),
        ("23456789", "too common"),
        ("zoe@example.com", "too similar"),
        ("Acme2024", "too similar"),
        ("x1" * 129, "at most 256"),
    ],
)
def test_it_refuses_a_weak_password_beside_its_field_and_keeps_the_rest(
    visitor, ask_to_register, password, sentence
):
    assert ask_to_register(visitor, "zoe@example.com", password=password).status_code == 422
    assert sentence in visitor.page
    assert 'value="Acme"' in visitor.page and 'value="zoe@example.com"' in visitor.page
    assert not password or f'value="{password}"' not in visitor.page.replace('value="zoe@example.com"', "")


@pytest.mark.parametrize(
    "password",
    [
        "lantern1",
        "correct horse battery staple",
        "ünïcödé-schlüssel",
        "x7" * 32 + "!",
        "k9mQ" * 4 + "z" * 240,
    ],
)
def test_it_takes_any_other_password_from_8_to_256_characters(visitor, register, password, app):
    assert register(visitor, "zoe@example.com", password=password).status_code == 303
    assert try_password(Visitor(app), "zoe@example.com", password).status_code == 303


@pytest.mark.parametrize(
    "email",
    [
        "",
        "zoe",
        "zoe@",
        "@example.com",
        "a@b@c",
        "zoe@exa mple.com",
        "zoe\x00@example.com",
        "z" * 400 + "@example.com",
        "zoe@example.com\nBcc: x@y.z",
        "zöe@example.com",
    ],
)
def test_it_refuses_what_is_no_address(visitor, ask_to_register, email):
    assert ask_to_register(visitor, email).status_code == 422


@pytest.mark.parametrize("company", ["", "   ", "a\x00b", "evil\u202etxt", "x" * 101])
def test_it_refuses_what_is_no_company_name(visitor, ask_to_register, company):
    assert ask_to_register(visitor, "zoe@example.com", company=company).status_code == 422


@pytest.mark.parametrize("company", ["Żółć & Söhne <b>", "株式会社", 'O\'Brien "Plumbing"', "👩‍🔧 Repairs"])
def test_it_takes_any_real_company_name(visitor, register, company):
    register(visitor, "zoe@example.com", company=company)
    assert rows(Workspace)[0].name == company
    visitor.get("/account")
    assert company in visitor.page
