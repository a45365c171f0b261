"""Mail that can't leave for a reason of ours: nothing is lost, nobody is flooded, and pages say it."""

import contextlib
import itertools
import logging
import socket
import threading
from datetime import timedelta

import pytest

from app import clock, database
from app.mail import Mailer
from app.notifications import lines, mail_health, run
from app.vault.models import Connection
from tests.conftest import both_databases
from tests.notifications.test_reminders import QUARTER, at_hour, ends_in, expire_approval  # noqa: F401
from tests.support.smtp_server import HOST, Received, SmtpServer, new_certificate

pytestmark = pytest.mark.usefixtures("patient_database")

ALICE, BOB = "alice@example.com", "bob@example.com"
SENDER = "Patchbay <hub@example.com>"
FAULTS = {
    "wrong password": ("the mail server refused the user or password of MAIL_URL", "doesn't accept our mail"),
    "relays for nobody": ("the mail server refused the recipient (550 5.7.1)", "doesn't accept our mail"),
    "refuses every mail": ("the mail server refused the recipient (554 5.7.0)", "doesn't accept our mail"),
    "closes": ("the mail server closed the connection", "doesn't accept our mail"),
    "bad certificate": ("the mail server's certificate is not valid", "doesn't accept our mail"),
    "speaks no TLS": ("TLS with the mail server failed", "doesn't accept our mail"),
    "unknown name": ("the name of the mail server cannot be resolved", "doesn't accept our mail"),
    "nobody listens": ("the mail server cannot be reached", "doesn't accept our mail"),
    "not set up": ("MAIL_URL is not set", "mail is not set up"),
}


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """`with failing("closes") as mailer:` a mailer whose mail can't leave for that reason."""

    @contextlib.contextmanager
    def _failing(fault):
        scheme, login, options, received = "smtp", "", {}, Received()
        if fault == "wrong password":
            login, options = "hub:wrong@", {"auth_required": True}
        elif fault == "relays for nobody":
            received = Received(replies=["550 5.7.1 Relaying denied"] * 99)
        elif fault == "refuses every mail":
            received = Received(replies=["554 5.7.0 Rejected"] * 99)
        elif fault == "closes":
            received = Received(drops=99)
        elif fault == "bad certificate":
            scheme = "smtps"
            options = {"certificate": new_certificate(tmp_path / "stranger.pem"), "implicit_tls": True}
        elif fault == "speaks no TLS":
            scheme = "smtps"
        elif fault == "unknown name":
            with monkeypatch.context() as resolver:
                resolver.setattr(socket, "getaddrinfo", unknown_name)
                yield Mailer("smtp://mail.invalid", SENDER, None)
            return
        elif fault == "nobody listens":
            with socket.socket() as taken:  # so that nobody else listens there either
                taken.bind((HOST, 0))
                yield Mailer(f"smtp://{HOST}:{taken.getsockname()[1]}", SENDER, None)
            return
        elif fault == "not set up":
            yield Mailer(None, SENDER, None)
            return
        with SmtpServer(received, **options) as server:
            yield Mailer(f"{scheme}://{login}{server.authority}", SENDER, None)

    return _failing


