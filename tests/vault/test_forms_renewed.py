"""Renewing what a person filled in: only what the answer brings is new, and a gateway ends nothing."""

from datetime import timedelta

import pytest

from app import clock
from app.errors import ProviderUnavailable, ReconnectNeeded
from app.vault import seal
from app.vault.refresh import TokenVault
from app.vault.token_endpoint import TokenEndpointUnavailable, TokenRefused
from tests.vault.conftest import expire, stored
from tests.vault.provider import status

JSON = "application/json"


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


def end_cooldown(connection):
    clock.shift(timedelta(minutes=6))


WITHOUT_TOKEN = {
    "nothing": {},
    "another name": {"token": "canary-a", "expires_in": 60},
    "empty": {"access_token": "", "expires_in": 60},
    "null": {"access_token": None},
    "a number": {"access_token": 7},
    "two words": {"access_token": "canary a"},
    "a line break within": {"access_token": "canary\r\nX-Evil: 1"},
}


@pytest.mark.parametrize("body", WITHOUT_TOKEN.values(), ids=WITHOUT_TOKEN.keys())
def test_a_success_without_a_token_does_not_become_the_old_token_with_a_new_life(
    fill_in,
    provider,
    settings,
    body,
):
    connection = fill_in("minted")
    expire(connection)
    before = stored(connection)[1]
    provider.faults.append(status(200, body, JSON))
    with pytest.raises(ProviderUnavailable, match="Minted responded without a token"):
        TokenVault(settings, connection).bearer()
    row, credential = stored(connection)
    assert (row.state, credential.generation, credential.expires_at) == ("connected", 1, before.expires_at)
    end_cooldown(connection)
    assert TokenVault(settings, connection).bearer() in provider.access  # and recovers without help


def test_the_same_for_a_login_whose_profile_holds_no_key_any_more(fill_in, provider, settings):
    connection = fill_in("logged")
    provider.forget_access_tokens()
    provider.faults.append(status(200, {"id": 7, "name": "Kim"}, JSON))
    with pytest.raises(ProviderUnavailable, match="Logged responded without a token"):
        TokenVault(settings, connection).renew()
    assert stored(connection)[1].generation == 1


def test_a_token_with_white_space_around_it_is_taken_without(fill_in, provider, settings):
    connection = fill_in("minted")
    expire(connection)
    provider.faults.append(status(200, {"access_token": " canary-spaced\n", "expires_in": 600}, JSON))
    assert TokenVault(settings, connection).bearer() == "canary-spaced"


@pytest.mark.parametrize("lifetime", [None, 0, -5, "soon", [], True])
def test_a_renewal_that_names_no_lifetime_is_renewed_in_time_again(
    fill_in,
    provider,
    settings,
    lifetime,
):
    connection = fill_in("minted")
    expire(connection)
    body = {"access_token": "canary-a", **({} if lifetime is None else {"expires_in": lifetime})}
    provider.faults.append(status(200, body, JSON))
    assert TokenVault(settings, connection).bearer() == "canary-a"
    credential = stored(connection)[1]
    assert credential.expires_at - credential.updated_at == timedelta(seconds=1800), "as the token before"
    clock.shift(timedelta(seconds=1750))
    assert TokenVault(settings, connection).bearer() in provider.access, "before it ends, not after a 401"


def test_a_service_that_never_names_a_lifetime_is_not_guessed_at(fill_in, settings):
    connection = fill_in("logged")
    TokenVault(settings, connection).renew()
    assert stored(connection)[1].expires_at is None


GATEWAYS = {
    "401": status(401, {"message": "Unauthorized"}, JSON),
    "403": status(403, {"error": "Forbidden", "requestId": "canary"}, JSON),
    "401 page": status(401, b"<html>"),
    "404": status(404, {"message": "no Route matched"}, JSON),
    "400": status(400, {"error": "bad_request"}, JSON),
    "a redirect": status(302, b"", Location="https://elsewhere.example/login"),
}


@pytest.mark.parametrize("slug", ["minted", "logged"])
@pytest.mark.parametrize("fault", GATEWAYS.values(), ids=GATEWAYS.keys())
def test_one_refusal_that_is_not_the_services_documented_one_ends_nothing(
    fill_in,
    provider,
    settings,
    slug,
    fault,
):
    connection = fill_in(slug)
    expire(connection)
    provider.faults.append(fault)
    with pytest.raises(ProviderUnavailable, match="refused the request for a token"):
        TokenVault(settings, connection).renew()
    assert stored(connection)[0].state == "connected"
    end_cooldown(connection)
    TokenVault(settings, connection).renew()
    assert stored(connection)[1].generation == 2


@pytest.mark.parametrize(
    ("slug", "answer"),
    [
        ("minted", status(401, {"error": "invalid_client"}, JSON)),
        ("minted", status(400, {"error": {"code": "invalid_client"}}, JSON)),
        ("minted", status(400, {"error": "INVALID_GRANT"}, JSON)),
        ("minted", status(200, {"error": "invalid_client"}, JSON)),
        ("logged", status(401, {"error": "unauthorized"}, JSON)),  # as the form declares
    ],
)
def test_the_documented_refusal_ends_it_at_once(fill_in, provider, settings, slug, answer):
    connection = fill_in(slug)
    expire(connection)
    provider.faults.append(answer)
    with pytest.raises(ReconnectNeeded, match="Reconnect"):
        TokenVault(settings, connection).renew()
    row = stored(connection)[0]
    assert (row.state, row.try_again_at) == ("reconnect_needed", None)


def test_a_renewed_refresh_token_that_is_no_token_leaves_the_stored_one(
    fill_in,
    provider,
    settings,
    monkeypatch,
):
    connection = fill_in("logged")
    before = seal.unseal(settings.vault_keys, stored(connection)[1], "refresh_token_sealed")
    provider.faults.append(status(200, {"api_key": "canary-k", "authToken": "two words"}, JSON))
    TokenVault(settings, connection).renew()
    credential = stored(connection)[1]
    assert credential.generation == 2
    assert seal.unseal(settings.vault_keys, credential, "refresh_token_sealed") == before


def test_while_the_person_waits_a_refusal_is_about_what_was_filled_in(fill_in, provider):
    for answer in (status(400, {"message": "no"}, JSON), status(403, {"message": "no"}, JSON)):
        provider.faults.append(answer)
        with pytest.raises(TokenRefused, match="does not accept this client id and secret"):
            fill_in("minted")
    provider.faults.append(status(403, b"<html>"))
    with pytest.raises(TokenEndpointUnavailable):
        fill_in("minted")
    assert fill_in("minted")


def test_a_login_that_brings_no_session_asks_for_nothing_with_an_empty_token(fill_in, provider):
    before = provider.mints
    provider.faults.append(status(200, {"ok": True}, JSON))
    with pytest.raises(TokenEndpointUnavailable, match="responded without a token"):
        fill_in("logged")
    assert provider.mints == before
