"""Expired rows are deleted, a limited number at a time."""

from datetime import timedelta

from sqlmodel import select

from app import clock, database
from app.accounts import cleanup
from app.accounts.models import Budget, LoginSession, MailedCode
from tests.accounts.steps import GOOD_PASSWORD, try_password
from tests.conftest import both_databases
from tests.support.visitor import Visitor


def left():
    with database.reading() as db:
        return [len(db.exec(select(model)).all()) for model in (MailedCode, LoginSession, Budget)]


@both_databases
def test_signing_in_clears_what_has_expired_and_keeps_what_lives(with_password, app, sign_in):
    visitor = Visitor(app)
    visitor.get("/login")
    visitor.submit("/login/code", {"email": "bob@example.com"})
    sign_in(with_password.bob)
    clock.shift(timedelta(days=15))
    alive = sign_in(with_password.alice)
    try_password(Visitor(app), "alice@example.com", GOOD_PASSWORD)
    codes, sessions, budgets = left()
    assert (codes, sessions) == (0, 2)
    assert budgets <= 4
    assert alive.get("/account").status_code == 200


def test_one_sweep_takes_a_bounded_piece(people, sign_in):
    for _ in range(5):
        sign_in(people.bob)
    clock.shift(timedelta(days=31))
    with database.transaction() as db:
        assert cleanup.sweep(db, at_once=2) == 2
    assert left()[1] == 3
