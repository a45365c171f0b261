"""Attempts are counted exactly, before anything is compared, and never lock the owner out."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import audit, clock, database
from app.accounts import browsers, budgets, codes, known_browsers, signing_in
from app.accounts.budgets import BudgetSpent, Rule
from app.accounts.models import Budget, LoginSession, MailedCode, User
from app.workspaces import confirmation
from app.workspaces.models import Workspace
from tests.accounts.steps import GOOD_PASSWORD, is_signed_in, try_password
from tests.conftest import both_databases
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once

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


def spend(app, name, times=500):
    """Take from the budget of this machine's address, as that many anonymous requests do."""
    rule = next(
        each
        for module in (signing_in, codes)
        for each in vars(module).values()
        if isinstance(each, Rule) and each.name == name
    )
    settings = app.extensions["patchbay"]
    try:
        with database.transaction() as db:
            for _ in range(times):
                if not budgets.has_room(db, settings, rule, "127.0.0.1"):
                    budgets.take(db, settings, rule, "127.0.0.1")
    except BudgetSpent as spent:
        with database.transaction() as db:
            for _ in range(rule.burst or rule.limit):
                budgets.has_room(db, settings, rule, "127.0.0.1")
        return spent
    return None


def visitor_from(app, address):
    visitor = Visitor(app)
    visitor.client.environ_base["REMOTE_ADDR"] = address
    return visitor


def request_on(visitor):
    return re.search(r'name="request" value="(\w+)"', visitor.page)[1]


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


def test_tries_from_many_places_leave_the_owners_own_browser_alone(with_password, app, monkeypatch, mailbox):
    monkeypatch.setattr(signing_in, "_PER_ACCOUNT", Rule("password-account", 6, 86_400))
    owner = Visitor(app)
    try_password(owner, "alice@example.com", GOOD_PASSWORD)
    owner.get("/account")
    owner.submit("/logout")
    attacker = Visitor(app)
    for n in range(30):
        attacker.client.delete_cookie("holder")
        place = {"environ_base": {"REMOTE_ADDR": f"203.0.113.{n}"}}
        if n < 8:
            try_password(attacker, "alice@example.com", "wrong one", **place)
        assert attacker.submit("/login/code", {"email": "alice@example.com"}, **place).status_code == 303
    elsewhere = {"environ_base": {"REMOTE_ADDR": "203.0.113.99"}}
    assert try_password(attacker, "alice@example.com", GOOD_PASSWORD, **elsewhere).status_code == 429
    owner.get("/login")
    mails = len(mailbox("alice@example.com"))
    assert owner.submit("/login/code", {"email": "alice@example.com"}).status_code == 303
    assert len(mailbox("alice@example.com")) == mails + 1
    assert try_password(owner, "alice@example.com", GOOD_PASSWORD).status_code == 303


@both_databases
def test_a_flood_from_an_address_that_many_share_does_not_stop_a_browser_that_is_known(with_password, app):
    known = Visitor(app)
    try_password(known, "alice@example.com", GOOD_PASSWORD)
    known.get("/account")
    known.submit("/logout")
    spend(app, "password-source")
    spend(app, "code-source")
    stranger = Visitor(app)
    refused = try_password(stranger, "bob@example.com", GOOD_PASSWORD)
    assert refused.status_code == 429
    assert try_password(known, "alice@example.com", GOOD_PASSWORD).status_code == 303
    known.submit("/logout")
    known.get("/login")
    assert known.submit("/login/code", {"email": "alice@example.com"}).status_code == 303
    clock.shift(timedelta(seconds=int(refused.headers["Retry-After"])))
    assert try_password(stranger, "bob@example.com", GOOD_PASSWORD).status_code == 303


def test_after_five_hundred_registrations_from_one_address_a_colleague_waits_a_minute(
    app, ask_to_register, mailbox
):
    spend(app, "code-source", 500)
    colleague = Visitor(app)
    refused = ask_to_register(colleague, "zoe@example.com")
    assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 60
    clock.shift(timedelta(seconds=int(refused.headers["Retry-After"])))
    assert ask_to_register(colleague, "zoe@example.com").status_code == 303
    assert len(mailbox("zoe@example.com")) == 1


