"""Attempts are counted exactly, before anything is compared, and never lock the owner out."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import audit, clock, database
from app.accounts import browsers, budgets, codes, signing_in
from app.accounts.budgets import BudgetSpent, Rule
from app.accounts.models import Budget, LoginSession, MailedCode, User
from app.workspaces import confirmation
from app.workspaces.models import Workspace
from tests.accounts.steps import GOOD_PASSWORD, is_signed_in, try_password
from tests.conftest import both_databases
from tests.support.visitor import Visitor

ELSEWHERE = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}


def at_once(number, deed):
    def outcome(_):
        try:
            deed()
        except (codes.CodeRefused, BudgetSpent) as refused:
            return type(refused).__name__
        return "done"

    with ThreadPoolExecutor(number) as pool:
        return Counter(pool.map(outcome, range(number)))


@pytest.fixture
def waiting(visitor, ask_to_register, settings):
    """A registration that waits for its code: the browser and the code's id."""
    code_id = ask_to_register(visitor, "zoe@example.com").headers["Location"].partition("=")[2]
    holder = visitor.client.get_cookie("holder").value
    return browsers.Browser("127.0.0.1", "127.0.0.1", "", holder, "", ""), code_id


def count(model):
    with database.reading() as db:
        return len(db.exec(select(model)).all())


@both_databases
def test_sixteen_parallel_uses_of_one_code_create_one_account(settings, waiting, code_for):
    browser, code_id = waiting
    digits = code_for("zoe@example.com")
    outcomes = at_once(16, lambda: confirmation.give(settings, browser, code_id, digits))
    assert outcomes["done"] == 1
    assert count(User) == count(Workspace) == count(LoginSession) == 1


@both_databases
def test_sixteen_parallel_guesses_get_five_tries_between_them(settings, waiting, code_for):
    browser, code_id = waiting
    wrong = f"{(int(code_for('zoe@example.com')) + 1) % 1_000_000:06d}"
    assert at_once(16, lambda: confirmation.give(settings, browser, code_id, wrong)) == {
        "WrongCode": 5,
        "CodeGone": 11,
    }
    with pytest.raises(codes.CodeGone):
        confirmation.give(settings, browser, code_id, code_for("zoe@example.com"))
    assert not count(User)


def test_what_is_no_code_spends_no_try(visitor, ask_to_register, code_for):
    visitor.follow(ask_to_register(visitor, "zoe@example.com"))
    for typed in ("", "12345", "1234567", "abcdef", "12345x", "9" * 5000, "１２３４５x", "\x00"):
        assert visitor.submit("/confirm", {"code": typed}).status_code == 422
    with database.reading() as db:
        assert db.exec(select(MailedCode)).one().attempts == 0
    assert visitor.submit("/confirm", {"code": code_for("zoe@example.com")}).status_code == 303


def test_the_page_counts_the_tries_down_and_then_offers_a_new_code(visitor, ask_to_register, code_for):
    visitor.follow(ask_to_register(visitor, "zoe@example.com"))
    wrong = f"{(int(code_for('zoe@example.com')) + 1) % 1_000_000:06d}"
    for sentence in (
        "4 attempts left",
        "3 attempts left",
        "2 attempts left",
        "1 attempt left",
        "Send a new one",
    ):
        assert visitor.submit("/confirm", {"code": wrong}).status_code == 422
        assert sentence in visitor.page
    assert visitor.submit("/confirm", {"code": code_for("zoe@example.com")}).status_code == 422
    visitor.follow(visitor.submit("/confirm/again"))
    assert visitor.submit("/confirm", {"code": code_for("zoe@example.com")}).status_code == 303


@both_databases
def test_a_budget_is_exact_under_parallel_use(app, settings):
    rule = Rule("test", 7, 3_600)

    def take():
        with database.transaction() as db:
            budgets.take(db, settings, rule, "who")

    assert at_once(24, take) == {"done": 7, "BudgetSpent": 17}
    with database.reading() as db:
        assert db.exec(select(Budget)).one().count == 7
        assert [entry.action for entry in db.exec(select(audit.AuditEntry))] == ["budget.spent"]


