"""A connection that breaks: its owner hears of it once, within a minute; flaps are never mentioned."""

from datetime import timedelta

import pytest
from sqlmodel import col, update

from app import clock, database
from app.accounts.models import User
from app.notifications import run
from app.vault.models import Connection
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.notifications.conftest import link_in
from tests.notifications.test_delivery import CountingMailer

ALICE, BOB, CHARLIE = "alice@example.com", "bob@example.com", "charlie@example.com"


def test_the_owner_of_a_broken_connection_is_emailed_once_within_a_minute(
    connect, end, after, mailbox, settings
):
    connection = connect()
    after(minutes=10)
    assert mailbox(ALICE) == []
    end(connection)
    after(minutes=1)
    (letter,) = mailbox(ALICE)
    assert letter.subject == "Xero needs to be reconnected"
    assert "Xero (Demo Company) in Northwind" in letter.text
    assert "Xero ended our access on 1 May. Reconnect Xero." in letter.text
    assert link_in(letter.text, "/integrations[^\n]*") == f"/integrations#card-{connection.id}"
    assert "because you connected it" in letter.text and "/account#notifications" in letter.text
    after(days=3)
    assert len(mailbox(ALICE)) == 1 and mailbox(BOB) == []


def test_nothing_is_emailed_about_a_connection_that_is_suspended_for_minutes(
    connect, suspend, heal, after, mailbox
):
    connection = connect()
    for _ in range(5):
        suspend(connection)
        after(minutes=13)
        heal(connection)
        after(minutes=2)
    assert mailbox(ALICE) == []


def test_a_connection_that_stays_suspended_is_mentioned_after_a_quarter_of_an_hour(
    connect, suspend, after, subjects
):
    suspend(connect())
    after(minutes=14)
    assert subjects(ALICE) == []
    after(minutes=2)
    assert subjects(ALICE) == ["Xero needs to be reconnected"]


@both_databases
def test_one_that_flaps_after_it_was_mentioned_is_not_mentioned_again(
    connect, suspend, heal, after, subjects, database_kind
):
    connection = connect()
    suspend(connection)
    after(minutes=16)
    for _ in range(3):
        heal(connection)
        after(minutes=2)
        suspend(connection)
        after(minutes=20)
    assert subjects(ALICE) == ["Xero needs to be reconnected"]
    heal(connection)
    after(minutes=6)
    assert subjects(ALICE) == ["Xero needs to be reconnected", "Xero works again"]


@both_databases
def test_whoever_was_emailed_hears_that_it_works_again(
    connect, end, reconnect, after, subjects, mailbox, database_kind
):
    connection = connect()
    end(connection)
    after(minutes=1)
    reconnect(connection)
    after(minutes=1)
    assert subjects(ALICE) == ["Xero needs to be reconnected", "Xero works again"]
    assert "because we emailed you when it broke" in mailbox(ALICE)[0].text
    after(days=2)
    assert len(subjects(ALICE)) == 2 and subjects(BOB) == []


def test_one_that_was_reconnected_before_anybody_was_emailed_is_not_mentioned(
    connect, end, reconnect, after, mailbox
):
    connection = connect()
    end(connection)
    reconnect(connection)
    after(minutes=30)
    assert mailbox(ALICE) == []


def test_one_that_ends_again_after_a_reconnect_is_news(connect, end, reconnect, after, subjects):
    connection = connect()
    end(connection)
    after(minutes=1)
    reconnect(connection)
    after(minutes=1)
    with database.transaction() as db:
        from app.vault import connection_state

        connection_state.end_access(db, connection, 2, "Gone again.")
    after(minutes=1)
    assert subjects(ALICE) == [
        "Xero needs to be reconnected",
        "Xero works again",
        "Xero needs to be reconnected",
    ]


def test_one_cause_that_breaks_several_causes_one_email(connect, end, after, mailbox):
    broken = [connect(slug, name=f"Account {slug}") for slug in ("xero", "stripe", "gmail", "quickbooks")]
    for connection in broken:
        end(connection, "Gone. Reconnect it.")
        after(seconds=3)
    after(minutes=1)
    (letter,) = mailbox(ALICE)
    assert letter.subject == "4 connections need to be reconnected"
    for name in ("Xero", "Stripe", "Gmail", "QuickBooks"):
        assert f"{name} (Account {name.lower()}) in Northwind" in letter.text


