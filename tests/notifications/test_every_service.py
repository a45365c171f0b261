"""Each service ends our access in the sandbox: exactly one email within a minute, none while it is away."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from app import clock, database
from app.connectors.services import services_of
from app.notifications import run
from app.vault import credentials
from app.vault.models import Connection
from app.web.times import local_times
from tests.hub.test_forms import fill_in
from tests.support.consent import environ, sandbox, sandbox_process  # noqa: F401

every_service = pytest.mark.parametrize("slug", [each.slug for each in services_of(None)])
ALICE = "alice@example.com"


@pytest.fixture
def connected(people, sign_in, sandbox):  # noqa: F811
    """`connected("xero")`: alice, signed in, with that service connected in the browser."""

    def _connected(slug):
        sandbox.lever(slug, "reset")
        alice = sign_in(people.alice)
        alice.get("/integrations")
        answer = alice.submit(f"/integrations/{slug}")
        has_page = answer.status_code == 303
        answer = alice.get(sandbox.approve(answer.headers["Location"])) if has_page else fill_in(alice, slug)
        alice.follow(answer)
        return alice

    return _connected


def connection_of(slug):
    with database.reading() as db:
        return db.exec(select(Connection).where(col(Connection.slug) == slug)).one()


def use(alice, slug):
    """Press "Test connection", with an access token that has expired."""
    connection = connection_of(slug)
    with database.transaction() as db:
        credentials.expire_in(db, connection, -1)
    alice.get("/integrations")
    alice.submit(f"/integrations/{slug}/test", {"connection": connection.id})


@every_service
def test_one_email_within_a_minute_of_the_end(slug, connected, sandbox, app, settings, mailbox):  # noqa: F811
    alice = connected(slug)
    before = len(mailbox(ALICE))
    for lever in ("revoke", "roll_keys", "expire"):  # the consent, the key, and what they were exchanged for
        sandbox.lever(slug, lever)
    use(alice, slug)
    connection = connection_of(slug)
    assert connection.state == "reconnect_needed", connection.last_error
    # A suspended connection, which may heal by itself, gets its quarter of an hour first.
    if connection.try_again_at is not None:
        clock.shift(timedelta(minutes=15))
    for _ in range(4):
        clock.shift(timedelta(seconds=15))
        run.tick(settings, app.extensions["mailer"])
    clock.shift(timedelta(hours=1))
    run.send_all(settings, app.extensions["mailer"])
    (letter,) = mailbox(ALICE)[: len(mailbox(ALICE)) - before]
    assert letter.subject == f"{services_of(None).get(slug).name} needs to be reconnected"
    assert local_times(connection.last_error, "") in letter.text


@every_service
def test_no_email_while_the_service_is_away(slug, connected, sandbox, app, settings, mailbox):  # noqa: F811
    alice = connected(slug)
    before = len(mailbox(ALICE))
    sandbox.lever(slug, "fail", times=100, status=503, body="html")
    for _ in range(3):
        use(alice, slug)
        clock.shift(timedelta(minutes=3))
        run.send_all(settings, app.extensions["mailer"])
    sandbox.lever(slug, "reset")
    assert connection_of(slug).state == "connected"
    assert len(mailbox(ALICE)) == before
