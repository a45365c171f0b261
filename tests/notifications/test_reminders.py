"""Before access ends, and once a day: what is not urgent."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, update

from app import clock, database
from app.accounts.models import User
from app.approvals.models import Approval
from app.connectors.services import services_of
from app.notifications import due
from app.vault import access_end
from app.vault.models import Connection
from app.vault.token_endpoint import TokenSet
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.support.statements import statements  # noqa: F401

ALICE = "alice@example.com"
QUARTER = timedelta(days=90)


@pytest.fixture
def ends_in(connect):
    """`ends_in(days=9)`: a connection whose access ends then, whatever it is used for."""

    def _ends_in(slug="gmail", life=QUARTER, **left):
        connection = connect(slug, name=f"{slug} {left}")
        ends_at = clock.now() + timedelta(**left)
        with database.transaction() as db:
            values = {"signin_ends_at": ends_at, "hard_ends_at": ends_at}
            values["signin_life_seconds"] = int(life.total_seconds())
            db.execute(update(Connection).where(col(Connection.id) == connection.id).values(values))
        return connection

    return _ends_in


@pytest.fixture
def expire_approval(people):
    """`expire_approval("Send an invoice")`: nobody decided on it in time."""

    def _expire(title, user=None, minutes=1):
        at = clock.now() - timedelta(minutes=minutes)
        with database.transaction() as db:
            db.add(
                Approval(
                    id=f"apr_{title}",
                    workspace_id=people.northwind.id,
                    user_id=(user or people.alice).id,
                    grant_id="g",
                    client_name="Claude",
                    connection_id="c",
                    slug="xero",
                    service="Xero",
                    account="Demo Company",
                    tool="xero_email_invoice",
                    title=title,
                    arguments_sealed="",
                    idempotency_key="k",
                    state="expired",
                    created_at=at - timedelta(hours=1),
                    ended_at=at,
                )
            )

    return _expire


def at_hour(hour):
    """Move the clock to that hour of tomorrow, UTC."""
    now = clock.now()
    target = datetime(now.year, now.month, now.day, hour, 1, tzinfo=UTC) + timedelta(days=1)
    clock.shift(target - now)


def test_reminders_come_seven_and_two_days_before_the_end(ends_in, after, subjects, mailbox):
    at_hour(10)
    ends_in(days=8)
    after(hours=20)
    assert subjects(ALICE) == []
    after(hours=5)
    assert subjects(ALICE) == ["Gmail access ends in 7 days"]
    after(days=4, hours=20)
    assert len(subjects(ALICE)) == 1
    after(hours=4)
    assert subjects(ALICE) == ["Gmail access ends in 7 days", "Gmail access ends in 2 days"]
    after(days=1)
    assert len(subjects(ALICE)) == 2
    assert "Reconnect before then" in mailbox(ALICE)[0].text


def test_access_that_using_it_prolongs_is_not_mentioned(connect, after, mailbox):
    connection = connect("xero")
    with database.transaction() as db:
        row = db.get(Connection, connection.id)
        row.signin_ends_at, row.signin_life_seconds = clock.now() + timedelta(days=6), 60 * 86_400
    after(days=5)
    assert mailbox(ALICE) == []


def test_access_of_a_week_is_mentioned_two_days_before_its_end_only(ends_in, after, subjects):
    ends_in(life=timedelta(days=7), days=6, hours=23)
    after(days=4, hours=22)
    assert subjects(ALICE) == []
    after(hours=2)
    assert subjects(ALICE) == ["Gmail access ends in 2 days"]


def test_one_email_lists_all_that_ends(ends_in, after, subjects, mailbox):
    ends_in("gmail", days=6)
    ends_in("quickbooks", days=5)
    after(minutes=11)
    assert subjects(ALICE) == ["Access to 2 services ends soon"]
    assert "Gmail" in mailbox(ALICE)[0].text and "QuickBooks" in mailbox(ALICE)[0].text


def test_a_second_reminder_of_the_same_day_waits_for_tomorrow(ends_in, after, subjects):
    at_hour(10)
    ends_in("gmail", days=6)
    after(minutes=11)
    ends_in("quickbooks", days=6)
    after(hours=19)
    assert len(subjects(ALICE)) == 1
    after(hours=2)
    assert len(subjects(ALICE)) == 2


def test_two_digests_are_hours_apart_also_around_midnight(ends_in, after, subjects):
    at_hour(23)
    ends_in("gmail", days=6)
    after(minutes=15)
    ends_in("quickbooks", days=6)
    after(hours=12)
    assert len(subjects(ALICE)) == 1


def test_a_change_of_zone_makes_no_second_day(ends_in, after, subjects, people):
    at_hour(12)
    ends_in("gmail", days=6)
    after(minutes=15)
    for n, zone in enumerate(("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "No/Where")):
        with database.transaction() as db:
            db.get(User, people.alice.id).time_zone = zone
        ends_in("quickbooks", days=6, minutes=n)
        after(hours=1)
    assert len(subjects(ALICE)) == 1


def test_an_end_that_every_refresh_counts_anew_is_mentioned_once(app, settings, connect, after, subjects):
    # Google says with each refresh how many seconds are left: the moment moves by a second or two.
    connection, ends_at = connect("gmail"), clock.now() + timedelta(days=60)
    connector = services_of(connection.workspace_id).get("gmail")

    def refresh(*, renewed=True, off=0):
        with database.transaction() as db:
            row, now = db.get(Connection, connection.id), clock.now()
            left = int((ends_at - now).total_seconds()) + off
            tokens = TokenSet("access", None, 3600, refresh_expires_in=left, raw={})
            before = row.signin_ends_at if renewed else None
            access_end.set_end(row, connector, tokens, now, before=before, renewed=renewed)

    refresh(renewed=False)
    clock.shift(timedelta(days=52))
    for n in range(15):
        after(hours=12)
        refresh(off=n % 3)
    assert subjects(ALICE) == ["Gmail access ends in 7 days", "Gmail access ends in 2 days"]


def test_expired_approvals_come_in_the_morning_of_the_person(
    expire_approval, after, subjects, mailbox, people
):
    with database.transaction() as db:
        db.get(User, people.alice.id).time_zone = "America/New_York"
    at_hour(6)  # the night in New York
    expire_approval("Send an invoice")
    expire_approval("Void an invoice")
    after(hours=4)
    assert subjects(ALICE) == []
    after(hours=6)
    assert subjects(ALICE) == ["2 approvals expired"]
    assert "Send an invoice (Xero, Demo Company), requested by Claude" in mailbox(ALICE)[0].text
    after(days=3)
    assert len(subjects(ALICE)) == 1


@both_databases
def test_one_digest_a_day_holds_both(ends_in, expire_approval, after, subjects, database_kind):
    at_hour(12)
    ends_in(days=6)
    expire_approval("Send an invoice")
    after(minutes=15)
    assert subjects(ALICE) == ["Gmail access ends in 6 days; 1 approval expired"]
    expire_approval("Void an invoice")
    after(hours=11)
    assert len(subjects(ALICE)) == 1
    after(hours=12)
    assert subjects(ALICE)[1:] == ["1 approval expired"]


@pytest.mark.parametrize(
    ("off", "left"),
    [("ending", ["1 approval expired"]), ("digest", ["Gmail access ends in 6 days"])],
)
def test_what_a_person_turned_off_is_left_out(off, left, ends_in, expire_approval, after, subjects, people):
    with database.transaction() as db:
        db.get(User, people.alice.id).notifications = {off: False}
    at_hour(12)
    ends_in(days=6)
    expire_approval("Send an invoice")
    after(minutes=15)
    assert subjects(ALICE) == left


def test_somebody_who_left_hears_nothing_more(ends_in, expire_approval, after, subjects, people):
    at_hour(2)
    ends_in("gmail", days=6)
    expire_approval("Send an invoice")
    with database.transaction() as db:
        db.execute(update(Connection).values(owner_id=people.bob.id))
        db.delete(db.get(Membership, (people.northwind.id, people.alice.id)))
    after(hours=20)
    assert subjects(ALICE) == []


def test_finding_what_expired_costs_one_query_however_many_people(expire_approval, people, statements):  # noqa: F811
    at_hour(12)
    for n in range(5):
        expire_approval(f"For Alice {n}")
        expire_approval(f"For Bob {n}", user=people.bob)
    with statements() as made:
        assert len(due.people_with_expired_approvals()) == 2
    assert len([each for each in made if each.startswith("SELECT")]) == 1


def test_a_reconnected_one_is_left_out(ends_in, reconnect, after, subjects):
    connection = ends_in("gmail", days=8)
    after(hours=20)
    reconnect(connection)
    after(days=6)
    assert subjects(ALICE) == []
