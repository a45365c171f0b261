"""Mail over SMTP, to a real server: its headers, how it gets there, and what is logged when it does not."""

import logging
import re
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from app import clock
from app.mail import Mailer
from tests.support.product import free_port
from tests.support.smtp_server import HOST, Received, SmtpServer, new_certificate
from tests.support.waiting import AT_MOST_SECONDS, until

SENDER = "Acme Hub <hub@mail.acme.example>"
CODE = "Your code is 123456\n"
PASSWORD = "p%C3%A4%2Fss%23w%40rd%25"


@pytest.fixture
def received():
    return Received()


@pytest.fixture
def server(received):
    with SmtpServer(received) as server:
        yield server


def mailer_to(server, scheme="smtp", login="", **options):
    return Mailer(
        f"{scheme}://{login}{server.authority}", SENDER, None, **{"pauses": (0.05, 0.05), **options}
    )


def ours(caplog):
    """What the product logged; the server of the tests logs too."""
    return "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("app."))


def outcome(caplog):
    """The line of the log that says that a mail was not sent."""

    def lines():
        messages = [each.getMessage() for each in list(caplog.records) if each.levelno == logging.ERROR]
        return [each for each in messages if "was not sent" in each]

    until(lines)
    return lines()[0]


# --- what a mail looks like ---


def test_a_mail_has_every_header_that_receiving_servers_require(server, received):
    mailer_to(server).send("zoe@example.com", "Your code", CODE)
    [mail] = received.wait_for()
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "zoe@example.com", "Your code")
    assert abs(parsedate_to_datetime(mail["Date"]) - clock.now()) < timedelta(seconds=60)
    assert re.fullmatch(r"<[0-9a-f]{32}@mail\.acme\.example>", mail["Message-ID"])
    assert (mail["MIME-Version"], mail["Auto-Submitted"]) == ("1.0", "auto-generated")
    assert mail.get_content() == CODE
    [envelope] = received.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hub@mail.acme.example", ["zoe@example.com"])
    assert received.sessions[0].host_name == "mail.acme.example"


def test_each_mail_has_a_message_id_of_its_own(server, received):
    mailer = mailer_to(server)
    for _ in range(2):
        mailer.send("zoe@example.com", "Your code", CODE)
    first, second = received.wait_for(2)
    assert first["Message-ID"] != second["Message-ID"]


def test_the_date_is_the_moment_it_was_written(server, received):
    clock.shift(timedelta(days=-3))
    mailer_to(server).send("zoe@example.com", "Your code", CODE)
    [mail] = received.wait_for()
    assert abs(parsedate_to_datetime(mail["Date"]) - clock.now()) < timedelta(seconds=60)


def test_any_text_travels_in_ascii_lines_of_ordinary_length(server, received):
    text = "“Grüße” 👩‍💻 " + "x" * 3000 + "\n.\nFrom here on\nhttps://hub.example.com/a?b=c\n"
    mailer_to(server).send("zoe@example.com", "Grüße " * 30, text)
    [mail] = received.wait_for()
    assert mail.get_content() == text
    assert mail["Subject"] == ("Grüße " * 30).strip()
    raw = received.envelopes[0].content
    assert raw.isascii() and max(len(line) for line in raw.split(b"\r\n")) <= 78


@pytest.mark.parametrize(
    "subject", ["Hello\r\nBcc: eve@evil.example", "Hello\nBcc: eve@evil.example\n\nBody"]
)
def test_a_subject_cannot_add_headers_or_recipients(server, received, subject):
    mailer_to(server).send("zoe@example.com", subject, CODE)
    [mail] = received.wait_for()
    assert mail["Bcc"] is None and mail["Subject"].startswith("Hello Bcc: eve@evil.example")
    assert received.envelopes[0].rcpt_tos == ["zoe@example.com"]


@pytest.mark.parametrize("word", ["=?utf-8?q?=0d=0aBcc:_eve@evil.example?=", "=?utf-8?b?DQpCY2M6IHhAeS56?="])
def test_a_subject_that_looks_encoded_is_not_decoded(server, received, word):
    mailer_to(server).send("zoe@example.com", f"{word} asks for your yes", "Text")
    [mail] = received.wait_for()
    assert mail["Bcc"] is None and mail["Subject"] == f"= {word[1:]} asks for your yes"
    assert received.envelopes[0].rcpt_tos == ["zoe@example.com"]