def unknown_name(*_given, **_more):
    """What a resolver says, without waiting for one."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.fixture
def working():
    """`with working() as (mailer, received):` a mail server that takes everything."""

    @contextlib.contextmanager
    def _working(received=None):
        received = received or Received()
        with SmtpServer(received) as server:
            yield Mailer(f"smtp://{server.authority}", SENDER, None), received

    return _working


@pytest.fixture
def look(settings):
    """`look(mailer, minutes=30)` moves the clock in eight steps, looking each time."""

    def _look(mailer, **given):
        left, emails = timedelta(**given), 0
        pause = max(timedelta(seconds=15), left / 8)
        while left > timedelta():
            step = min(left, pause)
            clock.shift(step)
            left -= step
            emails += run.tick(settings, mailer)
        return emails

    return _look


def line(connection, viewer=""):
    """What the card says about who was emailed."""
    with database.reading() as db:
        row = db.get(Connection, connection.id)
        return lines.notified_lines(db, [row], viewer_id=viewer).get(connection.id, "")


def sent(received):
    return [(mail["To"], mail["Subject"]) for mail in received.mails]


def warnings(caplog):
    ours = [record for record in caplog.records if record.name.startswith("app.")]
    return [record.getMessage() for record in ours if record.levelno >= logging.WARNING]


@both_databases
@pytest.mark.parametrize("fault", FAULTS)
def test_what_could_not_be_emailed_waits_and_goes_out_once_when_mail_works(
    fault, connect, end, failing, working, look, caplog, database_kind
):
    reason, on_the_card = FAULTS[fault]
    connection = connect()
    end(connection)
    with failing(fault) as mailer:
        assert look(mailer, hours=3) == 0
    state = mail_health.present()
    assert reason in state.reason and state.waiting == 1
    assert clock.now() - state.failing_since > timedelta(hours=2)
    assert line(connection).startswith(f"We couldn't email {ALICE} (") and on_the_card in line(connection)
    assert line(connection, "usr_alice").startswith("We couldn't email you (")
    assert len(warnings(caplog)) == 1 and reason in warnings(caplog)[0], "one line per change of state"
    with working() as (mailer, received):
        look(mailer, minutes=30)
        look(mailer, days=2)
    assert sent(received) == [(ALICE, "Xero needs to be reconnected")]
    assert mail_health.present().failing_since is None and mail_health.present().waiting == 0
    assert line(connection).startswith("Alice was emailed ")
    assert len(warnings(caplog)) == 2 and "emailed again" in warnings(caplog)[1]


def test_the_mail_server_is_left_alone_longer_and_longer(connect, end, failing, settings, monkeypatch):
    tries = []
    real = Mailer.deliver
    monkeypatch.setattr(Mailer, "deliver", lambda *a, **k: tries.append(clock.now()) or real(*a, **k))
    for slug in ("xero", "stripe"):
        end(connect(slug))
    with failing("not set up") as mailer:
        for _ in range(4 * 60):
            clock.shift(timedelta(seconds=15))
            run.tick(settings, mailer)
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert timedelta(seconds=45) <= gaps[0] <= timedelta(minutes=2), "soon at first"
    assert all(timedelta(minutes=7) <= gap <= timedelta(minutes=11) for gap in gaps[4:]) and len(gaps) > 5


def test_one_try_finds_out_for_everybody(connect, end, failing, working, look, people, monkeypatch):
    end(connect())
    end(connect("stripe", owner=people.bob))
    tries = []
    real = Mailer.deliver
    monkeypatch.setattr(Mailer, "deliver", lambda *a, **k: tries.append(a[1]) or real(*a, **k))
    with failing("wrong password") as mailer:
        look(mailer, seconds=45)
    assert len(tries) == 1, "the other person's email would fail the same way"
    with working() as (mailer, received):
        look(mailer, minutes=5)
    assert sorted(sent(received)) == [
        (ALICE, "Xero needs to be reconnected"),
        (BOB, "Stripe needs to be reconnected"),
    ]


def test_what_works_again_meanwhile_is_not_mentioned(connect, end, reconnect, failing, working, look):
    connection = connect()
    end(connection)
    with failing("wrong password") as mailer:
        look(mailer, hours=2)
        reconnect(connection)
        look(mailer, hours=2)
    with working() as (mailer, received):
        look(mailer, days=1)
    assert sent(received) == [] and line(connection) == ""


@both_databases
def test_after_days_without_mail_one_email_tells_how_things_are_now(
    connect, end, reconnect, failing, working, look, database_kind
):
    earlier = connect("stripe")
    with working() as (mailer, received):
        end(earlier)
        look(mailer, minutes=2)
    assert sent(received) == [(ALICE, "Stripe needs to be reconnected")]
    with failing("not set up") as mailer:
        reconnect(earlier)
        look(mailer, days=1)
        end(connect())
        look(mailer, days=2)
        end(connect("gmail"))
        look(mailer, days=2)
    with working() as (mailer, received):
        look(mailer, minutes=30)
        look(mailer, days=2)
    assert sent(received) == [
        (ALICE, "Gmail and Xero need to be reconnected; Stripe works again"),
    ], "she was told that Stripe broke, so she is told that it works"
    (mail,) = received.mails
    assert mail.get_content().count("You're receiving this email") == 1


def test_a_reminder_names_a_connection_once_after_days_without_mail(ends_in, failing, working, look):  # noqa: F811
    at_hour(10)
    ends_in(days=8)
    with failing("wrong password") as mailer:
        look(mailer, days=6, hours=12)
    with working() as (mailer, received):
        look(mailer, minutes=30)
        look(mailer, days=1)
    assert sent(received) == [(ALICE, "Gmail access ends in 2 days")]
    assert received.mails[0].get_content().count("- Gmail") == 1


def test_expired_approvals_are_told_after_two_days_without_mail(expire_approval, failing, working, look):  # noqa: F811
    at_hour(12)
    expire_approval("Send an invoice")
    with failing("closes") as mailer:
        look(mailer, days=2, hours=6)
    with working() as (mailer, received):
        look(mailer, hours=24)
    assert sent(received) == [(ALICE, "1 approval expired")]


class RefusingOne(Received):
    """Refuses one recipient with that reply and takes mail for everybody else."""

    def __init__(self, address, reply):
        super().__init__()
        self.address, self.reply, self.refused = address, reply, 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address != self.address:
            return await super().handle_RCPT(server, session, envelope, address, options)
        self.refused += 1
        return self.reply


def test_a_refusal_of_one_address_ends_it_and_is_no_failure_of_mail(
    connect, end, working, look, people, caplog
):
    refused, other = connect(), connect("stripe", owner=people.bob)
    end(refused)
    end(other)
    with working(RefusingOne(ALICE, "550 5.1.1 no such user")) as (mailer, received):
        look(mailer, hours=5)
    assert received.refused == 1 and sent(received) == [(BOB, "Stripe needs to be reconnected")]
    assert line(refused) == f"We couldn't email {ALICE} (the mail server refused the address)."
    assert mail_health.present().failing_since is None and mail_health.present().waiting == 0
    assert not [each for each in warnings(caplog) if "can't be emailed" in each]


def test_a_refusal_by_a_rule_is_about_one_address_if_mail_to_others_leaves(
    connect, end, working, look, people, caplog
):
    refused = connect()
    end(refused)
    end(connect("stripe", owner=people.bob))
    with working(RefusingOne(ALICE, "554 5.7.1 rejected by policy")) as (mailer, received):
        look(mailer, hours=8)
    assert received.refused == 2 and len(sent(received)) == 1
    assert "refused the address" in line(refused) and mail_health.present().waiting == 0
    assert not [each for each in warnings(caplog) if "can't be emailed" in each]


@both_databases
def test_several_processes_make_one_try_and_send_one_email(
    connect, end, failing, working, settings, database_kind, caplog
):
    for slug in ("xero", "stripe"):
        end(connect(slug))

    def all_look(mailer):
        start = threading.Barrier(6)

        def one():
            start.wait()
            run.send_all(settings, mailer)

        crew = [threading.Thread(target=one) for _ in range(6)]
        for each in crew:
            each.start()
        for each in crew:
            each.join()

    clock.shift(timedelta(minutes=1))
    with failing("wrong password") as mailer:
        for _ in range(3):
            all_look(mailer)
            clock.shift(timedelta(minutes=20))
    assert len(warnings(caplog)) == 1
    with working() as (mailer, received):
        all_look(mailer)
        all_look(mailer)
    assert sent(received) == [(ALICE, "Stripe and Xero need to be reconnected")]


@both_databases
def test_a_crash_after_the_mail_server_took_it_sends_a_copy_with_the_same_message_id(
    connect, end, failing, working, settings, monkeypatch, database_kind
):
    end(connect())
    clock.shift(timedelta(minutes=1))
    with failing("closes") as mailer:
        run.send_all(settings, mailer)
    clock.shift(timedelta(minutes=5))

    def die(*_, **__):
        raise KeyboardInterrupt

    with working() as (mailer, received):
        with monkeypatch.context() as crash, pytest.raises(KeyboardInterrupt):
            crash.setattr("app.notifications.sending._note", die)
            run.send_all(settings, mailer)
        clock.shift(timedelta(minutes=5))
        run.send_all(settings, mailer)
        run.send_all(settings, mailer)
    assert len({mail["Message-ID"] for mail in received.mails}) == 1 and len(received.mails) == 2


@both_databases
def test_no_database_connection_is_held_while_the_mail_server_is_asked(connect, end, settings, database_kind):
    held = []

    class Watching(Mailer):
        def deliver(self, *given, **more):
            held.append(database.current().engine.pool.checkedout())
            super().deliver(*given, **more)

    end(connect())
    clock.shift(timedelta(minutes=1))
    run.send_all(settings, Watching(None, SENDER, None))
    assert held == [0]


def test_the_command_tries_at_once_and_says_why_what_waits(app, connect, end, failing, working, look):
    end(connect())
    send = lambda: app.test_cli_runner().invoke(args=["notifications", "send"])  # noqa: E731
    with failing("wrong password") as mailer:
        look(mailer, hours=1)
        app.extensions["mailer"] = mailer
        ran = send()
    assert ran.exit_code == 1 and "1 notice waits: the mail server refused the user or password" in ran.output
    assert "Correct MAIL_URL" in ran.output
    with working() as (mailer, received):
        app.extensions["mailer"] = mailer
        ran = send()
    assert (ran.exit_code, ran.output) == (0, "1 email sent.\n") and len(received.mails) == 1


def test_pages_say_it_to_members_and_to_operators(connect, end, failing, working, look, people, sign_in):
    connection = connect()
    end(connection)
    with failing("not set up") as mailer:
        look(mailer, hours=1)
    bob, dana = sign_in(people.bob), sign_in(people.dana)
    for page in ("/integrations", f"/integrations/xero/{connection.id}"):
        assert f"email {ALICE} (mail is not set up)." in bob.get(page).text, page
    dana.get("/admin/health")
    assert "Failing since " in dana.page and "MAIL_URL is not set. 1 notice waits." in dana.page
    with working() as (mailer, _):
        look(mailer, minutes=30)
    dana.get("/admin/health")
    assert "Failing since" not in dana.page
    assert "Alice was emailed" in bob.get("/integrations").text
