"""`flask --app wsgi create-operator EMAIL`."""

import pytest
from sqlmodel import select

from app import database
from app.accounts.models import User


@pytest.fixture
def run(app):
    return lambda *words: app.test_cli_runner().invoke(args=["create-operator", *words])


def everybody():
    with database.reading() as db:
        return {user.email: user for user in db.exec(select(User))}


def test_it_makes_a_new_operator_who_signs_in_by_code(run, visitor, code_for):
    result = run("Root@Example.com")
    assert result.exit_code == 0 and "Email me a code" in result.output
    assert everybody()["root@example.com"].is_operator
    visitor.get("/login")
    visitor.follow(visitor.submit("/login/code", {"email": "root@example.com"}))
    arrived = visitor.submit("/confirm", {"code": code_for("root@example.com")})
    visitor.follow(arrived)
    assert "Yes, for this installation" in visitor.page


def test_it_raises_somebody_and_twice_is_no_mistake(people, run):
    assert run("alice@example.com").exit_code == run("alice@example.com").exit_code == 0
    assert everybody()["alice@example.com"].is_operator
    assert len(everybody()) == 4


def test_it_refuses_what_is_no_address_and_explains_itself(run):
    assert run("nonsense").exit_code == 2
    assert "operate this installation" in run("--help").output