@pytest.mark.parametrize("rule", ["password-source", "code-source"])
def test_a_source_waits_minutes_not_until_midnight(frozen_clock, app, settings, rule):
    """Retry-After is true: no attempt before it, and one at that second."""
    spent = spend(app, rule, 2_000)
    assert spent.retry_after_seconds <= 600
    clock.shift(timedelta(seconds=spent.retry_after_seconds - 1.5))
    assert isinstance(spend(app, rule, 1), BudgetSpent)
    clock.shift(timedelta(seconds=1.5))
    assert spend(app, rule, 1) is None


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


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_past_the_cap_the_mail_is_held_back_and_the_answer_is_the_same(people, app, mailbox, email, code_for):
    visitor = Visitor(app)
    visitor.get("/login")
    answers = [visitor.submit("/login/code", {"email": email}) for _ in range(12)]
    pages = {re.sub(r"<[^>]+>", "", visitor.follow(each).text) for each in answers}
    assert {answer.status_code for answer in answers} == {303} and len(pages) == 1
    assert len(mailbox(email)) == 5


@both_databases
def test_a_code_that_was_mailed_opens_while_later_mails_are_held_back(people, app, mailbox, code_for):
    visitor = Visitor(app)
    visitor.get("/login")
    for _ in range(7):
        visitor.follow(visitor.submit("/login/code", {"email": "alice@example.com"}))
    visitor.follow(visitor.submit("/confirm/again", {"request": request_on(visitor)}))
    assert len(mailbox("alice@example.com")) == 5
    answer = visitor.submit(
        "/confirm", {"request": request_on(visitor), "code": code_for("alice@example.com")}
    )
    assert answer.status_code == 303 and is_signed_in(visitor)


def test_a_registration_that_is_corrected_while_mail_is_held_back_counts_as_corrected(
    app, ask_to_register, code_for, mailbox
):
    visitor = Visitor(app)
    for _ in range(5):
        ask_to_register(visitor, "zoe@example.com", company="Acne")
    visitor.follow(ask_to_register(visitor, "zoe@example.com", company="Acme"))
    assert len(mailbox("zoe@example.com")) == 5
    answer = visitor.submit("/confirm", {"request": request_on(visitor), "code": code_for("zoe@example.com")})
    assert answer.status_code == 303
    with database.reading() as db:
        assert db.exec(select(Workspace.name)).all() == ["Acme"]


@both_databases
def test_twenty_requests_from_two_places_stop_no_address_from_registering_or_signing_in(
    people, app, mailbox, register, ask_to_register, code_for
):
    for n in range(20):
        attacker = visitor_from(app, f"203.0.113.{n % 2}")
        attacker.get("/login")
        attacker.submit("/login/code", {"email": "zoe@example.com"})
        attacker.submit("/login/code", {"email": "alice@example.com"})
        ask_to_register(attacker, "zoe@example.com")
    assert len(mailbox("alice@example.com")) == 10
    assert register(Visitor(app), "zoe@example.com").status_code == 303
    alice = Visitor(app)
    alice.get("/login")
    alice.follow(alice.submit("/login/code", {"email": "alice@example.com"}))
    assert alice.submit("/confirm", {"code": code_for("alice@example.com")}).status_code == 303


def test_mail_to_one_address_is_capped_over_all_places_per_purpose(people, app, mailbox, ask_to_register):
    for n in range(25):
        visitor = Visitor(app)
        visitor.get("/login")
        visitor.submit(
            "/login/code", {"email": "alice@example.com"}, environ_base={"REMOTE_ADDR": f"203.0.113.{n}"}
        )
    assert len(mailbox("alice@example.com")) == 20
    assert ask_to_register(Visitor(app), "alice@example.com").status_code == 303
    assert len(mailbox("alice@example.com")) == 21
    clock.shift(timedelta(minutes=13))
    visitor.submit("/login/code", {"email": "alice@example.com"})
    assert len(mailbox("alice@example.com")) == 22


def test_using_the_codes_gives_the_requests_back(people, app, mailbox, code_for):
    for n in range(7):
        visitor = Visitor(app)
        visitor.get("/login")
        visitor.follow(visitor.submit("/login/code", {"email": "alice@example.com"}))
        assert visitor.submit("/confirm", {"code": code_for("alice@example.com")}).status_code == 303, n


# --- guesses ------------------------------------------------------------------------------------


def guesses():
    """How many typed codes were compared with one that was mailed."""
    with database.reading() as db:
        return sum(db.exec(select(MailedCode.attempts)))


def guess(visitor, times=5, email="alice@example.com"):
    """Request a code and type wrong ones. Returns how many were compared."""
    before = guesses()
    visitor.get("/login")
    visitor.follow(visitor.submit("/login/code", {"email": email}))
    for typed in range(times):
        visitor.submit("/confirm", {"request": request_on(visitor), "code": f"{typed:06d}"})
    return guesses() - before


