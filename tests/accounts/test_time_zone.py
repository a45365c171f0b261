"""The browser's time zone comes with the sign-in forms, and a zone the person chose stays."""

import pytest

from app import database
from app.accounts.models import User
from tests.accounts.steps import GOOD_PASSWORD


def zone_of(user):
    with database.reading() as db:
        return db.get(User, user.id).time_zone


def sign_in_from(visitor, zone):
    visitor.get("/login")
    assert 'type="hidden" name="time_zone"' in visitor.page
    form = {"email": "alice@example.com", "password": GOOD_PASSWORD, "time_zone": zone}
    return visitor.submit("/login", form)


def test_it_is_noted_at_sign_in(visitor, people, with_password):
    assert sign_in_from(visitor, "Europe/Berlin").status_code == 303
    assert zone_of(people.alice) == "Europe/Berlin"


def test_a_chosen_zone_stays(visitor, people, with_password):
    with database.transaction() as db:
        db.get(User, people.alice.id).time_zone = "Asia/Tokyo"
    sign_in_from(visitor, "Europe/Berlin")
    assert zone_of(people.alice) == "Asia/Tokyo"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "\x00", "x" * 500])
def test_what_is_no_zone_is_ignored(visitor, people, with_password, zone):
    assert sign_in_from(visitor, zone).status_code == 303
    assert zone_of(people.alice) == ""
