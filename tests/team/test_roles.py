"""Roles: who may change whom. An owner always remains, also with concurrent changes."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import col, select

from app import clock, database
from app.accounts.models import LoginSession, User
from app.audit import AuditEntry
from app.team import members, rights
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.support.waiting import AT_MOST_SECONDS
from tests.team.conftest import roles

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


def set_role(people, user_id, role):
    with database.transaction() as db:
        db.get_one(Membership, (people.northwind.id, user_id)).role = role


@both_databases
def test_a_role_changed_counts_from_the_next_request(people, sign_in):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    invitation = {"email": "zoe@example.com", "role": "member"}
    assert bob.submit("/team/invitations", invitation).status_code == 403
    assert alice.submit(f"/team/members/{people.bob.id}/role", {"role": "admin"}).status_code == 303
    assert bob.submit("/team/invitations", invitation).status_code == 303
    assert alice.submit(f"/team/members/{people.bob.id}/role", {"role": "member"}).status_code == 303
    assert bob.submit("/team/invitations", invitation).status_code == 403
    with database.reading() as db:
        changes = db.exec(
            select(AuditEntry)
            .where(col(AuditEntry.action) == "member.role_changed")
            .order_by(col(AuditEntry.id))
        ).all()
    assert [(c.user_id, c.subject, c.details) for c in changes] == [
        (people.alice.id, people.bob.id, {"before": "member", "after": "admin"}),
        (people.alice.id, people.bob.id, {"before": "admin", "after": "member"}),
    ]


def test_admins_touch_no_owner_and_make_none(people, dina, sign_in):
    admin = sign_in(dina)
    before = roles()
    for user, act, form in [
        (people.alice, "role", {"role": "member"}),
        (people.alice, "remove", {}),
        (people.bob, "role", {"role": "owner"}),
        (dina, "role", {"role": "owner"}),
        (people.bob, "hand-over", {}),
        (people.alice, "hand-over", {}),
    ]:
        assert admin.submit(f"/team/members/{user.id}/{act}", form).status_code == 403, (user.id, act)
    assert roles() == before
    assert admin.submit(f"/team/members/{people.bob.id}/role", {"role": "admin"}).status_code == 303
    assert admin.submit(f"/team/members/{people.bob.id}/remove").status_code == 303
    assert roles() == {"alice": "owner", "dina": "admin"}


def test_members_change_nobody_and_learn_nothing(people, dina, sign_in):
    bob = sign_in(people.bob)
    for user_id in (people.alice.id, dina.id, "usr_unknown", people.charlie.id):
        for method, act in [
            ("get", "remove"),
            ("get", "hand-over"),
            ("submit", "remove"),
            ("submit", "hand-over"),
            ("submit", "role"),
        ]:
            options = {"data": {"role": "admin"}} if act == "role" else {}
            assert getattr(bob, method)(f"/team/members/{user_id}/{act}", **options).status_code == 403, (
                user_id,
                method,
                act,
            )
    assert roles() == {"alice": "owner", "bob": "member", "dina": "admin"}


@pytest.mark.parametrize("role", ["", "boss", "OWNER", "x" * 90, "\x00"])
def test_a_role_there_is_not_is_refused(people, sign_in, role):
    alice = sign_in(people.alice)
    assert alice.submit(f"/team/members/{people.bob.id}/role", {"role": role}).status_code == 400
    assert roles()["bob"] == "member"


def test_people_of_other_workspaces_are_not_found(people, sign_in):
    alice = sign_in(people.alice)
    for user_id in (people.charlie.id, "usr_unknown"):
        for act in ("role", "remove", "hand-over"):
            assert alice.submit(f"/team/members/{user_id}/{act}", {"role": "admin"}).status_code == 404
    assert roles(people.contoso.id) == {"charlie": "owner"}


def test_the_only_owner_stays(people, dina, sign_in):
    alice = sign_in(people.alice)
    assert alice.submit(f"/team/members/{people.alice.id}/role", {"role": "admin"}).status_code == 409
    assert "the only one" in alice.page
    assert alice.submit("/team/leave", {"workspace": people.northwind.id}).status_code == 409
    alice.get("/team/leave")
    assert "You are its only owner" in alice.page
    assert roles()["alice"] == "owner"
    assert alice.submit(f"/team/members/{people.bob.id}/role", {"role": "owner"}).status_code == 303
    assert alice.submit(f"/team/members/{people.alice.id}/role", {"role": "admin"}).status_code == 303
    assert roles() == {"alice": "admin", "bob": "owner", "dina": "admin"}


def test_an_owner_who_is_disabled_does_not_count(people, sign_in):
    set_role(people, people.bob.id, "owner")
    with database.transaction() as db:
        db.get_one(User, people.bob.id).disabled_at = clock.now()
    alice = sign_in(people.alice)
    assert alice.submit("/team/leave", {"workspace": people.northwind.id}).status_code == 409
    assert alice.submit(f"/team/members/{people.bob.id}/hand-over").status_code == 400
    assert roles()["alice"] == "owner"


def test_handing_over_asks_first_and_swaps_the_roles(people, sign_in):
    alice = sign_in(people.alice)
    alice.get(f"/team/members/{people.bob.id}/hand-over")
    assert (
        "Make bob@example.com the owner of Northwind in your place?" in alice.page
        and roles()["alice"] == "owner"
    )
    alice.follow(alice.submit(f"/team/members/{people.bob.id}/hand-over"))
    assert "You are an admin now" in alice.page
    assert roles() == {"alice": "admin", "bob": "owner"}
    assert alice.submit(f"/team/members/{people.bob.id}/hand-over").status_code == 403


@pytest.mark.parametrize("htmx", [False, True])
def test_handing_over_and_making_an_owner_need_a_recent_sign_in(people, sign_in, htmx):
    alice = sign_in(people.alice)
    with database.transaction() as db:
        for session in db.exec(select(LoginSession)):
            session.proved_at = clock.now().replace(year=2020)
    for act, form in [("hand-over", {}), ("role", {"role": "owner"})]:
        answer = alice.submit(f"/team/members/{people.bob.id}/{act}", form, htmx=htmx)
        assert (answer.headers.get("HX-Redirect") or answer.headers["Location"]).startswith(
            "/login?again=1&next=%2Fteam"
        )
    assert alice.get(f"/team/members/{people.bob.id}/hand-over").status_code == 303
    assert roles() == {"alice": "owner", "bob": "member"}
    with database.transaction() as db:
        for session in db.exec(select(LoginSession)):
            session.proved_at = clock.now()
    assert alice.submit(f"/team/members/{people.bob.id}/hand-over").status_code == 303
    assert roles()["bob"] == "owner"


def _at_once(*acts):
    """Run all of them at the same time; returns how many succeeded."""
    start = threading.Barrier(len(acts))

    def run(act):
        start.wait(AT_MOST_SECONDS)
        try:
            with database.transaction() as db:
                act(db)
        except (members.LastOwner, rights.NotForYou, rights.OwnersOnly, members.NoSuchMember):
            return False
        return True

    with ThreadPoolExecutor(len(acts)) as pool:
        return sum(pool.map(run, acts))


@both_databases
def test_of_owners_who_go_at_the_same_moment_one_stays(people, app):
    here, a, b = people.northwind.id, people.alice.id, people.bob.id
    for first, second in [
        (lambda db: members.leave(db, here, a), lambda db: members.leave(db, here, b)),
        (lambda db: members.remove(db, here, b, by=a), lambda db: members.remove(db, here, a, by=b)),
        (
            lambda db: members.change_role(db, here, a, "admin", by=b),
            lambda db: members.change_role(db, here, b, "member", by=a),
        ),
        (lambda db: members.leave(db, here, a), lambda db: members.change_role(db, here, b, "member", by=b)),
        (lambda db: members.hand_over(db, here, b, by=a), lambda db: members.leave(db, here, b)),
    ]:
        for _ in range(3):
            with database.transaction() as db:
                for user_id in (a, b):
                    db.merge(
                        Membership(workspace_id=here, user_id=user_id, role="owner", created_at=clock.now())
                    )
            _at_once(first, second)
            assert "owner" in roles().values()


def row_of(page, user):
    """A member's row as text."""
    row = page.split(f'id="member-{user.id}">')[1].split("</li>")[0]
    return " ".join(re.sub("<[^>]+>", " ", row).split())