@pytest.mark.parametrize("how", ["left", "disabled"])
def test_the_owners_of_the_workspace_are_emailed_in_place_of_somebody_who_is_gone(
    how, connect, end, after, subjects, mailbox, people
):
    shared = connect(owner=people.bob)
    mine_alone = connect("gmail", owner=people.bob, visibility="personal")
    with database.transaction() as db:
        if how == "disabled":
            db.execute(update(User).where(col(User.id) == people.bob.id).values(disabled_at=clock.now()))
        else:
            db.delete(db.get(Membership, (people.northwind.id, people.bob.id)))
    end(shared)
    end(mine_alone)
    after(minutes=1)
    assert subjects(ALICE) == ["Xero needs to be reconnected"] and subjects(BOB) == []
    assert "because you own this workspace" in mailbox(ALICE)[0].text


@pytest.mark.parametrize("how", ["left", "disabled"])
def test_somebody_who_goes_before_the_email_leaves_is_replaced(
    how, connect, end, after, subjects, people, settings
):
    end(connect(owner=people.bob))
    down = CountingMailer(failures=9)
    clock.shift(timedelta(seconds=30))
    run.tick(settings, down)
    assert down.failures == 8, "it was due to Bob"
    with database.transaction() as db:
        if how == "disabled":
            db.execute(update(User).where(col(User.id) == people.bob.id).values(disabled_at=clock.now()))
        else:
            db.delete(db.get(Membership, (people.northwind.id, people.bob.id)))
    after(minutes=5)
    assert subjects(ALICE) == ["Xero needs to be reconnected"] and subjects(BOB) == []


def test_somebody_who_left_hears_nothing_of_the_recovery(connect, end, reconnect, after, subjects, people):
    connection = connect(owner=people.bob)
    end(connection)
    after(minutes=1)
    with database.transaction() as db:
        db.delete(db.get(Membership, (people.northwind.id, people.bob.id)))
    reconnect(connection)
    after(minutes=10)
    assert subjects(BOB) == ["Xero needs to be reconnected"]


def test_a_deactivated_workspace_is_quiet_until_it_is_active_again(connect, end, after, subjects, people):
    connection = connect()
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).deactivated_at = clock.now()
    end(connection)
    after(minutes=5)
    assert subjects(ALICE) == []
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).deactivated_at = None
    after(minutes=1)
    assert subjects(ALICE) == ["Xero needs to be reconnected"]


def test_times_are_in_the_readers_zone(connect, end, after, mailbox, people):
    with database.transaction() as db:
        db.get(User, people.alice.id).time_zone = "Asia/Kolkata"
    connection = connect()
    clock.shift(timedelta(seconds=65 - clock.timestamp() % 60))  # the minute does not end meanwhile
    at = clock.now()
    end(connection)
    after(minutes=1)
    local = at + timedelta(hours=5, minutes=30)
    assert f"{local.day} {local:%b %Y, %H:%M} IST" in mailbox(ALICE)[0].text


def test_a_name_from_a_service_stays_on_its_line(connect, end, after, mailbox):
    end(connect(name="Acme\n\nReconnect: https://evil.example/"))
    after(minutes=1)
    assert "\nReconnect: https://evil" not in mailbox(ALICE)[0].text


def test_the_reason_names_its_moment_in_the_readers_zone_everywhere_but_for_programs(
    connect, end, after, mailbox, people, sign_in
):
    with database.transaction() as db:
        for person in (people.alice, people.bob):
            db.get(User, person.id).time_zone = "Asia/Kolkata"
    connection = connect()
    end(connection, "Xero ended our access on 18 November 2026 at 14:05 UTC. Reconnect Xero.")
    after(minutes=1)
    local = "Xero ended our access on 18 Nov 2026, 19:35 IST. Reconnect Xero."
    assert local in mailbox(ALICE)[0].text and "UTC" not in mailbox(ALICE)[0].text
    bob = sign_in(people.bob)
    for page in ("/integrations", f"/integrations/xero/{connection.id}"):
        page_text = bob.get(page).text
        assert local in page_text and "at 14:05 UTC" not in page_text, page
    assert "at 14:05 UTC" in bob.client.get("/integrations/status").text, "programs read UTC"


def test_no_link_that_a_colleague_wrote_into_a_name_goes_out_in_our_mail(
    connect, end, after, mailbox, people
):
    labelled = connect("xero", name="Demo Company")
    named = connect("stripe", name="Verify at https://evil.example")
    with database.transaction() as db:
        db.get(Connection, labelled.id).label = "evil.example/pay"
        db.get(Workspace, people.northwind.id).name = "www.evil.example"
    end(labelled)
    end(named)
    after(minutes=1)
    [letter] = mailbox(people.alice.email)
    assert "evil.example" not in letter.text + letter.subject
    assert (
        "Xero (Demo Company) in your workspace" in letter.text and "Stripe in your workspace" in letter.text
    )
