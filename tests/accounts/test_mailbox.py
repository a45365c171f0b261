"""The development mailbox displays mail that was not sent, and does not exist in production."""

import logging

import pytest

from app import config
from app.factory import create_app
from tests.support.visitor import Visitor


@pytest.fixture
def two_letters(app):
    mailer = app.extensions["mailer"]
    mailer.send("zoe@example.com", "First", "one")
    mailer.send("yan@example.com", "Second <b>", "two\nlines")


def test_newest_comes_first_and_text_is_escaped(visitor, two_letters):
    answer = visitor.get("/dev/mailbox")
    assert answer.text.index("Second &lt;b&gt;") < answer.text.index("First")


@pytest.mark.parametrize(
    "ask", [{"query_string": "format=json"}, {"headers": {"Accept": "application/json"}}]
)
def test_programs_read_it_as_json(visitor, two_letters, ask):
    letters = visitor.get("/dev/mailbox", **ask).json["letters"]
    assert [(each["to"], each["subject"], each["text"]) for each in letters] == [
        ("yan@example.com", "Second <b>", "two\nlines"),
        ("zoe@example.com", "First", "one"),
    ]


def test_it_can_show_one_address_only(visitor, two_letters):
    assert [
        each["subject"] for each in visitor.get("/dev/mailbox?format=json&to=zoe@example.com").json["letters"]
    ] == ["First"]


def test_it_does_not_exist_in_production(environ):
    production = {**environ, "ENV": "production", "SANDBOX": "0", "PUBLIC_URL": "https://hub.example.com"}
    assert (
        Visitor(create_app(config.load(production)))
        .get("/dev/mailbox", base_url="https://hub.example.com")
        .status_code
        == 404
    )


@pytest.mark.parametrize(
    "stranger",
    [{"environ_base": {"REMOTE_ADDR": "198.41.0.4"}}, {"headers": {"X-Forwarded-For": "203.0.113.9"}}],
)
def test_it_is_not_shown_to_the_internet(visitor, two_letters, stranger):
    assert visitor.get("/dev/mailbox", **stranger).status_code == 404


def test_in_development_the_log_holds_the_mail_too(app, caplog):
    with caplog.at_level(logging.INFO):
        app.extensions["mailer"].send("zoe@example.com", "Your code", "Your code is 123456")
    assert "Your code is 123456" in caplog.text


def test_in_production_a_mail_that_cannot_be_sent_is_never_lost_silently(environ, caplog, monkeypatch):
    monkeypatch.setattr("app.logs.configure", lambda *_: None)
    production = {**environ, "ENV": "production", "SANDBOX": "0", "PUBLIC_URL": "https://hub.example.com"}
    application = create_app(config.load(production))
    assert "MAIL_URL is not set: no mail is sent" in caplog.text
    caplog.clear()
    application.extensions["mailer"].send("zoe@example.com", "Your code", "Your code is 123456")
    assert "a mail to example.com was not sent: MAIL_URL is not set" in caplog.text
    assert "123456" not in caplog.text and "zoe@" not in caplog.text
