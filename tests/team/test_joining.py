"""Joining by an invitation: signed in, after signing in, or after creating an account, which needs no
company.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import col, select

from app import clock, database
from app.accounts.models import MailedCode, User
from app.audit import AuditEntry
from app.team import acceptance
from app.team.models import Invitation
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.support.visitor import Visitor
from tests.team.conftest import GOOD_PASSWORD, roles

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


def rows(model):
    with database.reading() as db:
        return db.exec(select(model)).all()


def test_opening_the_link_changes_nothing(people, app, sign_in, invite):
    link = invite("charlie@example.com")
    charlie = sign_in(people.charlie)
    for visitor in (Visitor(app), charlie):
        for _ in range(2):
            assert visitor.get(link).status_code == 200
            assert visitor.client.head(link).status_code == 200
    assert "charlie" not in roles() and rows(Invitation)[0].accepted_at is None
    charlie.get(link)
    assert charlie.submit(link).headers["Location"] == "/integrations"
    assert roles()["charlie"] == "member"


@both_databases
def test_somebody_signed_in_joins_and_works_in_the_new_workspace(people, sign_in, invite):
    charlie = sign_in(people.charlie)
    link = invite("charlie@example.com", "admin")
    charlie.get(link)
    assert "alice@example.com" in charlie.page and "an admin" in charlie.page
    charlie.follow(charlie.submit(link))
    assert "You joined Northwind." in charlie.page
    assert roles() == {"alice": "owner", "bob": "member", "charlie": "admin"}
    charlie.get("/team")
    assert "People in Northwind." in charlie.page
    assert charlie.submit("/workspace", {"workspace": people.contoso.id}).status_code == 303
    charlie.get("/team")
    assert "People in Contoso." in charlie.page
    with database.reading() as db:
        joined = db.exec(select(AuditEntry).where(col(AuditEntry.action) == "member.joined")).one()
    assert (joined.workspace_id, joined.user_id, joined.details) == (
        people.northwind.id,
        people.charlie.id,
        {"role": "admin"},
    )


@both_databases
def test_somebody_new_creates_an_account_on_the_way_and_needs_no_company(people, app, invite, code_for):
    link, zoe = invite("zoe@example.com"), Visitor(app)
    zoe.get(link)
    register = re.search(rf'href="({link}/register)"', zoe.page).group(1)
    zoe.get(register)
    assert 'value="zoe@example.com"' in zoe.page and "Company" not in zoe.page
    assert zoe.submit(register, {"password": "short"}).status_code == 422
    assert "at least 8 characters" in zoe.page
    zoe.follow(zoe.submit(register, {"password": GOOD_PASSWORD}))
    assert "Check your email" in zoe.page and "zoe" not in roles()
    answer = zoe.submit("/confirm", {"code": code_for("zoe@example.com")})
    zoe.follow(answer)
    assert "You joined Northwind." in zoe.page
    assert roles()["zoe"] == "member" and len(rows(Workspace)) == 2
    other = Visitor(app)
    other.get("/login")
    assert other.submit("/login", {"email": "zoe@example.com", "password": GOOD_PASSWORD}).status_code == 303


def test_signing_in_on_the_way_loses_nothing(people, app, invite, code_for):
    link, charlie = invite("charlie@example.com"), Visitor(app)
    charlie.get(link)
    login = re.search(r'href="(/login\?next=[^"]+)"', charlie.page).group(1)
    charlie.get(login)
    assert "accept the invitation" in charlie.page
    charlie.follow(charlie.submit("/login/code", {"email": "charlie@example.com", "next": "/invitations"}))
    charlie.follow(charlie.submit("/confirm", {"code": code_for("charlie@example.com")}))
    assert "Join Northwind" in charlie.page and "charlie" not in roles()
    charlie.follow(charlie.submit(link))
    assert roles()["charlie"] == "member"
    token = link.rpartition("/")[2]
    assert all(token not in repr(row) for row in rows(MailedCode)), "the link's token was stored"


def test_from_the_sign_in_page_one_finds_the_way_to_a_new_account(app, invite):
    link, zoe = invite("zoe@example.com"), Visitor(app)
    zoe.get(link)
    zoe.get("/login?next=/invitations")
    back = re.search(r'href="([^"]+)">Create account', zoe.page).group(1)
    zoe.follow(zoe.get(back))
    assert f'href="{link}/register"' in zoe.page


def test_it_is_for_one_address(people, app, sign_in, invite):
    link = invite("zoe@example.com", "admin")
    charlie = sign_in(people.charlie)
    assert charlie.get(link).status_code == 403
    assert (
        "zoe@example.com" in charlie.page
        and "you are signed in as charlie@example.com" in charlie.page.replace("<b>", "").replace("</b>", "")
    )
    assert "Northwind" not in charlie.page and "alice" not in charlie.page
    assert charlie.submit(link).status_code == 403
    assert "charlie" not in roles() and rows(Invitation)[0].accepted_at is None
    charlie.follow(charlie.submit(f"{link}/other-account"))
    assert "Create account" in charlie.page and "Join Northwind" in charlie.page
    assert charlie.get("/account").status_code == 303


def test_it_works_once(people, app, sign_in, invite):
    link = invite("charlie@example.com")
    charlie = sign_in(people.charlie)
    charlie.get(link)
    for _ in range(2):  # a double click ends well
        assert charlie.submit(link).headers["Location"] == "/integrations"
    assert charlie.get(link).headers["Location"] == "/integrations"
    stranger = Visitor(app)
    assert stranger.get(link).status_code == 410 and "already used" in stranger.page
    assert "charlie" not in stranger.page and "Northwind" not in stranger.page
    alice = sign_in(people.alice)
    alice.submit(f"/team/members/{people.charlie.id}/remove")
    assert charlie.get(link).status_code == 410 and charlie.submit(link).status_code == 410
    assert "charlie" not in roles()


@both_databases
def test_of_many_uses_at_the_same_moment_one_counts(people, invite):
    link = invite("charlie@example.com")
    token = link.rpartition("/")[2]

    def use(_):
        with database.transaction() as db:
            with database.reading() as looking:
                opened = acceptance.open_link(looking, token, people.charlie.id)
            return acceptance.accept(db, opened.id, people.charlie).id

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(use, range(12))) == {people.northwind.id}
    with database.reading() as db:
        joined = db.exec(select(AuditEntry).where(col(AuditEntry.action) == "member.joined")).all()
    assert len(joined) == 1


@pytest.mark.parametrize(
    "token", ["x", "inv_unknown", "a" * 43, "a" * 300, "%00", "%ff", "..%2f", "'; DROP TABLE users --"]
)
def test_what_is_no_link_gets_a_clear_page(people, visitor, sign_in, token):
    for who in (visitor, sign_in(people.bob)):
        answer = who.get(f"/invitations/{token}")
        assert answer.status_code in {404, 410}
        assert 'role="alert"' in who.page


def test_the_link_alone_makes_no_account_and_says_nothing_about_one(people, app, invite, mailbox, code_for):
    """Registering asks for a mailed code, and looks the same for an address that has an account."""
    pages = {}
    for email in ("charlie@example.com", "zoe@example.com"):
        link, visitor = invite(email), Visitor(app)
        visitor.get(link)
        page = visitor.page
        visitor.get(f"{link}/register")
        page += visitor.page
        visitor.follow(visitor.submit(f"{link}/register", {"password": GOOD_PASSWORD}))
        page += visitor.page
        for _ in range(5):
            visitor.submit("/confirm", {"code": "123456"})
            page += visitor.page
        page = page.replace(email, "ADDRESS").replace(link, "LINK")
        pages[email] = re.sub(r'value="[^"]+"|nonce="[^"]+"|datetime="[^"]+"|good until [^.]+', "", page)
    assert pages["charlie@example.com"] == pages["zoe@example.com"]
    letter = mailbox("charlie@example.com")[0]
    assert (
        "already have" in letter.subject
        and "invitation" in letter.text
        and not re.search(r"\d{6}", letter.text)
    )
    assert roles() == {"alice": "owner", "bob": "member"}
    assert [user.email for user in rows(User)].count("charlie@example.com") == 1


def test_an_invitation_withdrawn_before_the_code_creates_nothing(people, app, sign_in, invite, code_for):
    link, zoe = invite("zoe@example.com"), Visitor(app)
    zoe.get(f"{link}/register")
    zoe.follow(zoe.submit(f"{link}/register", {"password": GOOD_PASSWORD}))
    sign_in(people.alice).submit(f"/team/invitations/{rows(Invitation)[0].id}/withdraw")
    assert zoe.submit("/confirm", {"code": code_for("zoe@example.com")}).status_code == 410
    assert "withdrawn" in zoe.page
    assert "zoe@example.com" not in [user.email for user in rows(User)]


def test_the_code_can_be_sent_again_and_still_joins(people, app, invite, code_for):
    link, zoe = invite("zoe@example.com"), Visitor(app)
    zoe.get(f"{link}/register")
    zoe.follow(zoe.submit(f"{link}/register", {"password": GOOD_PASSWORD}))
    clock.shift(timedelta(minutes=11))
    assert zoe.submit("/confirm", {"code": code_for("zoe@example.com")}).status_code == 422
    assert "Back to the invitation" in zoe.page
    zoe.follow(zoe.submit("/confirm/again"))
    zoe.follow(zoe.submit("/confirm", {"code": code_for("zoe@example.com")}))
    assert roles()["zoe"] == "member"


def test_somebody_in_no_workspace_joins_and_can_sign_out(people, sign_in, invite):
    dana = sign_in(people.dana)
    dana.get("/account")
    assert "Sign out" in dana.page and "No workspace" in dana.page
    link = invite("dana@example.com")
    dana.get(link)
    dana.follow(dana.submit(link))
    assert roles()["dana"] == "member"


def test_a_member_who_is_invited_anew_keeps_the_role(people, sign_in, invite):
    """Somebody may have joined another way while the invitation was pending."""
    link = invite("charlie@example.com")
    with database.transaction() as db:
        db.add(
            Membership(
                workspace_id=people.northwind.id,
                user_id=people.charlie.id,
                role="admin",
                created_at=clock.now(),
            )
        )
    charlie = sign_in(people.charlie)
    charlie.get(link)
    assert charlie.submit(link).status_code == 303
    assert roles()["charlie"] == "admin"


def test_without_an_invitation_opened_there_is_none_to_go_on_with(people, visitor, sign_in):
    assert visitor.get("/invitations").headers["Location"] == "/integrations"
    assert sign_in(people.bob).get("/invitations").headers["Location"] == "/integrations"