@both_databases
def test_a_budget_is_new_in_the_next_window_and_for_somebody_else(app, settings):
    rule = Rule("test", 1, 60)
    with database.transaction() as db:
        budgets.take(db, settings, rule, "one")
        budgets.take(db, settings, rule, "other")
    with pytest.raises(BudgetSpent) as spent, database.transaction() as db:
        budgets.take(db, settings, rule, "one")
    assert 1 <= spent.value.retry_after_seconds <= 60
    clock.shift(timedelta(seconds=60))
    with database.transaction() as db:
        budgets.take(db, settings, rule, "one")


def test_budgets_hold_no_clear_address(with_password, visitor):
    try_password(visitor, "alice@example.com", "not the password")
    with database.reading() as db:
        assert all("alice" not in row.key and "127.0.0.1" not in row.key for row in db.exec(select(Budget)))


@both_databases
def test_too_many_wrong_passwords_from_one_place_stop_that_place_only(with_password, app, code_for):
    attacker = Visitor(app)
    answers = [
        try_password(attacker, "alice@example.com", "wrong one", **ELSEWHERE).status_code for _ in range(12)
    ]
    assert answers == [422] * 10 + [429] * 2
    refused = try_password(attacker, "alice@example.com", GOOD_PASSWORD, **ELSEWHERE)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) <= 900
    assert "Have a code emailed to you" in attacker.page
    assert try_password(Visitor(app), "alice@example.com", GOOD_PASSWORD).status_code == 303, (
        "the owner, from home"
    )
    assert try_password(attacker, "bob@example.com", GOOD_PASSWORD, **ELSEWHERE).status_code == 303, (
        "a colleague in the same office"
    )
    clock.shift(timedelta(minutes=15))
    assert try_password(attacker, "alice@example.com", GOOD_PASSWORD, **ELSEWHERE).status_code == 303


