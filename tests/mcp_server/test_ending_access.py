"""In the last week of an access that ends for good, each answer to an AI client says so."""

from datetime import timedelta

import pytest

from app import clock, database
from app.vault.models import Connection


@pytest.fixture
def ends_in(connect, people):
    """`ends_in(days=5)`: Acme is connected, and its access ends then."""

    def _ends_in(**left):
        connection = connect(people.alice)
        with database.transaction() as db:
            row = db.get(Connection, connection.id)
            row.signin_ends_at = row.hard_ends_at = clock.now() + timedelta(**left)
            row.signin_life_seconds = 90 * 86_400
        return connection

    return _ends_in


def message(client):
    return client.call("acme_get_thing", {"id": "12345"})["message"]


def test_an_answer_of_the_last_week_says_when_the_access_ends(ends_in, alice):
    ends_in(days=5, hours=1)
    assert message(alice).endswith(
        "Acme access ends in 5 days; reconnect at http://localhost:8000/integrations."
    )


def test_an_earlier_answer_does_not(ends_in, alice):
    ends_in(days=8)
    assert "access ends" not in message(alice)


def test_one_whose_access_is_prolonged_by_using_it_does_not(connect, people, alice):
    connection = connect(people.alice)
    with database.transaction() as db:
        row = db.get(Connection, connection.id)
        row.signin_ends_at, row.signin_life_seconds = clock.now() + timedelta(days=5), 60 * 86_400
    assert "Acme account" in message(alice) and "access ends" not in message(alice)
