"""A token endpoint that refuses without saying why: counted, told, and in the end the person is asked."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import clock, database
from app.audit import AuditEntry
from app.errors import ProviderUnavailable, ReconnectNeeded, ToolError
from app.vault import access, keepalive
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.vault.conftest import expire, stored
from tests.vault.provider import cut, status

JSON = "application/json"
REFUSALS = {
    "400": status(400, {"error": "invalid_request"}, JSON),
    "400 page": status(400, b"<p>bad</p>"),
    "401": status(401, {"message": "Unauthorized"}, JSON),
    "403 page": status(403, b"<html>"),
    "404": status(404, {"message": "Cannot POST /token"}, JSON),
    "404 page": status(404, b"<pre>Cannot POST /token</pre>"),
    "410": status(410),
    "a redirect": status(307, b"", Location="https://elsewhere.example/token"),
    "a success without a token": status(200, {"ok": True}, JSON),
    "an error with 200": status(200, {"ok": False, "error": "bad_refresh_token"}, JSON),
    "a token of another type": status(200, {"access_token": "canary-a", "token_type": "mac"}, JSON),
}
OUTAGES = {
    "500": status(500),
    "503 with invalid_grant": status(503, {"error": "invalid_grant"}, JSON),
    "429": status(429),
    "408": status(408),
    "408 with invalid_grant": status(408, {"error": "invalid_grant"}, JSON),
    "425 with invalid_grant": status(425, {"error": "invalid_grant"}, JSON),
    "429 with invalid_grant": status(429, {"error": "invalid_grant"}, JSON),
    "a page with 200": status(200, b"<html>"),
    "empty": status(200, b"", JSON),
    "cut short": cut,
}


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


def call(settings, connection):
    """The error of a call, or None."""
    try:
        TokenVault(settings, connection).bearer()
    except ToolError as error:
        return error
    return None


def refuse_for_hours(provider, settings, connection, fault, hours=2):
    """Calls every ten minutes; every request to the token endpoint is answered so."""
    errors = []
    for _ in range(hours * 6 + 1):
        provider.faults = [fault]
        errors.append(call(settings, connection))
        clock.shift(timedelta(minutes=10))
    provider.faults = []
    return errors


@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS.keys())
def test_refused_for_ever_it_asks_its_person_and_heals_when_the_service_does(
    connect, provider, settings, fault
):
    connection = connect()
    expire(connection)
    errors = refuse_for_hours(provider, settings, connection, fault)
    assert isinstance(errors[0], ProviderUnavailable), "the first one proves nothing"
    assert isinstance(errors[-1], ReconnectNeeded)
    row = stored(connection)[0]
    assert (row.state, row.last_error) == ("reconnect_needed", errors[-1].message)
    assert row.last_error.startswith("Strict ") and "This has been so since" in row.last_error
    assert "Reconnect Strict" in row.last_error and "try again" not in row.last_error
    assert provider.refreshes < len(errors)
    clock.shift(timedelta(hours=1))
    assert call(settings, connection) is None
    row = stored(connection)[0]
    assert (row.state, row.last_error, row.try_again_at) == ("connected", None, None)


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_never_asks_anybody_to_reconnect(connect, provider, settings, fault):
    connection = connect()
    expire(connection)
    errors = refuse_for_hours(provider, settings, connection, fault)
    assert {type(error) for error in errors} == {ProviderUnavailable}
    clock.shift(timedelta(hours=1))
    assert call(settings, connection) is None


def test_as_long_as_its_access_token_lives_nobody_is_asked(connect, provider, settings):
    connection = connect(expires_in=86_400)
    for _ in range(30):
        provider.faults = [status(404)]
        with pytest.raises(ProviderUnavailable):
            TokenVault(settings, connection).renew()
        clock.shift(timedelta(minutes=10))
    assert stored(connection)[0].state == "connected"


def test_one_refusal_is_enough_once_the_sign_in_is_known_to_have_ended(fill_in, provider, settings):
    connection = fill_in("logged")  # lasts a day
    provider.forget_access_tokens()
    provider.faults = [status(401, {"message": "Unauthorized"}, JSON)]
    with pytest.raises(ProviderUnavailable):
        access.check(settings, connection)
    clock.shift(timedelta(hours=25))
    provider.faults = [status(401, {"message": "Unauthorized"}, JSON)]
    with pytest.raises(ReconnectNeeded, match="Reconnect Logged"):
        access.check(settings, connection)
    assert stored(connection)[0].state == "reconnect_needed"


def test_it_is_tried_again_with_growing_pauses_by_one_call_at_a_time(connect, provider, settings):
    connection = connect()
    expire(connection)
    refuse_for_hours(provider, settings, connection, status(404))
    before = provider.refreshes
    for _ in range(60):
        provider.faults = [status(404)] * 3
        assert isinstance(call(settings, connection), ReconnectNeeded)
        assert isinstance(call(settings, connection), ReconnectNeeded)
        clock.shift(timedelta(minutes=5))
    assert 4 <= provider.refreshes - before <= 6, "five hours, about one request per hour"
    with database.reading() as db:
        actions = list(db.execute(select(AuditEntry.action)).scalars())
    assert actions.count("connection.reconnect_needed") == 1


def test_the_services_last_word_ends_it_for_good(connect, provider, settings):
    connection = connect()
    expire(connection)
    refuse_for_hours(provider, settings, connection, status(404))
    clock.shift(timedelta(hours=1))
    provider.refresh.clear()
    assert isinstance(call(settings, connection), ReconnectNeeded)
    row = stored(connection)[0]
    assert (row.state, row.try_again_at) == ("reconnect_needed", None)
    assert row.last_error.startswith("Strict ended our access")
    refreshes = provider.refreshes
    clock.shift(timedelta(days=1))
    assert isinstance(call(settings, connection), ReconnectNeeded) and provider.refreshes == refreshes


def test_keep_alive_tries_a_suspended_connection_too(connect, provider, settings):
    connection = connect("graceful")
    expire(connection)
    refuse_for_hours(provider, settings, connection, status(404))
    clock.shift(timedelta(days=45))
    assert [result.problem for result in keepalive.run(settings)] == [""]
    assert stored(connection)[0].state == "connected"


CAUSES = {
    "client": (status(401, {"error": "invalid_client"}, JSON), "client id and secret"),
    "client nested": (status(400, {"error": {"type": "invalid_client"}}, JSON), "client id and secret"),
    "refused": (status(404), r"refused the request for a token \(status 404\)"),
    "slow down": (status(429), "is rate limiting us"),
    "trouble": (status(500), "having trouble"),
    "type": (status(200, {"access_token": "canary-a", "token_type": "MAC"}, JSON), "other than Bearer"),
    "page": (status(200, b"<html>"), "could not be read"),
}


@pytest.mark.parametrize(("fault", "cause"), CAUSES.values(), ids=CAUSES.keys())
@both_databases
def test_everybody_is_told_the_same_cause_until_the_next_try(
    connect, provider, settings, fault, cause, long_rest
):
    connection = connect()
    expire(connection)
    provider.faults = [fault]
    for _ in range(3):
        with pytest.raises(ProviderUnavailable, match=cause) as caught:
            TokenVault(settings, connection).bearer()
        assert 1 <= caught.value.details["retry_after_seconds"] <= 60
        assert ("try again in" in caught.value.message) == ("administrator" not in caught.value.message)
    assert provider.refreshes == 1


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 120, 120),
        ("120, 120", 120, 120),
        ("7, 130", 130, 130),
        ("-30", 1, 2),
        ("99999999", 3600, 3600),
    ],
)
def test_the_wait_the_service_asks_for_reaches_the_caller(
    connect, provider, settings, code, header, least, most, frozen_clock
):
    connection = connect()
    expire(connection)
    provider.faults = [status(code, Retry_After=header)]
    with pytest.raises(ProviderUnavailable) as caught:
        TokenVault(settings, connection).bearer()
    assert least <= caught.value.details["retry_after_seconds"] <= most


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", " Bearer ", "", None])
def test_a_bearer_token_is_taken_however_its_type_is_written(connect, provider, settings, kind):
    connection = connect()
    expire(connection)
    provider.faults = [status(200, {"access_token": "canary-a", "token_type": kind}, JSON)]
    assert TokenVault(settings, connection).bearer() == "canary-a"


@pytest.mark.parametrize("kind", ["MAC", "DPoP", "N_A", 7, ["Bearer"], {}])
def test_a_token_of_another_type_is_not_used_as_a_bearer_token(connect, provider, settings, kind):
    connection = connect()
    expire(connection)
    provider.faults = [status(200, {"access_token": "canary-a", "token_type": kind}, JSON)]
    with pytest.raises(ProviderUnavailable, match="Strict issued a token of a type other than Bearer"):
        TokenVault(settings, connection).bearer()
    assert stored(connection)[1].generation == 1


@pytest.mark.parametrize(
    "answer",
    [
        status(400, {"error": {"code": "invalid_grant"}}, JSON),
        status(401, {"error": " Invalid_Grant "}, JSON),
        status(200, {"error": "invalid_grant", "error_description": "canary"}, JSON),
        status(201, {"ok": False, "error": "invalid_grant"}, JSON),
    ],
)
def test_a_dead_grant_is_understood_in_each_shape(connect, provider, settings, answer):
    connection = connect()
    expire(connection)
    provider.faults = [answer]
    with pytest.raises(ReconnectNeeded, match="Strict ended our access"):
        TokenVault(settings, connection).bearer()


def test_scopes_may_be_a_list_and_success_may_be_201(connect, provider, settings):
    connection = connect()
    expire(connection)
    body = {"access_token": " canary-a ", "expires_in": "3600", "scope": ["read", "write"], "error": None}
    provider.faults = [status(201, body, JSON)]
    assert TokenVault(settings, connection).bearer() == "canary-a"
    row, credential = stored(connection)
    assert (row.scopes, credential.life_seconds) == ("read write", 3600)
