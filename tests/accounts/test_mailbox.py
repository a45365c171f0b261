"""The development mailbox displays mail that was not sent, and does not exist in production."""

import logging

import pytest

from app import config
from app.factory import create_app
from tests.support.cases import every
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


PROXY_HEADERS = [
    *("X-Forwarded-For", "x-forwarded-for", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Anything"),
    *("Forwarded", "Via", "X-Real-IP", "x-real-ip", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"),
    *("X-Original-Forwarded-For", "X-Envoy-External-Address", "X-Request-Start", "X-Real-Port", "Client-IP"),
    *("CF-Ray", "CF-IPCountry", "WL-Proxy-Client-IP", "X-Azure-FDID", "X-Url-Scheme", "Front-End-Https"),
]


@pytest.mark.parametrize("peer", ["198.41.0.4", "192.168.1.7", "10.0.0.2", "172.17.0.1", "fd00::2", ""])
def test_it_exists_for_this_machine_only(visitor, two_letters, peer):
    assert visitor.get("/dev/mailbox", environ_base={"REMOTE_ADDR": peer}).status_code == 404


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_have_any_of_its_addresses(visitor, two_letters, peer):
    assert visitor.get("/dev/mailbox", environ_base={"REMOTE_ADDR": peer}).status_code == 200


@pytest.fixture(params=["0", "1"])
def behind(environ, request):
    """A visitor of an installation that trusts so many proxies."""
    return Visitor(create_app(config.load({**environ, "TRUSTED_PROXIES": request.param})))


@every("name", PROXY_HEADERS)
def test_it_does_not_exist_through_a_proxy(behind, name):
    for value in ("127.0.0.1", "for=127.0.0.1", ""):
        # 400: the page is not served under a name that a trusted proxy forwards and nobody configured
        assert behind.get("/dev/mailbox", headers={name: value}).status_code in {400, 404}
    assert behind.get("/dev/mailbox").status_code == 200


def test_it_does_not_exist_through_a_proxy_without_headers(visitor, two_letters):
    """As nginx speaks to what is behind it unless configured otherwise."""
    old = {"SERVER_PROTOCOL": "HTTP/1.0"}
    assert visitor.get("/dev/mailbox", environ_overrides=old).status_code == 404


def test_a_trusted_proxy_cannot_claim_to_be_this_machine(environ):
    """Its header names the person, so the address it makes of the request is not the peer's."""
    behind = Visitor(create_app(config.load({**environ, "TRUSTED_PROXIES": "1"})))
    claim = {"headers": {"X-Forwarded-For": "127.0.0.1"}, "environ_base": {"REMOTE_ADDR": "198.41.0.4"}}
    assert behind.get("/dev/mailbox", **claim).status_code == 404


def test_it_does_not_exist_where_the_address_is_on_the_internet(environ):
    """Even if the mode was named wrongly, and the proxy in front adds no header."""
    public = {**environ, "ENV": "development", "PUBLIC_URL": "https://hub.example.com"}
    behind = Visitor(create_app(config.load(public)))
    for host in ("https://hub.example.com", "http://localhost:8000"):
        assert behind.get("/dev/mailbox", base_url=host).status_code == 404


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