@pytest.mark.parametrize(
    "to", ["zoe@example.com, eve@evil.example", "zoe@example.com\r\nBcc: eve@evil.example", "zoe", "", "@"]
)
def test_a_mail_to_anything_but_one_address_is_not_sent(server, received, caplog, to):
    mailer = mailer_to(server)
    mailer.send(to, "Your code", CODE)
    assert "not a valid mail to one address" in outcome(caplog)
    mailer.send("yan@example.com", "Your code", CODE)
    assert [mail["To"] for mail in received.wait_for()] == ["yan@example.com"]


def test_without_a_sender_set_mail_comes_from_our_own_host(environ, received, server):
    from app import config
    from app.factory import create_app

    environ |= {"PUBLIC_URL": "https://hub.example.com", "MAIL_URL": f"smtp://{server.authority}"}
    create_app(config.load(environ)).extensions["mailer"].send("zoe@example.com", "Your code", CODE)
    [mail] = received.wait_for()
    assert mail["From"] == "Patchbay <no-reply@hub.example.com>"
    assert mail["Message-ID"].endswith("@hub.example.com>")


# --- the doors of a mail server ---


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    made = new_certificate(tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    return made


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp+tls", False), ("smtps", True)])
@pytest.mark.parametrize("password", ["plain", PASSWORD])
def test_it_signs_in_over_tls(received, certificate, scheme, implicit, password):
    with SmtpServer(received, certificate=certificate, implicit_tls=implicit, auth_required=True) as server:
        mailer_to(server, scheme, f"hub:{password}@").send("zoe@example.com", "Your code", CODE)
        assert len(received.wait_for()) == 1
    assert implicit or received.sessions[0].ssl is not None
    assert received.logins[-1][1:] == ("hub", "plain" if password == "plain" else "pä/ss#w@rd%")


def test_it_signs_in_where_only_the_mechanism_login_is_offered(received):
    with SmtpServer(received, auth_required=True, auth_exclude_mechanism=["PLAIN"]) as server:
        mailer_to(server, login=f"hub:{PASSWORD}@").send("zoe@example.com", "Your code", CODE)
        received.wait_for()
    assert received.logins == [("LOGIN", "hub", "pä/ss#w@rd%")]


def test_starttls_is_never_done_without(server, received, caplog):
    mailer_to(server, "smtp+tls").send("zoe@example.com", "Your code", CODE)
    assert outcome(caplog) == "a mail to example.com was not sent: the mail server offers no STARTTLS"
    assert received.envelopes == []


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp+tls", False), ("smtps", True)])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(received, tmp_path, caplog, scheme, implicit):
    stranger = new_certificate(tmp_path / "stranger.pem")
    with SmtpServer(received, certificate=stranger, implicit_tls=implicit) as server:
        mailer_to(server, scheme).send("zoe@example.com", "Your code", CODE)
        assert "certificate is not valid for its name" in outcome(caplog)
    assert received.envelopes == []


# --- a mail that was not sent ---


@pytest.mark.parametrize("login", ["hub:wrong@", "hub:wr%C3%B6ng@"])
def test_a_refused_password_is_logged_without_it(received, caplog, login):
    with SmtpServer(received, auth_required=True) as server:
        mailer_to(server, login=login).send("zoe@example.com", "Your code", CODE)
        line = outcome(caplog)
    assert "refused the user or password of MAIL_URL (535 5.7.8)" in line
    assert len(received.logins) <= 2  # a wrong password is not tried again and again
    assert not re.search("wr.ng|wr%|123456|zoe@|hub", ours(caplog))


def test_a_server_that_takes_no_password_unencrypted_is_named_as_such(received, certificate, caplog):
    with SmtpServer(received, certificate=certificate, auth_required=True) as server:
        mailer_to(server, login="hub:plain@").send("zoe@example.com", "Your code", CODE)
        assert "MAIL_URL may have to start with smtp+tls://" in outcome(caplog)


@pytest.mark.parametrize(
    ("reply", "numbers"), [("550 5.1.1 zoe@example.com unknown", "550 5.1.1"), ("550 no", "550")]
)
def test_a_refused_recipient_is_not_tried_again(caplog, reply, numbers):
    received = Received(replies=[reply])
    with SmtpServer(received) as server:
        mailer_to(server).send("zoe@example.com", "Your code", CODE)
        line = outcome(caplog)
    assert line == f"a mail to example.com was not sent: the mail server refused the recipient ({numbers})"
    assert received.envelopes == [] and "zoe@" not in ours(caplog) and "123456" not in ours(caplog)


def test_a_greylisted_mail_is_sent_again_later(caplog):
    received = Received(replies=["450 4.2.0 greylisted", "451 4.7.1 come back"])
    with SmtpServer(received) as server:
        mailer_to(server).send("zoe@example.com", "Your code", CODE)
        assert len(received.wait_for()) == 1
    waits = [r.getMessage() for r in caplog.records if "has to wait" in r.getMessage()]
    assert len(waits) == 2 and "(450 4.2.0)" in waits[0] and "zoe" not in ours(caplog)


def test_a_mail_that_is_put_off_for_ever_is_given_up_and_logged(caplog):
    received = Received(replies=["450 4.2.0 greylisted"] * 9)
    with SmtpServer(received) as server:
        mailer_to(server).send("zoe@example.com", "Your code", CODE)
        assert outcome(caplog).endswith("refused the recipient (450 4.2.0)")
    assert len(received.replies) == 6  # three tries


def test_a_connection_that_drops_is_tried_again_with_the_same_message_id():
    received = Received(drops=1)
    with SmtpServer(received) as server:
        mailer_to(server).send("zoe@example.com", "Your code", CODE)
        [mail] = received.wait_for()
    assert len(received.dropped) == 1 and mail["Message-ID"].encode() in received.dropped[0]


def test_a_server_that_is_not_there_is_logged(caplog):
    Mailer(f"smtp://{HOST}:{free_port()}", SENDER, None, pauses=()).send("zoe@example.com", "Your code", CODE)
    assert outcome(caplog) == "a mail to example.com was not sent: the mail server cannot be reached"


def test_a_server_whose_name_is_unknown_is_logged(caplog):
    Mailer("smtp://mail.invalid", SENDER, None, pauses=()).send("zoe@example.com", "Your code", CODE)
    assert "name of the mail server cannot be resolved" in outcome(caplog)


def test_a_mail_that_waits_when_the_process_ends_is_logged(tmp_path):
    import subprocess
    import sys

    program = (
        "import logging, sys, time\n"
        "from app.mail import Mailer\n"
        "logging.basicConfig()\n"
        "mailer = Mailer(sys.argv[1], 'hub@acme.example', None, pauses=(600,))\n"
        "mailer.send('zoe@example.com', 'Your code', '123456')\n"
        "while not mailer._delivery._paused: time.sleep(0.01)\n"
    )
    with SmtpServer(Received(replies=["450 4.2.0 greylisted"])) as server:
        ended = subprocess.run(
            [sys.executable, "-c", program, f"smtp://{server.authority}"],
            capture_output=True,
            text=True,
            timeout=AT_MOST_SECONDS,
        )
    assert "a mail to example.com was not sent: the process ended before another try" in ended.stderr
    assert "123456" not in ended.stderr and "zoe@" not in ended.stderr


def test_a_pause_that_ends_while_the_process_ends_sends_nothing_more(caplog):
    with SmtpServer(Received(replies=["450 4.2.0 greylisted"])) as server:
        mailer = mailer_to(server, pauses=(600,))
        mailer.send("zoe@example.com", "Your code", CODE)
        until(lambda: mailer._delivery._paused)
        [timer] = mailer._delivery._paused
        mailer._delivery._give_up()
        timer.function()  # as the timer's thread does at that moment
        timer.cancel()
    assert ours(caplog).count("was not sent") == 1
