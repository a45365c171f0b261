"""What somebody without an account does, and the mail they receive."""

import secrets

import pytest

from app.accounts import codes
from tests.accounts.steps import GOOD_PASSWORD


@pytest.fixture(autouse=True)
def _in_one_window(early):
    """Codes and attempts are counted per hour."""


@pytest.fixture(autouse=True)
def _codes_above_100000(monkeypatch):
    """No code begins with 0: what a test makes up with zeros is always wrong."""
    draw = secrets.randbelow
    monkeypatch.setattr(codes.secrets, "randbelow", lambda most: most // 10 + draw(most - most // 10))


@pytest.fixture
def ask_to_register():
    def _ask(visitor, email, *, company="Acme", password=GOOD_PASSWORD, **more):
        visitor.get("/register")
        return visitor.submit("/register", {"company": company, "email": email, "password": password, **more})

    return _ask


@pytest.fixture
def register(ask_to_register, code_for):
    """Create an account, including the code; returns the response to the code."""

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
