"""Operators may stop, be disabled and be deleted, as long as one remains who can sign in."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import col, select

from app import database
from app.accounts import operators
from app.accounts import people as verbs
from app.accounts.models import User
from app.audit import AuditEntry
from tests.conftest import both_databases

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


@pytest.fixture
def erin(app):
    """A second operator."""
    with database.transaction() as db:
        verbs.make_operator(db, "erin@example.com")
        return verbs.find_by_email(db, "erin@example.com")


def active():
    with database.reading() as db:
        return set(
            db.exec(
                select(User.email).where(col(User.is_operator).is_(True), col(User.disabled_at).is_(None))
            )
        )


def test_the_last_operator_cannot_stand_down_but_one_of_two_can(people, erin):
    with database.transaction() as db:
        assert operators.revoke_operator(db, erin.id, by=people.dana.id)
    assert active() == {"dana@example.com"}
    with pytest.raises(operators.LastOperator), database.transaction() as db:
        operators.revoke_operator(db, people.dana.id)
    assert active() == {"dana@example.com"}
    with database.reading() as db:
        entry = db.exec(
            select(AuditEntry).where(col(AuditEntry.action) == "person.stood_down_as_operator")
        ).one()
    assert (entry.user_id, entry.subject) == (people.dana.id, erin.id)


def test_standing_down_twice_and_as_nobody_changes_nothing(people, erin):
    with database.transaction() as db:
        operators.revoke_operator(db, erin.id)
        assert not operators.revoke_operator(db, erin.id)
        assert not operators.revoke_operator(db, people.alice.id)
        assert not operators.revoke_operator(db, "usr_unknown")


def test_an_operator_who_is_disabled_does_not_count(people, erin):
    with database.transaction() as db:
        verbs.disable(db, erin)
    with pytest.raises(operators.LastOperator), database.transaction() as db:
        verbs.disable(db, people.dana)
    assert active() == {"dana@example.com"}


@both_databases
def test_of_operators_who_go_at_the_same_moment_one_stays(people, erin):
    for _ in range(5):
        start = threading.Barrier(2)

        def go(user_id, start=start):
            start.wait(10)
            try:
                with database.transaction() as db:
                    operators.revoke_operator(db, user_id)
            except operators.LastOperator:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(go, [people.dana.id, erin.id])) == [False, True]
        assert len(active()) == 1
        with database.transaction() as db:
            for user in db.exec(select(User).where(col(User.id).in_([people.dana.id, erin.id]))):
                user.is_operator = True