def test_a_row_says_who_somebody_is_and_what_they_own(people, sign_in, connect):
    connect(people.bob, "Books")
    connect(people.bob, "Mine", visibility="personal")
    bob, alice = sign_in(people.bob), sign_in(people.alice)
    bob.get("/integrations")
    alice.get("/team")
    assert row_of(alice.page, people.bob).startswith(
        "B Bob bob@example.com Member Active just now 2 connections Manage bob@example.com Role"
    )
    assert row_of(alice.page, people.alice).startswith(
        "A Alice You alice@example.com Owner Active just now No"
    )
    bob.get("/team")
    assert "2 connections" in row_of(bob.page, people.bob) and "Manage" not in bob.page


def test_personal_connections_are_counted_for_those_who_manage_alone(people, sign_in, connect):
    connect(people.alice, "Mine", visibility="personal")
    bob = sign_in(people.bob)
    bob.get("/team")
    assert "No connections" in row_of(bob.page, people.alice)


def test_every_act_names_its_consequence_before_it_acts(people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/team")
    row = row_of(alice.page, people.bob)
    for words in (
        "Applies immediately.",
        "withdraws the invitations they sent",
        "They become the owner in your place, and you become an admin.",
        "They lose access immediately. Personal connections are disconnected; shared ones stay.",
    ):
        assert words in row
    alice.get(f"/team/members/{people.bob.id}/remove")
    assert "Remove bob@example.com from Northwind?" in alice.page and "you become their owner" in alice.page
    assert roles()["bob"] == "member"


def test_a_changed_role_is_confirmed_and_the_row_stays_open(people, sign_in):
    alice = sign_in(people.alice)
    answer = alice.submit(f"/team/members/{people.bob.id}/role", {"role": "admin"}, htmx=True)
    row = answer.text.split(f'id="member-{people.bob.id}"')[1]
    assert "Role changed. It applies immediately." in answer.text and '<details class="manage" open>' in row
    assert answer.text.count('class="manage" open') == 1


def test_the_team_costs_the_same_queries_however_large(people, sign_in, statements):
    alice = sign_in(people.alice)
    alice.get("/team")
    with statements() as few:
        alice.get("/team")
    at = clock.now()
    with database.transaction() as db:
        for n in range(25):
            db.add(User(id=f"usr_{n}", email=f"n{n}@example.com", created_at=at))
            db.flush()
            db.add(
                Membership(workspace_id=people.northwind.id, user_id=f"usr_{n}", role="member", created_at=at)
            )
    with statements() as many:
        alice.get("/team")
    assert "n24@example.com" in alice.page and len(many) == len(few)
