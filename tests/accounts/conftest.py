"""What somebody without an account does, and the mail they get."""

import re

import pytest

from tests.accounts.steps import GOOD_PASSWORD


@pytest.fixture(autouse=True)
def _in_one_window(early):
    """Codes and tries are counted by the hour."""


@pytest.fixture
def mailbox(app):
    """`mailbox("zoe@example.com")` gives the letters to an address, newest first."""
    return lambda to: [letter for letter in app.extensions["mailer"].letters() if letter.to == to]


@pytest.fixture
def code_for(mailbox):
    """`code_for(address)` gives the digits in the newest letter to an address."""
    return lambda to: re.search(r"code is (\d{6})", mailbox(to.lower())[0].text).group(1)


@pytest.fixture
def ask_to_register():
    def _ask(visitor, email, *, company="Acme", password=GOOD_PASSWORD, **more):
        visitor.get("/register")
        return visitor.submit("/register", {"company": company, "email": email, "password": password, **more})

    return _ask


@pytest.fixture
def register(ask_to_register, code_for):
    """Create an account all the way; gives the answer after the code."""

    def _register(visitor, email, **options):
        visitor.follow(ask_to_register(visitor, email, **options))
        return visitor.submit("/confirm", {"code": code_for(email)})

    return _register


@pytest.fixture
def with_password(people):
    """alice and bob have the good password."""
    from sqlmodel import col, update

    from app import database
    from app.accounts import passwords
    from app.accounts.models import User

    with database.transaction() as db:
        hashed = passwords.hash_secret(GOOD_PASSWORD)
        db.exec(
            update(User)
            .where(col(User.id).in_([people.alice.id, people.bob.id]))
            .values(password_hash=hashed)
        )
    return people
