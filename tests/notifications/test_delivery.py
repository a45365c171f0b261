"""Exactly one email, however many processes look, whoever dies, and however long the mail server is away."""

import threading
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from sqlmodel import col, select

from app import clock, database, smtp
from app.mail import Mailer
from app.notifications import due, lines, run
from app.notifications.models import ConnectionNotice
from app.vault.models import Connection
from tests.conftest import both_databases
from tests.support.smtp_server import Received, SmtpServer

pytestmark = pytest.mark.usefixtures("patient_database")

ALICE = "alice@example.com"


class CountingMailer(Mailer):
    """Delivers into a list, or fails as often as it should."""

    def __init__(self, failures=0):
        super().__init__(None, "Patchbay <hub@example.com>", None)
        self.sent, self.failures, self.references = [], failures, []

    def deliver(self, to, subject, text, *, reference, headers=None):
        if self.failures:
            self.failures -= 1
            raise smtp.NotDelivered("the mail server cannot be reached", is_final=False)
        self.sent.append((to, subject))
        self.references.append(reference)


class DyingMailer(CountingMailer):
    """The process dies after the claim: before the email leaves, or right after."""

    def __init__(self, *, sends):
        super().__init__()
        self.sends = sends

    def deliver(self, to, subject, text, *, reference, headers=None):
        if self.sends:
            super().deliver(to, subject, text, reference=reference)
        raise KeyboardInterrupt


@both_databases
def test_processes_that_look_at_the_same_moment_send_one_email(connect, end, settings, database_kind):
    for slug in ("xero", "stripe", "gmail"):
        end(connect(slug))
    clock.shift(timedelta(minutes=1))
    mailer, start = CountingMailer(), threading.Barrier(6)

    def look():
        start.wait()
        run.send_all(settings, mailer)

    crew = [threading.Thread(target=look) for _ in range(6)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    run.send_all(settings, mailer)
    assert mailer.sent == [(ALICE, "3 connections need to be reconnected")]


@both_databases
def test_one_process_looks_in_each_period(app, settings, monkeypatch, database_kind):
    looks, start = [], threading.Barrier(6)
    monkeypatch.setattr(run, "send_urgent", lambda *_, **__: looks.append(1) or 0)

    def tick():
        start.wait()
        run.tick(settings, CountingMailer())

    for period in range(1, 4):
        crew = [threading.Thread(target=tick) for _ in range(6)]
        for each in crew:
            each.start()
        for each in crew:
            each.join()
        assert len(looks) == period
        clock.shift(timedelta(seconds=15))


@pytest.mark.parametrize("sends", [False, True])
def test_a_crash_between_the_claim_and_the_note_loses_no_email(connect, end, settings, sends):
    end(connect())
    clock.shift(timedelta(seconds=30))
    dying, next_one = DyingMailer(sends=sends), CountingMailer()
    with pytest.raises(KeyboardInterrupt):
        run.send_all(settings, dying)
    run.send_all(settings, next_one)
    assert next_one.sent == [], "the turn is still taken"
    clock.shift(timedelta(minutes=2))
    run.send_all(settings, next_one)
    run.send_all(settings, next_one)
    assert next_one.sent == [(ALICE, "Xero needs to be reconnected")]
    assert set(dying.references) <= set(next_one.references), "a second copy has the same Message-ID"


def test_a_mail_server_that_is_away_delays_the_email(connect, end, settings):
    end(connect())
    mailer = CountingMailer(failures=3)
    for _ in range(4 * 15):
        clock.shift(timedelta(seconds=15))
        run.tick(settings, mailer)
    assert mailer.sent == [(ALICE, "Xero needs to be reconnected")]


def test_nobody_counts_as_emailed_whose_address_the_mail_server_refuses(connect, end, settings):
    class RefusingMailer(CountingMailer):
        def deliver(self, to, subject, text, *, reference, headers=None):
            self.references.append(reference)
            raise smtp.NotDelivered(
                "the mail server refused the recipient (550)", is_final=True, fault="recipient"
            )

    connection, mailer = connect(), RefusingMailer()
    end(connection)
    clock.shift(timedelta(minutes=1))
    assert run.send_all(settings, mailer) == 0
    clock.shift(timedelta(hours=1))
    run.send_all(settings, mailer)
    assert len(mailer.references) == 1, "it is not tried for ever"
    with database.reading() as db:
        line = lines.notified_lines(db, [db.get(Connection, connection.id)])[connection.id]
    assert line == f"We couldn't email {ALICE} (the mail server refused the address)."


def test_what_works_again_before_the_mail_server_does_is_not_mentioned(
    connect, end, reconnect, after, settings
):
    connection = connect()
    end(connection)
    clock.shift(timedelta(seconds=30))
    mailer = CountingMailer(failures=1)
    run.send_all(settings, mailer)
    reconnect(connection)
    clock.shift(timedelta(minutes=10))
    run.send_all(settings, mailer)
    assert mailer.sent == []


def test_the_mail_can_be_unsubscribed_from_with_one_click(connect, end, settings):
    received = Received()
    with SmtpServer(received) as server:
        end(connect())
        clock.shift(timedelta(seconds=30))
        run.send_all(settings, Mailer(f"smtp://{server.authority}", "Patchbay <hub@example.com>", None))
    (envelope,) = received.envelopes
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = message["List-Unsubscribe"].strip("<>")
    assert link.startswith("http://localhost:8000/notifications/unsubscribe/usr_alice.broken.")
    assert len(message.get_all("Message-ID")) == 1 and message["Message-ID"].endswith("@example.com>")


def test_looking_costs_few_queries_when_nothing_is_due(connect, settings, app, end, after):
    def statements():
        from sqlalchemy import event

        found = []
        engine = database.current().engine
        count = lambda *given: found.append(given[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", count)
        run.send_urgent(settings, app.extensions["mailer"])
        event.remove(engine, "before_cursor_execute", count)
        return [each for each in found if not each.startswith(("PRAGMA", "BEGIN"))]

    few = statements()
    assert len(few) == 3, few
    for n in range(30):
        connect(name=f"Company {n}")
    end(connect("stripe"))
    after(minutes=1)
    assert len(statements()) == 3


def test_a_notice_of_a_person_is_written_once(connect, end, settings):
    end(connect())
    for _ in range(3):
        clock.shift(timedelta(seconds=30))
        due.people_with_notices()
        run.send_all(settings, CountingMailer())
    with database.reading() as db:
        (notice,) = db.exec(
            select(ConnectionNotice).where(col(ConnectionNotice.user_id) == "usr_alice")
        ).all()
    assert notice.state == "emailed"
