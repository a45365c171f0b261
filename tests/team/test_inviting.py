"""Owners and admins invite by mail: a link valid once, for seven days, for one address. Resending invalidates
the old one.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import audit, clock, crypto, database
from app.accounts.budgets import BudgetSpent
from app.team import invitations
from app.team.models import Invitation
from app.workspaces.models import Workspace
from tests.conftest import both_databases
from tests.support.visitor import Visitor
from tests.team.conftest import roles

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


def rows():
    with database.reading() as db:
        return db.exec(select(Invitation)).all()


def actions():
    with database.reading() as db:
        return [entry.action for entry in db.exec(select(audit.AuditEntry).order_by(audit.AuditEntry.id))]


@both_databases
def test_the_mail_brings_a_link_that_is_stored_nowhere(people, sign_in, mailbox, link_for):
    alice = sign_in(people.alice)
    answer = alice.submit("/team/invitations", {"email": " Zoe@Example.com ", "role": "admin"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/team")
    alice.follow(answer)
    assert (
        "Invitation sent to zoe@example.com" in alice.page
        and "Resend invitation to zoe@example.com" in alice.page
    )
    (letter,) = mailbox("zoe@example.com")
    assert (
        "alice@example.com" in letter.text
        and "Northwind" in letter.text
        and "Northwind" not in letter.subject
    )
    token = link_for("zoe@example.com").rpartition("/")[2]
    (row,) = rows()
    assert (row.email, row.role, row.token_digest) == ("zoe@example.com", "admin", crypto.digest(token))
    assert token not in repr(row) and token not in alice.page
    assert "invitation.sent" in actions()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"email": "", "role": "member"}, "Enter your colleague"),
        ({"email": "zoe", "role": "member"}, "Enter an email address"),
        ({"email": "zoe@example.com", "role": "owner"}, "Not a valid choice"),
        ({"email": "zoe@example.com\nBcc: x@y.z", "role": "member"}, "characters that can"),
        ({"email": "bob@example.com", "role": "member"}, "is already a member of this workspace"),
    ],
)
def test_what_cannot_be_sent_is_refused_beside_its_field(people, sign_in, mailbox, form, sentence):
    alice = sign_in(people.alice)
    assert alice.submit("/team/invitations", form).status_code == 422
    assert sentence in alice.page and not rows() and not mailbox("zoe@example.com")
    assert (
        alice.submit("/team/invitations", {"email": "zoe@example.com", "role": "member"}).status_code == 303
    )


def test_a_member_invites_nobody_and_sees_no_invitation(people, sign_in, invite):
    invite("zoe@example.com")
    bob = sign_in(people.bob)
    bob.get("/team")
    assert "alice@example.com" in bob.page and "Leave workspace" in bob.page
    assert "zoe@example.com" not in bob.page and ">Invite<" not in bob.page and "Remove " not in bob.page
    assert bob.submit("/team/invitations", {"email": "eve@example.com", "role": "member"}).status_code == 403
    for act in ("resend", "withdraw"):
        assert bob.submit(f"/team/invitations/{rows()[0].id}/{act}").status_code == 403
    assert [row.email for row in rows() if row.withdrawn_at is None] == ["zoe@example.com"]


def test_sending_again_makes_a_new_link_and_the_old_one_dies(people, app, sign_in, invite, link_for):
    old = invite("zoe@example.com")
    alice, zoe = sign_in(people.alice), Visitor(app)
    clock.shift(timedelta(days=6))
    alice.get("/team")
    assert alice.submit(f"/team/invitations/{rows()[0].id}/resend").status_code == 303
    clock.shift(timedelta(days=6))
    new = link_for("zoe@example.com")
    assert new != old
    assert zoe.get(old).status_code == 410 and "replaced by a newer one" in zoe.page
    assert zoe.get(new).status_code == 200 and "Join Northwind" in zoe.page
    assert actions().count("invitation.sent_again") == 1


def test_inviting_an_address_again_replaces_what_it_was_sent(people, app, sign_in, invite):
    old, new = invite("zoe@example.com"), invite("zoe@example.com", "admin")
    assert len(rows()) == 1 and rows()[0].role == "admin"
    assert Visitor(app).get(old).status_code == 410
    assert Visitor(app).get(new).status_code == 200


def test_a_withdrawn_or_expired_link_says_so_and_a_new_one_works(people, app, sign_in, invite):
    link = invite("zoe@example.com")
    alice, zoe = sign_in(people.alice), Visitor(app)
    alice.submit(f"/team/invitations/{rows()[0].id}/withdraw")
    assert zoe.get(link).status_code == 410 and "withdrawn" in zoe.page and "Northwind" not in zoe.page
    assert alice.submit(f"/team/invitations/{rows()[0].id}/withdraw").status_code == 404
    assert alice.submit(f"/team/invitations/{rows()[0].id}/resend").status_code == 404
    link = invite("zoe@example.com")
    clock.shift(timedelta(days=7, seconds=1))
    assert zoe.get(link).status_code == 410 and "expired" in zoe.page
    alice.get("/team")
    assert "Expired" in alice.page
    assert zoe.get(invite("zoe@example.com")).status_code == 200


def test_htmx_swaps_the_team_and_says_what_happened(people, sign_in, invite):
    invite("zoe@example.com")
    alice = sign_in(people.alice)
    answer = alice.submit(f"/team/invitations/{rows()[0].id}/withdraw", htmx=True)
    assert answer.status_code == 200 and answer.text.startswith('<div id="team">')
    assert (
        "Invitation to zoe@example.com withdrawn" in answer.text and "Withdraw invitation" not in answer.text
    )


def test_another_workspaces_invitation_looks_like_none(people, sign_in, invite):
    invite("zoe@example.com")
    charlie = sign_in(people.charlie)
    for act in ("resend", "withdraw"):
        theirs = charlie.submit(f"/team/invitations/{rows()[0].id}/{act}")
        nobodys = charlie.submit(f"/team/invitations/inv_unknown/{act}")
        assert theirs.status_code == nobodys.status_code == 404
    assert rows()[0].withdrawn_at is None


@both_databases
def test_a_workspace_sends_exactly_fifty_a_day_however_many_ask_at_once(people, app):
    settings, alice = app.extensions["patchbay"], people.alice

    def send(number):
        try:
            with database.transaction() as db:
                invitations.send(
                    db, settings, people.northwind.id, f"person{number}@example.com", "member", by=alice.id
                )
        except BudgetSpent:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(60))) == 50
    assert len(rows()) == 50
    clock.shift(timedelta(days=1))
    assert send(99)


def test_one_address_gets_ten_a_day_from_wherever(people, sign_in, invite):
    for _ in range(10):
        invite("zoe@example.com")
    charlie = sign_in(people.charlie)
    answer = charlie.submit("/team/invitations", {"email": "zoe@example.com", "role": "member"})
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert "tried too often" in charlie.page and 'value="zoe@example.com"' in charlie.page
    assert (
        charlie.submit("/team/invitations", {"email": "yan@example.com", "role": "member"}).status_code == 303
    )


def test_a_deactivated_workspace_sends_nothing(people, sign_in):
    alice = sign_in(people.alice)
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).deactivated_at = clock.now()
    assert alice.submit("/team/invitations", {"email": "zoe@example.com", "role": "member"}).status_code in {
        303,
        403,
    }
    assert not rows()


def test_invitations_of_somebody_who_may_invite_no_longer_are_withdrawn(people, app, dina, sign_in, invite):
    link = invite("zoe@example.com", "admin", by=dina)
    open_link = invite("yan@example.com")
    alice = sign_in(people.alice)
    alice.submit(f"/team/members/{dina.id}/role", {"role": "member"})
    assert Visitor(app).get(link).status_code == 410 and Visitor(app).get(open_link).status_code == 200
    assert roles()["dina"] == "member"


def test_the_page_offers_what_may_be_done_by_name(people, dina, sign_in, invite):
    invite("zoe@example.com")
    alice = sign_in(people.alice)
    alice.get("/team")
    named = set(re.findall(r'aria-label="([^"]+)"', alice.page))
    assert {
        "Remove bob@example.com",
        "Role of bob@example.com",
        "Hand over ownership to bob@example.com",
    } <= named
    assert {"Resend invitation to zoe@example.com", "Withdraw invitation to zoe@example.com"} <= named
    admin = sign_in(dina)
    admin.get("/team")
    named = set(re.findall(r'aria-label="([^"]+)"', admin.page))
    assert "Remove bob@example.com" in named and "Resend invitation to zoe@example.com" in named
    assert (
        not {
            "Remove alice@example.com",
            "Role of alice@example.com",
            "Hand over ownership to bob@example.com",
        }
        & named
    )


def test_an_invitation_refused_through_htmx_says_why(people, sign_in):
    alice = sign_in(people.alice)
    for email, sentence in [
        ("zoe", "Enter an email address"),
        ("bob@example.com", "is already a member of this workspace"),
    ]:
        answer = alice.submit("/team/invitations", {"email": email, "role": "member"}, htmx=True)
        assert answer.status_code == 422 and sentence in answer.text and 'role="alert"' in answer.text
    answer = alice.submit("/team/invitations", {"email": "zoe@example.com", "role": "member"}, htmx=True)
    assert answer.status_code == 200 and "Withdraw invitation to zoe@example.com" in answer.text


def test_the_trail_keeps_no_whole_address_of_somebody_who_never_came(invite):
    invite("zoe@example.com")
    with database.reading() as db:
        details_stored = [
            entry.details
            for entry in db.exec(select(audit.AuditEntry).where(audit.AuditEntry.action == "invitation.sent"))
        ]
    assert [details["email"] for details in details_stored] == ["z…@example.com"]
