"""While the database or the mail server is down, the response is a sentence, and nothing is half done."""

import smtplib
import threading
import time

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from app import config, database
from app.accounts.models import MailedCode
from app.factory import create_app
from tests.accounts.steps import GOOD_PASSWORD, try_password
from tests.support.visitor import Visitor
from tests.support.waiting import PROMPTLY_SECONDS


@pytest.fixture
def database_away(monkeypatch):
    def leave():
        class Gone:
            def __init__(self, *_, **__):
                raise OperationalError("SELECT 1", {}, Exception("gone"))

        monkeypatch.setattr(database, "Session", Gone)

    return leave


@pytest.mark.parametrize("page", ["/login", "/register", "/account", "/confirm", "/nowhere"])
def test_pages_say_so_while_the_database_is_away(people, sign_in, database_away, page):
    alice = sign_in(people.alice)
    alice.get("/login")
    database_away()
    answer = alice.get(page)
    assert answer.status_code == (404 if page == "/nowhere" else 503)
    assert "Traceback" not in answer.text


def test_a_password_is_never_taken_while_tries_cannot_be_counted(with_password, visitor, database_away):
    visitor.get("/login")
    database_away()
    answer = visitor.submit("/login", {"email": "alice@example.com", "password": GOOD_PASSWORD})
    assert answer.status_code == 503 and "Set-Cookie" not in answer.headers
    assert "briefly unavailable" in answer.text


def test_somebody_can_sign_in_again_when_it_is_back(with_password, visitor, database_away, monkeypatch):
    visitor.get("/login")
    database_away()
    visitor.submit("/login", {"email": "alice@example.com", "password": GOOD_PASSWORD})
    monkeypatch.undo()
    assert try_password(visitor, "alice@example.com", GOOD_PASSWORD).status_code == 303


def test_a_mail_server_that_does_not_answer_changes_no_answer(environ, monkeypatch):
    answered = threading.Event()

    def refuse(*_, **__):
        answered.wait(30)
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(smtplib, "SMTP", refuse)
    application = create_app(config.load({**environ, "MAIL_URL": "smtp://mail.example.com"}))
    visitor = Visitor(application)
    visitor.get("/login")
    began = time.monotonic()
    assert visitor.submit("/login/code", {"email": "zoe@example.com"}).status_code == 303
    assert time.monotonic() - began < PROMPTLY_SECONDS
    answered.set()
    with database.reading() as db:
        assert len(db.exec(select(MailedCode)).all()) == 1
