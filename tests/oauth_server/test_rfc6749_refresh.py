"""RFC 6749 section 6 and RFC 9700 section 4.14.2: refresh tokens rotate."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.accounts.models import User
from app.oauth_server import housekeeping
from app.oauth_server.models import RefreshToken
from tests.conftest import both_databases
from tests.support.ai_client import AiClient

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


def test_a_refresh_gives_new_tokens(client_app, tokens):
    answer = client_app.refresh(tokens["refresh_token"])
    assert answer.status == 200
    assert answer["refresh_token"] != tokens["refresh_token"]
    assert answer["access_token"] != tokens["access_token"]
    assert answer["scope"] == tokens["scope"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert client_app.status(answer["access_token"]).status == 200
    assert client_app.status(tokens["access_token"]).status == 200


def test_a_lost_answer_is_given_again_for_a_minute(frozen_clock, client_app, tokens):
    first = client_app.refresh(tokens["refresh_token"])
    clock.shift(timedelta(seconds=50))
    again = client_app.refresh(tokens["refresh_token"])
    assert again.status == 200
    assert again["refresh_token"] == first["refresh_token"]
    assert again["access_token"] == first["access_token"]
    assert first["expires_in"] - again["expires_in"] == 50, "what is left of the same token"
    assert client_app.refresh(again["refresh_token"]).status == 200


@pytest.mark.parametrize("when", ["late", "successor used"])
def test_any_other_replay_ends_the_whole_family_and_says_so(client_app, tokens, alice, when):
    first = client_app.refresh(tokens["refresh_token"])
    newest = client_app.refresh(first["refresh_token"]) if when == "successor used" else first
    clock.shift(timedelta(seconds=5 if when == "successor used" else 61))
    assert client_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert client_app.refresh(newest["refresh_token"]).error == "invalid_grant"
    assert client_app.status(newest["access_token"]).status == 401
    alice.get("/ai-clients")
    assert "An old refresh token was presented again" in alice.page
    assert client_app.connect(alice).status == 200


@both_databases
def test_sixteen_refreshes_at_once_all_get_the_same_successor(client_app, tokens):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client_app.refresh(tokens["refresh_token"]), range(16)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert client_app.refresh(answers[0]["refresh_token"]).status == 200


def test_the_lifetime_slides_with_every_use(client_app, tokens):
    token = tokens["refresh_token"]
    for _ in range(3):
        clock.shift(timedelta(days=80))
        answer = client_app.refresh(token)
        assert answer.status == 200
        token = answer["refresh_token"]
    clock.shift(timedelta(days=91))
    assert client_app.refresh(token).error == "invalid_grant"


def test_a_family_ends_after_a_year_however_often_it_is_used(client_app, tokens):
    token = tokens["refresh_token"]
    for _ in range(4):
        clock.shift(timedelta(days=85))
        token = client_app.refresh(token)["refresh_token"]
    clock.shift(timedelta(days=30))
    assert client_app.refresh(token).error == "invalid_grant"


def test_an_access_token_lives_a_day(client_app, tokens):
    clock.shift(timedelta(hours=23, minutes=59))
    assert client_app.status(tokens["access_token"]).status == 200
    clock.shift(timedelta(minutes=2))
    assert client_app.status(tokens["access_token"]).status == 401


def test_scope_can_be_narrowed_per_token_and_the_refresh_token_keeps_its_grant(client_app, tokens):
    narrow = client_app.refresh(tokens["refresh_token"], scope="tools:read")
    assert narrow["scope"] == "tools:read"
    assert client_app.status(narrow["access_token"])["scopes"] == ["tools:read"]
    assert (
        client_app.refresh(tokens["refresh_token"], scope="tools:read tools:write").error == "invalid_scope"
    )
    wide = client_app.refresh(narrow["refresh_token"])
    assert wide["scope"] == "tools:read tools:write"


def test_scope_can_not_be_widened(client_app, alice):
    tokens = client_app.connect(alice, scope="tools:read")
    assert client_app.refresh(tokens["refresh_token"], scope="tools:write").error == "invalid_scope"
    assert client_app.refresh(tokens["refresh_token"]).status == 200


@pytest.mark.parametrize(
    "requested",
    ["openid profile tools:read tools:write offline_access", "openid tools:read email offline_access"],
)
def test_the_scope_first_asked_for_may_be_repeated_with_names_we_do_not_know(client_app, alice, requested):
    tokens = client_app.connect(alice, scope=requested)
    again = client_app.refresh(tokens["refresh_token"], scope=requested)
    assert (again.status, again["scope"]) == (200, tokens["scope"])
    assert client_app.refresh(again["refresh_token"], scope="openid email")["scope"] == tokens["scope"]


@pytest.mark.parametrize("scope", ["tools:write", "tools:read tools:write x", "pos:write openid"])
def test_unknown_names_beside_it_do_not_widen_the_scope(client_app, alice, scope):
    tokens = client_app.connect(alice, scope="openid tools:read")
    assert client_app.refresh(tokens["refresh_token"], scope=scope).error == "invalid_scope"
    answer = client_app.refresh(tokens["refresh_token"], scope="tools:read offline_access openid")
    assert answer["scope"] == "tools:read"


def test_another_client_cannot_use_the_token_nor_harm_it(app, client_app, tokens):
    other = AiClient(app)
    other.register()
    assert other.refresh(tokens["refresh_token"]).error == "invalid_grant"
    client_app.refresh(tokens["refresh_token"])
    clock.shift(timedelta(seconds=90))
    assert other.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert client_app.status(tokens["access_token"]).status == 200


@pytest.mark.parametrize("token", ["pbr_unknown", "x" * 5000, "ünï", "pba_" + "a" * 43])
def test_a_dead_token_is_always_invalid_grant(client_app, tokens, token):
    answer = client_app.refresh(token)
    assert (answer.status, answer.error) == (400, "invalid_grant")
    assert client_app.refresh(tokens["access_token"]).error == "invalid_grant"
    assert client_app.refresh(tokens["refresh_token"]).status == 200


def test_a_missing_token_is_invalid_request(client_app):
    assert client_app.post("/oauth/token", {"grant_type": "refresh_token"}).error == "invalid_request"


def test_a_revoked_grant_and_a_disabled_person_are_invalid_grant(client_app, tokens, alice, people):
    with database.transaction() as db:
        db.get(User, people.alice.id).disabled_at = clock.now()
    assert client_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    with database.transaction() as db:
        db.get(User, people.alice.id).disabled_at = None
    assert client_app.refresh(tokens["refresh_token"]).status == 200


def test_the_sealed_answer_does_not_outlive_its_use(client_app, tokens):
    def sealed():
        with database.reading() as db:
            return [token.answer_sealed for token in db.exec(select(RefreshToken)) if token.answer_sealed]

    first = client_app.refresh(tokens["refresh_token"])
    assert len(sealed()) == 1
    second = client_app.refresh(first["refresh_token"])
    assert second.status == 200 and len(sealed()) == 1
    clock.shift(timedelta(minutes=3))
    with database.transaction() as db:
        housekeeping.run(db)
    assert sealed() == []


def test_an_answer_swapped_between_rows_does_not_open(client_app, tokens, alice):
    other = client_app.connect(alice)
    client_app.refresh(tokens["refresh_token"])
    client_app.refresh(other["refresh_token"])
    with database.transaction() as db:
        one, two = [token for token in db.exec(select(RefreshToken)) if token.answer_sealed]
        one.answer_sealed, two.answer_sealed = two.answer_sealed, one.answer_sealed
    answer = client_app.refresh(tokens["refresh_token"])
    assert answer.status == 500
    assert "access_token" not in answer.body
