"""Invitations as people see them: the page, the mail, the link. dina is an admin of Northwind, besides alice
(owner) and bob.
"""

import re

import pytest

from app import clock, database
from app.accounts.models import User
from app.workspaces.models import Membership
from tests.support.mcp_client import acme_service, connect  # noqa: F401
from tests.support.statements import statements  # noqa: F401
from tests.support.visitor import Visitor

GOOD_PASSWORD = "lantern orbit walrus"


@pytest.fixture(autouse=True)
def _in_one_window(early):
    """Codes and attempts are counted per hour."""


@pytest.fixture
def link_for(mailbox):
    """`link_for(address)` returns the path of the link in the newest invitation to an address."""

    def _link(to):
        text = next(letter.text for letter in mailbox(to) if "invite" in letter.subject)
        return re.search(r"http://localhost:8000(/invitations/\S+)", text).group(1)

    return _link


@pytest.fixture
def invite(people, sign_in, link_for):
    """`invite("zoe@example.com")` lets alice invite somebody; returns the path of the link in the mail."""

    def _invite(email, role="member", by=None):
        sender = sign_in(by or people.alice)
        answer = sender.submit("/team/invitations", {"email": email, "role": role})
        assert answer.status_code == 303, answer.text
        return link_for(email.lower())

    return _invite


@pytest.fixture
def dina(people):
    """An admin of Northwind."""
    user = User(id="usr_dina", email="dina@example.com", created_at=clock.now())
    with database.transaction() as db:
        db.add(user)
        db.flush()
        db.add(
            Membership(
                workspace_id=people.northwind.id, user_id=user.id, role="admin", created_at=clock.now()
            )
        )
    return user


@pytest.fixture
def join(app, invite, code_for):
    """`join("zoe@example.com")`: somebody new is invited, creates an account and joins. Returns their
    Visitor.
    """

    def _join(email, role="member"):
        visitor = Visitor(app)
        link = invite(email, role)
        visitor.get(f"{link}/register")
        visitor.follow(visitor.submit(f"{link}/register", {"password": GOOD_PASSWORD}))
        visitor.follow(visitor.submit("/confirm", {"code": code_for(email)}))
        return visitor

    return _join


def roles(workspace_id="wsp_northwind"):
    """The members of a workspace with their roles."""
    from sqlmodel import col, select

    query = select(User.email, Membership.role).join(User, col(User.id) == col(Membership.user_id))
    with database.reading() as db:
        return {
            email.split("@")[0]: role
            for email, role in db.exec(query.where(col(Membership.workspace_id) == workspace_id))
        }
