"""Who sees and ends what was given to AI clients."""

import re

import pytest
from sqlmodel import col, update

from app import database
from app.workspaces.models import Membership
from tests.support.ai_client import AiClient


@pytest.fixture
def owner(sign_in, people):
    return sign_in(people.alice)


@pytest.fixture
def bob(sign_in, people):
    return sign_in(people.bob)


@pytest.fixture
def bobs(app, bob):
    """The tokens of a client that bob let in."""
    client = AiClient(app)
    client.register(client_name="Bob's Cursor")
    return client, client.connect(bob)


def path_of(page):
    return re.search(r'action="(/ai-clients/grt_\w+/revoke)"', page)[1]


def test_an_owner_sees_and_ends_what_a_member_gave(owner, bob, bobs):
    client, tokens = bobs
    owner.get("/ai-clients")
    assert "Bob's Cursor" in owner.page and "bob@example.com" in owner.page
    assert owner.submit(path_of(owner.page)).status_code == 303
    assert client.status(tokens["access_token"]).status == 401
    bob.get("/ai-clients")
    assert "Alice revoked it." in bob.page


def test_a_plain_member_sees_only_their_own(app, owner, bob):
    mine = AiClient(app)
    mine.register(client_name="Alice's Cursor")
    tokens = mine.connect(owner)
    owner.get("/ai-clients")
    path = path_of(owner.page)
    bob.get("/ai-clients")
    assert "Alice's Cursor" not in bob.page and "alice@example.com" not in bob.page
    assert bob.submit(path).status_code == 404
    assert mine.status(tokens["access_token"]).status == 200


@pytest.mark.usefixtures("bobs")
def test_the_right_goes_with_the_role(people, owner):
    owner.get("/ai-clients")
    path = path_of(owner.page)
    with database.transaction() as db:
        db.execute(update(Membership).where(col(Membership.user_id) == people.alice.id).values(role="member"))
    assert owner.submit(path).status_code == 404
    owner.get("/ai-clients")
    assert "Bob's Cursor" not in owner.page