def test_an_unknown_address_meets_the_same_limit(people, app):
    visitor = Visitor(app)
    answers = [try_password(visitor, "nobody@example.com", "wrong one").status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_a_mailed_code_still_works_where_passwords_are_used_up(with_password, visitor, code_for):
    for _ in range(11):
        try_password(visitor, "alice@example.com", "wrong one")
    visitor.follow(visitor.submit("/login/code", {"email": "alice@example.com"}))
    assert visitor.submit("/confirm", {"code": code_for("alice@example.com")}).status_code == 303


def test_tries_from_many_places_leave_the_owners_own_browser_alone(with_password, app, monkeypatch):
    monkeypatch.setattr(signing_in, "_PER_ACCOUNT", Rule("password-account", 6, 86_400))
    monkeypatch.setattr(codes, "_PER_ADDRESS", Rule("code-address", 3, 86_400))
    owner = Visitor(app)
    try_password(owner, "alice@example.com", GOOD_PASSWORD)
    owner.get("/account")
    owner.submit("/logout")
    attacker = Visitor(app)
    for n in range(8):
        attacker.client.delete_cookie("holder")
        try_password(
            attacker, "alice@example.com", "wrong one", environ_base={"REMOTE_ADDR": f"203.0.113.{n}"}
        )
        attacker.submit(
            "/login/code", {"email": "alice@example.com"}, environ_base={"REMOTE_ADDR": f"203.0.113.{n}"}
        )
    assert (
        try_password(
            attacker, "alice@example.com", GOOD_PASSWORD, environ_base={"REMOTE_ADDR": "203.0.113.99"}
        ).status_code
        == 429
    )
    assert attacker.submit("/login/code", {"email": "alice@example.com"}).status_code == 429
    owner.get("/login")
    assert owner.submit("/login/code", {"email": "alice@example.com"}).status_code == 303
    assert try_password(owner, "alice@example.com", GOOD_PASSWORD).status_code == 303


def test_another_accounts_browser_mark_opens_nothing(with_password, app, monkeypatch):
    monkeypatch.setattr(signing_in, "_PER_ACCOUNT_AND_SOURCE", Rule("password-account-source", 2, 900))
    bob = Visitor(app)
    try_password(bob, "bob@example.com", GOOD_PASSWORD)
    bob.get("/account")
    bob.submit("/logout")
    assert [try_password(bob, "alice@example.com", "wrong one").status_code for _ in range(3)] == [
        422,
        422,
        429,
    ]


def test_signing_in_right_gives_the_tries_back(with_password, app):
    for _ in range(3):
        visitor = Visitor(app)
        assert [try_password(visitor, "alice@example.com", "wrong one").status_code for _ in range(9)] == [
            422
        ] * 9
        assert try_password(visitor, "alice@example.com", GOOD_PASSWORD).status_code == 303


def test_mail_to_one_address_is_capped_and_known_and_unknown_count_alike(people, app, mailbox):
    for email in ("alice@example.com", "nobody@example.com"):
        visitor = Visitor(app)
        visitor.get("/login")
        answers = [visitor.submit("/login/code", {"email": email}).status_code for _ in range(12)]
        assert answers == [303] * 10 + [429] * 2
        assert len(mailbox(email)) == 10
        assert "too often" in visitor.page


def test_the_daily_cap_of_an_address_counts_every_place_and_every_purpose(
    people, app, mailbox, ask_to_register
):
    for n in range(25):
        visitor = Visitor(app)
        visitor.get("/login")
        visitor.submit(
            "/login/code", {"email": "alice@example.com"}, environ_base={"REMOTE_ADDR": f"203.0.113.{n}"}
        )
    assert len(mailbox("alice@example.com")) == 20
    assert ask_to_register(Visitor(app), "alice@example.com").status_code == 429


def test_one_place_cannot_mail_to_everybody(app, monkeypatch):
    monkeypatch.setattr(codes, "_PER_SOURCE", Rule("code-source", 5, 86_400))
    visitor = Visitor(app)
    visitor.get("/login")
    here = {"environ_base": {"REMOTE_ADDR": "2001:db8:1:2::1"}}
    neighbour = {"environ_base": {"REMOTE_ADDR": "2001:db8:1:2:ffff::9"}}
    assert [
        visitor.submit("/login/code", {"email": f"p{n}@example.com"}, **here).status_code for n in range(5)
    ] == [303] * 5
    assert visitor.submit("/login/code", {"email": "p6@example.com"}, **neighbour).status_code == 429, (
        "the same /64 network"
    )
    assert (
        visitor.submit(
            "/login/code", {"email": "p6@example.com"}, environ_base={"REMOTE_ADDR": "2001:db8:9::1"}
        ).status_code
        == 303
    )


def test_limits_survive_a_restart(with_password, app, environ):
    from app import config
    from app.factory import create_app

    visitor = Visitor(app)
    for _ in range(10):
        try_password(visitor, "alice@example.com", "wrong one")
    again = Visitor(create_app(config.load(environ)))
    assert try_password(again, "alice@example.com", GOOD_PASSWORD).status_code == 429
    assert not is_signed_in(again)


def test_no_digits_at_all_open_a_code_that_was_not_mailed(
    people, settings, app, ask_to_register, monkeypatch
):
    monkeypatch.setattr(codes.secrets, "randbelow", lambda _: 424_242)
    for ask in (
        lambda visitor: ask_to_register(visitor, "alice@example.com"),
        lambda visitor: visitor.submit("/login/code", {"email": "nobody@example.com"}),
    ):
        visitor = Visitor(app)
        visitor.get("/login")
        visitor.follow(ask(visitor))
        assert visitor.submit("/confirm", {"code": "424242"}).status_code == 422
    known = Visitor(app)
    known.get("/login")
    known.follow(known.submit("/login/code", {"email": "alice@example.com"}))
    assert known.submit("/confirm", {"code": "424242"}).status_code == 303
