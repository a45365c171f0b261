"""A company registers and confirms its address by API. Responses never reveal whether an address is known."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.accounts import codes
from app.accounts import people as persons
from app.accounts.models import MailedCode, User
from app.onboarding.models import SetupToken
from app.workspaces.models import Workspace
from tests.conftest import both_databases
from tests.onboarding.conftest import Company, error_of

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


def count(model):
    with database.reading() as db:
        return len(db.exec(select(model)).all())


def test_a_code_is_mailed_and_becomes_a_setup_token(company):
    answer = company.register()
    assert answer.status_code == 201
    assert answer.json["email"] == company.email and answer.json["expires_in"] == 600
    assert company.code() not in answer.text
    confirmed = company.confirm()
    assert confirmed.status_code == 200
    assert confirmed.json["setup_token"].startswith("pbi_") and confirmed.json["expires_in"] == 3600
    assert "Set-Cookie" not in confirmed.headers and confirmed.headers["Cache-Control"] == "no-store"
    assert (count(User), count(Workspace)) == (0, 0), "nothing exists before the credentials were checked"


def test_neither_code_nor_setup_token_is_stored(company):
    token = company.setup_token()
    with database.reading() as db:
        codes, rows = db.exec(select(MailedCode)).all(), db.exec(select(SetupToken)).all()
    assert company.code() not in repr(codes) and codes[0].code_hash.startswith("$argon2id$")
    assert token not in repr(rows) and len(rows) == 1


def test_the_address_is_kept_as_everywhere(company):
    company.register(email="  Erin@HARBOUR.example ")
    assert company.confirm(email="ERIN@harbour.example").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "company"),
        ({"company": "Acme"}, "email"),
        ({"email": "erin@harbour.example"}, "company"),
        ({"company": "  ", "email": "erin@harbour.example"}, "company"),
        ({"company": "Acme", "email": "erin"}, "email"),
        ({"company": "A" * 101, "email": "erin@harbour.example"}, "company"),
        ({"company": "Ac\u202eme", "email": "erin@harbour.example"}, "company"),
        ({"company": "Ac\nme", "email": "erin@harbour.example"}, "company"),
        ({"company": 7, "email": "erin@harbour.example"}, "company"),
        ({"company": "Acme", "email": ["erin@harbour.example"]}, "email"),
        ({"company": "Acme", "email": "erin@harbour.example\r\nBcc: eve@evil.example"}, "email"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_mailed(company, body, field):
    refused = company.post("/api/register", body)
    assert refused.status_code in {400, 422}
    assert field in error_of(refused)["details"]["fields"]
    assert not company.letters() and count(MailedCode) == 0
    assert company.register().status_code == 201


def test_known_and_unknown_addresses_get_the_same_answer(app, people, company):
    with database.transaction() as db:
        persons.disable(db, db.get(User, people.bob.id))
    answers = {}
    for name, email in {
        "new": company.email,
        "known": people.alice.email,
        "disabled": people.bob.email,
    }.items():
        someone = Company(app, email=email)
        answer = someone.register()
        wrong = someone.confirm("000000" if not someone.letters() or someone.code() != "000000" else "000001")
        answers[name] = [
            (
                each.status_code,
                sorted(each.headers.keys()),
                each.text.replace(email, "X").replace(each.headers["X-Request-Id"], "I"),
            )
            for each in (answer, wrong)
        ]
    assert answers["new"] == answers["known"] == answers["disabled"]
    assert not Company(app, email=people.bob.email).letters()
    assert "You already have" in Company(app, email=people.alice.email).letters()[0]
    assert "You already have" not in company.letters()[0]


def test_confirming_tells_nothing_of_addresses_that_never_registered(app, company):
    company.register()
    digits = "000000" if company.code() != "000000" else "000001"
    wrong, never = company.confirm(digits), company.confirm(digits, email="nobody@harbour.example")
    assert error_of(wrong)["message"] == error_of(never)["message"]
    assert wrong.status_code == never.status_code == 422
    assert company.confirm().status_code == 200


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "12 34", None, 123456, "１２３"])
def test_what_is_no_code_is_refused(company, code):
    company.register()
    refused = company.post("/api/confirm", {"email": company.email, "code": code})
    assert refused.status_code in {400, 422}
    error_of(refused)
    assert company.confirm().status_code == 200


def test_five_wrong_tries_end_a_code(company):
    company.register()
    right = company.code()
    for n in range(5):
        assert company.confirm(f"{(int(right) + n + 1) % 1_000_000:06d}").status_code == 422
    assert error_of(company.confirm(right))["code"] == "CODE_REFUSED"
    company.register()
    assert company.confirm().status_code == 200


def test_a_code_ends_after_ten_minutes(company):
    company.register()
    clock.shift(timedelta(minutes=10, seconds=1))
    assert company.confirm().status_code == 422
    company.register()
    assert company.confirm().status_code == 200


def test_only_the_newest_code_counts(company):
    company.register()
    first = company.code()
    company.register()
    if company.code() == first:
        company.register()
    assert company.confirm(first).status_code == 422
    newest = company.confirm()
    assert newest.status_code == 200
    assert company.confirm(first).status_code == 422


@both_databases
def test_of_many_at_once_one_gets_a_setup_token(company):
    company.register()
    code = company.code()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: company.confirm(code).status_code, range(8)))
    assert answers.count(200) == 1 and set(answers) <= {200, 422}
    assert count(SetupToken) == 1


@both_databases
def test_one_that_is_overtaken_before_it_reads_the_code_gets_no_setup_token(company, monkeypatch):
    company.register()
    code, reading = company.code(), codes.reading

    def overtaken():
        monkeypatch.setattr(codes, "reading", reading)
        assert company.confirm(code).status_code == 200
        return reading()

    monkeypatch.setattr(codes, "reading", overtaken)
    assert company.confirm(code).status_code == 422
    assert count(SetupToken) == 1


@both_databases
def test_parallel_guesses_share_the_five_tries(company):
    company.register()
    right = int(company.code())
    guesses = [f"{(right + n) % 1_000_000:06d}" for n in range(1, 21)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda guess: company.confirm(guess).status_code, guesses)) == {422}
    with database.reading() as db:
        assert db.exec(select(MailedCode.attempts)).one() == 5
    assert company.confirm().status_code == 422


def test_a_code_of_the_pages_does_nothing_here_and_the_other_way_round(app, company, visitor):
    visitor.get("/register")
    visitor.submit(
        "/register", {"company": "Harbour", "email": company.email, "password": "violet-anchor-meadow-62"}
    )
    assert company.confirm().status_code == 422
    company.register()
    with database.reading() as db:
        code_id = db.exec(select(MailedCode.id).where(MailedCode.purpose == "api_register")).one()
    fresh = type(visitor)(app)
    fresh.get("/login")
    assert fresh.submit("/confirm", {"request": code_id, "code": company.code()}).status_code in {303, 422}
    assert fresh.get("/account").status_code != 200
    assert company.confirm().status_code == 200


@both_databases
def test_the_mails_to_one_address_are_limited_exactly_and_the_answer_is_the_same(company, early):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: company.register(), range(14)))
    assert {(answer.status_code, answer.get_data()) for answer in answers} == {(201, answers[0].get_data())}
    assert len(company.letters()) == 5
    # The last code made counts, whose mail need not be the last of several sent at once.
    assert 200 in (company.confirm(code).status_code for code in company.codes())
    assert Company(company.app, email="other@harbour.example").register().status_code == 201


@both_databases
def test_requests_from_elsewhere_replace_no_code(app, company, early):
    company.register()
    code = company.code()
    for n in range(20):
        elsewhere = Company(app, email=company.email, address=f"198.51.100.{n % 2}")
        assert elsewhere.register().status_code == 201
    assert company.confirm(code).status_code == 200


def test_guessing_from_one_place_is_limited_over_all_addresses(app, company, monkeypatch, early):
    from app.accounts.budgets import Rule
    from app.onboarding import registering

    monkeypatch.setattr(registering, "_CONFIRMED_PER_SOURCE", Rule("api-confirm-source", 3, 3_600))
    for n in range(3):
        assert company.confirm("123456", email=f"{n}@harbour.example").status_code == 422
    company.register()
    assert company.confirm().status_code == 429
    elsewhere = Company(app, address="198.51.100.4")
    assert elsewhere.confirm().status_code == 200