@both_databases
def test_at_most_thirty_guesses_at_an_address_in_a_day_over_all_its_codes(with_password, app):
    compared = 0
    for part in range(8):
        for n in range(4):
            compared += guess(visitor_from(app, f"203.0.113.{4 * part + n}"))
        clock.shift(timedelta(hours=3))
    assert 20 <= compared <= 25
    assert try_password(Visitor(app), "alice@example.com", GOOD_PASSWORD).status_code == 303


def test_guesses_at_registrations_and_sign_ins_share_one_count(people, app, ask_to_register):
    for n in range(8):
        visitor = visitor_from(app, f"203.0.113.{n}")
        if n % 2:
            guess(visitor)
            continue
        visitor.follow(ask_to_register(visitor, "alice@example.com"))
        for _ in range(5):
            visitor.submit("/confirm", {"code": "000000"})
    assert guesses() == 20


def test_one_place_uses_up_neither_the_guesses_of_others_nor_those_of_a_known_browser(
    with_password, app, code_for
):
    known = Visitor(app)
    try_password(known, "alice@example.com", GOOD_PASSWORD)
    known.get("/account")
    known.submit("/logout")
    assert [guess(visitor_from(app, "203.0.113.9")) for _ in range(4)] == [5, 5, 0, 0]
    assert guess(Visitor(app), times=4) == 4
    for n in range(3):
        guess(visitor_from(app, f"203.0.113.{20 + n}"))
    stranger = Visitor(app)
    assert guess(stranger, times=1) == 0
    assert "Sign in with your password, or wait" in stranger.page
    assert guess(known, times=4) == 4
    answer = known.submit("/confirm", {"request": request_on(known), "code": code_for("alice@example.com")})
    assert answer.status_code == 303


# --- known browsers -----------------------------------------------------------------------------


@pytest.fixture
def is_known(app, settings):
    """Whether the cookie of a visitor's browser makes it a known browser of an account."""

    def _is_known(visitor, email="alice@example.com"):
        cookie = visitor.client.get_cookie("known")
        browser = browsers.Browser("", "", "", "", cookie.value if cookie else "", "")
        with database.reading() as db:
            return known_browsers.is_known_to(db, settings, browser, email)

    return _is_known


def test_a_new_password_makes_strangers_of_all_browsers_but_this_one(with_password, app, is_known):
    here, stolen = Visitor(app), Visitor(app)
    for visitor in (here, stolen):
        try_password(visitor, "alice@example.com", GOOD_PASSWORD)
        assert is_known(visitor) and not is_known(visitor, "bob@example.com")
    before = here.client.get_cookie("known").value
    here.get("/account")
    assert here.submit("/account/password", {"password": "violet anchor meadow"}).status_code == 303
    assert is_known(here) and here.client.get_cookie("known").value != before
    assert not is_known(stolen)


@pytest.mark.parametrize("by", ["the person", "an operator"])
def test_signing_out_everywhere_makes_strangers_of_all_browsers(with_password, app, is_known, sign_in, by):
    visitor = Visitor(app)
    try_password(visitor, "alice@example.com", GOOD_PASSWORD)
    visitor.get("/account")
    if by == "the person":
        visitor.submit("/account/sign-out-everywhere")
    else:
        dana = sign_in(with_password.dana)
        dana.get("/admin")
        assert dana.submit(f"/admin/people/{with_password.alice.id}/sign-out").status_code == 303
    assert not is_known(visitor)
    try_password(visitor, "alice@example.com", GOOD_PASSWORD)
    assert is_known(visitor)


def test_a_cookie_that_is_not_ours_is_nobodys(app, settings, is_known, with_password):
    visitor = Visitor(app)
    try_password(visitor, "alice@example.com", GOOD_PASSWORD)
    token, seal, mark = visitor.client.get_cookie("known").value.split(".")
    with app.test_request_context("/login", headers={"Cookie": f"known={token}.{seal}.{mark}"}):
        assert known_browsers.sender() == f"known:{token}"
    for forged in (f"{token}.{'0' * 24}.{mark}", f"{'A' * 43}.{seal}.{mark}", f"{token}..{mark}", "é" * 60):
        visitor.client.set_cookie("known", forged)
        assert not is_known(visitor)
    with app.test_request_context(
        "/login", headers={"Cookie": f"known={token}.{'0' * 24}.{mark}"}, environ_base={"REMOTE_ADDR": "::1"}
    ):
        assert known_browsers.sender() == "::1"


def test_one_place_cannot_mail_to_everybody(app, monkeypatch):
    monkeypatch.setattr(codes, "_PER_SOURCE", Rule("code-source", 5, 600))
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
