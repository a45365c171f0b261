"""Each person chooses which emails they get, on their account page or by the link in one."""

import pytest

from app import database
from app.accounts.models import User
from app.notifications import preferences
from app.notifications.lines import notified_lines

ALICE = "alice@example.com"
BREAKS, REMINDERS, DIGEST = (
    "Email me when a connection breaks",
    "Reminders before access ends",
    "Daily digest",
)


def is_on(page, label):
    line = page[: page.index(label)].rpartition("<input")[2]
    return "checked" in line


def test_everything_is_on_until_a_person_turns_it_off(alice, connect, end, after, mailbox):
    page = alice.get("/account").text
    assert all(is_on(page, label) for label in (BREAKS, REMINDERS, DIGEST))
    answer = alice.submit("/account/notifications", {"wanted": ["ending"]})
    assert answer.status_code == 303
    page = alice.get("/account").text
    assert [is_on(page, label) for label in (BREAKS, REMINDERS, DIGEST)] == [False, True, False]
    end(connect())
    after(minutes=2)
    assert mailbox(ALICE) == []


def test_the_link_of_an_email_turns_its_kind_off_without_signing_in(
    people, visitor, settings, connect, end, after, mailbox
):
    link = preferences.link_to_unsubscribe(settings, people.alice.id, "broken")
    path = link.removeprefix("http://localhost:8000")
    assert "Unsubscribe?" in visitor.get(path).text
    end(connect())
    after(minutes=1)
    assert len(mailbox(ALICE)) == 1, "opening the link changes nothing"
    # as a mail program posts: no cookie, no token of a form
    answer = visitor.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and "unsubscribed" in answer.text
    end(connect("stripe"))
    after(minutes=1)
    assert len(mailbox(ALICE)) == 1
    with database.reading() as db:
        assert preferences.wants(db.get(User, people.alice.id), "ending")


@pytest.mark.parametrize("change", ["usr_bob", "digest", "signature"])
def test_a_changed_link_turns_nothing_off(change, people, visitor, settings):
    path = preferences.link_to_unsubscribe(settings, people.alice.id, "broken").removeprefix(
        "http://localhost:8000"
    )
    forged = {
        "usr_bob": path.replace("usr_alice", "usr_bob"),
        "digest": path.replace(".broken.", ".digest."),
        "signature": path[:-1] + ("0" if path[-1] != "0" else "1"),
    }[change]
    assert visitor.client.post(forged).status_code == 404
    assert visitor.client.post(path).status_code == 200


def test_the_card_names_who_was_emailed_and_when(people, connect, end, reconnect, after):
    connection = connect()

    def line(viewer=""):
        with database.reading() as db:
            from app.vault.models import Connection

            return notified_lines(db, [db.get(Connection, connection.id)], viewer_id=viewer).get(
                connection.id
            )

    assert line() is None
    end(connection)
    assert line() is None
    after(minutes=1)
    assert line().startswith("Alice was emailed today at ") or line().startswith(
        "Alice was emailed yesterday"
    )
    assert line(people.alice.id).startswith("You were emailed ")
    reconnect(connection)
    after(minutes=1)
    assert line() is None


def test_the_navigation_counts_what_a_person_can_reconnect(alice, people, sign_in, connect, end, app):
    def count(visitor):
        page = visitor.get("/team").text
        return page.split('href="/integrations"', 1)[1].split("</a>", 1)[0]

    bob = sign_in(people.bob)
    assert "1" not in count(alice)
    end(connect())
    end(connect("gmail", owner=people.bob, visibility="personal"))
    assert "1" in count(alice) and "1" in count(bob)
    end(connect("stripe"))
    assert "2" in count(alice) and "1" in count(bob)


def test_the_command_sends_what_is_due(app, connect, end, mailbox):
    from datetime import timedelta

    from app import clock

    end(connect())
    clock.shift(timedelta(seconds=30))
    outcome = app.test_cli_runner().invoke(args=["notifications", "send"])
    assert outcome.exit_code == 0 and "1 email sent." in outcome.output
    assert len(mailbox(ALICE)) == 1
    assert "0 emails sent." in app.test_cli_runner().invoke(args=["notifications", "send"]).output
