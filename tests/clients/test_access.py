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


@pytest.mark.parametrize("anew", [False, True])
def test_a_client_that_signed_in_again_is_one_row_and_revoking_it_cuts_it_off(app, owner, bob, bobs, anew):
    client = AiClient(app)
    client.register(client_name="Claude Code")
    tokens = []
    for _ in range(4):  # also on two computers at once: no sign-in ends another
        if anew:
            client = AiClient(app)
            client.register(client_name="Claude Code")
        tokens.append(client.connect(bob))
    assert {client.status(each["access_token"]).status for each in tokens} == {200}
    bob.get("/ai-clients")
    assert bob.page.count("/revoke") == 2  # with Bob's Cursor
    assert "signed in 4 times. Revoke signs it out everywhere." in bob.page
    path = re.search(
        r'action="(/ai-clients/grt_\w+/revoke)"[^>]*>(?:(?!</form>).)*Revoke<[^>]+> Claude Code', bob.page
    )[1]
    assert bob.submit(path).status_code == 303
    assert {client.status(each["access_token"]).status for each in tokens} == {401}
    assert {client.refresh(each["refresh_token"]).status for each in tokens} <= {400}
    assert client.ask(bob).status_code == 200, "the person is asked again"
    cursor, still = bobs
    assert cursor.status(still["access_token"]).status == 200
    bob.get("/ai-clients")
    assert "Revoked. Claude Code no longer has access." in bob.page
    assert bob.page.count("You revoked it.") == 1 and bob.page.count("/revoke") == 1


def test_the_same_client_of_two_people_is_two_rows(app, owner, bob):
    client = AiClient(app)
    client.register(client_name="Claude Code")
    mine, theirs = client.connect(owner), client.connect(bob)
    owner.get("/ai-clients")
    assert owner.page.count("/revoke") == 2
    bob.get("/ai-clients")
    assert bob.submit(path_of(bob.page)).status_code == 303
    assert client.status(theirs["access_token"]).status == 401
    assert client.status(mine["access_token"]).status == 200


@pytest.mark.usefixtures("bobs")
def test_the_right_goes_with_the_role(people, owner):
    owner.get("/ai-clients")
    path = path_of(owner.page)
    with database.transaction() as db:
        db.execute(update(Membership).where(col(Membership.user_id) == people.alice.id).values(role="member"))
    assert owner.submit(path).status_code == 404
    owner.get("/ai-clients")
    assert "Bob's Cursor" not in owner.page
