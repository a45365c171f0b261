"""The card warns before access ends: when a third of its life is left, a week ahead at most."""

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.vault.models import Connection
from tests.support.consent import connections_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


@pytest.fixture
def connect_flowpos(sandbox):
    def _connect(visitor):
        visitor.get("/integrations")
        visitor.submit("/integrations/flowpos")
        state = re.search(r'name="state" value="([^"]+)"', visitor.page)[1]
        form = {"state": state, "way": "token", "access_token": "sandbox-flowpos-mara"}
        visitor.submit("/integrations/flowpos/keys", form)
        assert len(connections_of(visitor, "flowpos")) == 1

    return _connect


def set_end(left, life, *, hard=False):
    with database.transaction() as db:
        row = db.scalars(select(Connection)).one()
        row.signin_ends_at, row.signin_life_seconds = clock.now() + left, int(life.total_seconds())
        row.hard_ends_at = row.signin_ends_at if hard else None


@pytest.mark.parametrize(
    ("left", "life", "words"),
    [
        (19 * DAY, 60 * DAY, ""),
        (7 * DAY + HOUR, 60 * DAY, ""),
        (6 * DAY + HOUR, 60 * DAY, "Access ends in 6 days unless it is used"),
        (2 * DAY + HOUR, 7 * DAY, "Access ends in 2 days unless it is used"),
        (3 * DAY, 7 * DAY, ""),
        (9 * HOUR, DAY, ""),
        (7 * HOUR + timedelta(minutes=5), DAY, "Access ends in 7 hours unless it is used"),
        (timedelta(minutes=30), DAY, "Access ends within the hour unless it is used"),
        (-HOUR, DAY, ""),
    ],
)
def test_it_warns_in_time_and_not_for_ever(people, sign_in, connect, left, life, words):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    set_end(left, life)
    alice.get("/integrations")
    assert ("Access ends" in alice.page) == bool(words)
    assert words in alice.page


def test_an_end_that_no_use_moves_is_not_called_avoidable(people, sign_in, connect):
    alice = sign_in(people.alice)
    connect(alice, "xero")
    set_end(5 * DAY + HOUR, 1825 * DAY, hard=True)
    alice.get("/integrations")
    assert "Access ends in 5 days" in alice.page and "unless it is used" not in alice.page
    assert connections_of(alice, "xero")[0]["state"] == "connected"


def test_access_that_lasts_a_day_warns_only_near_its_end(people, sign_in, connect_flowpos):
    """FlowPOS gives a day, and every use prolongs it: the first minute is no time to warn."""
    alice = sign_in(people.alice)
    connect_flowpos(alice)
    for hours, warned in ((0, False), (12, False), (3, False), (2, True)):
        clock.shift(timedelta(hours=hours))
        alice.get("/integrations")
        assert ("Access ends" in alice.page) == warned, hours
        assert "today" not in alice.page.partition('id="board"')[2]
    clock.reset()
    alice.submit("/integrations/flowpos/test")
    clock.shift(timedelta(minutes=1))
    alice.get("/integrations")
    assert "Access ends" not in alice.page
