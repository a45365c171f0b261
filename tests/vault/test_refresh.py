"""A token is fresh before use; what a failing service means for it."""

import dataclasses
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import clock, database, persist
from app.audit import AuditEntry
from app.errors import NotConnected, ProviderUnavailable, ReconnectNeeded, Unavailable
from app.vault import access, claims, credentials, flights, store
from app.vault.models import Connection, Credential
from app.vault.refresh import TokenVault
from app.vault.visible_connections import visible_of_service
from tests.conftest import both_databases
from tests.support.waiting import AT_MOST_SECONDS, until
from tests.vault.conftest import expire, stored
from tests.vault.provider import cut, status

pytestmark = pytest.mark.usefixtures("patient_database")


def end_cooldown(connection):
    with database.transaction() as db:
        db.get(Credential, connection.id).cooldown_until = None


def test_a_fresh_token_is_used_as_it_is(connect, provider, settings):
    assert TokenVault(settings, connect()).bearer() in provider.access
    assert provider.refreshes == 0


def test_looking_up_a_fresh_token_is_one_query(connect, provider, settings, queries):
    tokens = TokenVault(settings, connect())
    queries.clear()
    tokens.bearer()
    assert len(queries) == 1


@both_databases
def test_what_a_call_read_with_its_connection_serves_its_first_request_at_once(connect, settings, queries):
    """A moment later, and for every further request, another process may have renewed or ended the access."""
    connection = connect()
    [seen] = visible_of_service(connection.workspace_id, connection.owner_id, connection.slug)
    at_once = TokenVault(settings, connection, seen=seen)
    late = TokenVault(settings, connection, seen=dataclasses.replace(seen, read_at=seen.read_at - 2))
    TokenVault(settings, connection).renew()
    renewed = TokenVault(settings, connection).bearer()
    queries.clear()
    assert at_once.bearer() != renewed and not queries
    assert at_once.bearer() == late.bearer() == renewed


def test_a_look_up_by_service_finds_what_its_person_may_see(connect, people):
    shared, other = connect("strict"), connect("graceful", key="account-2")
    with database.transaction() as db:
        db.get(Connection, other.id).visibility = "personal"

    def seen(person, slug):
        found = visible_of_service(shared.workspace_id, person.id, slug)
        return [each.connection.id for each in found]

    assert seen(people.bob, "strict") == [shared.id]
    assert seen(people.alice, "graceful") == [other.id]
    assert seen(people.bob, "graceful") == []


@pytest.mark.parametrize(("left", "refreshes"), [(61, 0), (60, 1), (-5, 1)])
@both_databases
def test_a_token_is_renewed_a_minute_before_it_ends(
    connect, provider, settings, left, refreshes, monkeypatch
):
    connection = connect()
    with database.transaction() as db:
        credentials.expire_in(db, connection, left)
    at = stored(connection)[1].expires_at - timedelta(seconds=left)
    find = claims.find_snapshot
    monkeypatch.setattr(claims, "find_snapshot", lambda row: dataclasses.replace(find(row), now=at))
    assert TokenVault(settings, connection).bearer() in provider.access
    assert provider.refreshes == refreshes


def test_a_token_that_lives_seconds_only_is_still_used(connect, provider, settings, frozen_clock):
    provider.lifetime = 20
    tokens = TokenVault(settings, connect())
    assert tokens.bearer() == tokens.bearer()
    assert provider.refreshes == 0


@pytest.mark.parametrize("subject", ["strict", "added"])
def test_a_rejected_token_is_renewed_once_and_its_successor_shared(connect, provider, settings, subject):
    tokens = TokenVault(settings, connect(subject))
    rejected = tokens.bearer()
    successor = tokens.refreshed(rejected)
    assert successor != rejected
    assert tokens.refreshed(rejected) == successor
    assert provider.refreshes == 1


def test_the_refresh_says_what_the_service_wants_to_hear(connect, provider, settings):
    strict, graceful = connect("strict"), connect("graceful", key="account-2")
    for connection in (strict, graceful):
        TokenVault(settings, connection).renew()
    assert provider.forms[0]["redirect_uri"] == settings.public_url + "/integrations/strict/callback"
    assert provider.forms[0]["client_secret"]
    # the client is in the Authorization header
    assert set(provider.forms[1]) == {"grant_type", "refresh_token"}


def test_a_refresh_of_an_added_server_names_what_the_token_is_for(connect, provider, settings, add_server):
    TokenVault(settings, connect("added")).renew()
    assert provider.forms[0]["resource"] == add_server().url


@pytest.mark.parametrize("subject", ["lasting", "added"])
def test_a_refresh_token_that_does_not_come_is_kept(connect, provider, settings, subject):
    provider.rotates = False
    connection = connect(subject)
    before = stored(connection)[1].refresh_token_sealed
    for _ in range(3):
        expire(connection)
        TokenVault(settings, connection).bearer()
    assert (provider.rotations, stored(connection)[1].refresh_token_sealed) == (3, before)


ODD_LIFETIMES = {
    None: 1800,
    "3600": 3600,
    43199.7: 43199,
    "soon": 1800,
    -5: 1800,
    0: 1800,
    10**12: 400 * 86400,
    "1e999": 1800,
}


@pytest.mark.parametrize(("given", "seconds"), [*ODD_LIFETIMES.items(), (True, 1800), ([], 1800)])
def test_an_odd_lifetime_is_read_with_care(connect, provider, settings, given, seconds):
    connection = connect()
    provider.lifetime = given
    TokenVault(settings, connection).renew()
    credential = stored(connection)[1]
    assert credential.expires_at - credential.updated_at == timedelta(seconds=seconds)


UNUSABLE = {
    "500": status(500, b"oops"),
    "502 page": status(502, b"<html>bad gateway</html>"),
    "503": status(503),
    "429": status(429, {"error": "rate"}, "application/json"),
    "a page with 200": status(200, b"<html>{}</html>"),
    "empty": status(200, b"", "application/json"),
    "cut short": cut,
    "half a JSON": status(200, b'{"access_token": "canary', "application/json"),
    "a list": status(200, [], "application/json"),
    "no token": status(200, {"expires_in": 5}, "application/json"),
    "a token that is no text": status(200, {"access_token": 7}, "application/json"),
    "a token with a line break": status(200, {"access_token": "a\r\nX-Evil: 1"}, "application/json"),
    "nested without end": status(200, b"[" * 200_000, "application/json"),
    "far too long": status(200, b'{"a":"' + b"x" * 400_000 + b'"}', "application/json"),
    "a redirect": status(302, b"", Location="https://elsewhere.example/token"),
    "not our fault": status(400, {"error": "invalid_request"}, "application/json"),
    "invalid_grant in a page": status(400, b"<p>invalid_grant</p>"),
    "invalid_grant in a breakdown": status(500, {"error": "invalid_grant"}, "application/json"),
    "wrong client": status(401, {"error": "invalid_client"}, "application/json"),
}


@pytest.mark.parametrize("fault", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_no_usable_answer_leaves_the_connection_alive_and_rests_before_the_next_try(
    connect, provider, settings, fault, long_rest
):
    connection = connect()
    tokens, before = TokenVault(settings, connection), stored(connection)[1]
    expire(connection)
    provider.faults = [fault]
    with pytest.raises(ProviderUnavailable) as caught:
        tokens.bearer()
    assert "Strict" in caught.value.message
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            tokens.bearer()
    row, credential = stored(connection)
    assert provider.refreshes == 1
    assert (row.state, row.last_error, credential.claim_owner) == ("connected", None, None)
    assert (credential.access_token_sealed, credential.refresh_token_sealed) == (
        before.access_token_sealed,
        before.refresh_token_sealed,
    )
    end_cooldown(connection)
    assert tokens.bearer() in provider.access  # it recovers without help
    assert stored(connection)[1].failures == 0


def test_a_service_nobody_listens_at_leaves_the_connection_alive(connect, provider, settings):
    connection = connect()
    expire(connection)
    provider.close()
    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        TokenVault(settings, connection).bearer()
    assert stored(connection)[0].state == "connected"


def test_the_rest_grows_with_every_failure_and_honours_retry_after(connect, provider, settings, frozen_clock):
    connection = connect()
    rests = []
    for fault in (
        status(500),
        status(500),
        status(500),
        status(429, Retry_After="120"),
        status(503, Retry_After="999999"),
    ):
        expire(connection)
        provider.faults = [fault]
        with pytest.raises(ProviderUnavailable):
            TokenVault(settings, connection).bearer()
        rests.append((stored(connection)[1].cooldown_until - clock.now()).total_seconds())
        end_cooldown(connection)
    assert 1 <= rests[0] <= 2 <= rests[1] <= 4 <= rests[2] <= 8
    assert rests[3:] == [120, 3600]


def test_while_the_service_rests_a_token_that_still_lives_is_used(connect, provider, settings, frozen_clock):
    connection = connect()
    tokens = TokenVault(settings, connection)
    before = tokens.bearer()
    with database.transaction() as db:
        credentials.expire_in(db, connection, 30)
    provider.faults = [status(500)]
    assert [tokens.bearer() for _ in range(3)] == [before] * 3
    assert provider.refreshes == 1


@both_databases
def test_a_dead_refresh_token_is_noted_once_with_the_reason_and_not_tried_again(connect, provider, settings):
    connection = connect()
    expire(connection)
    provider.refresh.clear()
    problems = []

    def call():
        try:
            TokenVault(settings, connection).bearer()
        except ReconnectNeeded as error:
            problems.append(error.message)

    crew = [threading.Thread(target=call) for _ in range(8)]
    [t.start() for t in crew]
    [t.join() for t in crew]
    row = stored(connection)[0]
    assert (provider.refreshes, row.state, problems) == (1, "reconnect_needed", [row.last_error] * 8)
    assert row.last_error.startswith("Strict ended our access")
    assert "canary" not in row.last_error
    with database.reading() as db:
        assert list(db.execute(select(AuditEntry.action)).scalars()).count("connection.reconnect_needed") == 1


def test_a_sign_in_without_refresh_token_ends_with_its_access_token(connect, provider, settings):
    connection = connect(refresh_token=None)
    assert TokenVault(settings, connection).bearer()
    expire(connection)
    with pytest.raises(ReconnectNeeded, match="can't be renewed"):
        TokenVault(settings, connection).bearer()
    assert provider.refreshes == 0


def test_a_slow_service_is_waited_for_without_a_database_connection(connect, provider, settings):
    connection = connect()
    expire(connection)
    provider.hold_answer = threading.Event()
    tokens = []
    crew = [
        threading.Thread(target=lambda: tokens.append(TokenVault(settings, connection).bearer()))
        for _ in range(8)
    ]
    [t.start() for t in crew]
    assert provider.rotated.wait(AT_MOST_SECONDS)
    until(lambda: database.current().engine.pool.checkedout() == 0)  # though nobody has the answer yet
    assert tokens == []
    provider.hold_answer.set()
    [t.join() for t in crew]
    assert (provider.refreshes, len(tokens), len(set(tokens))) == (1, 8, 1)


def test_a_call_waits_for_another_process_no_longer_than_its_own_deadline(
    connect, provider, settings, monkeypatch
):
    connection = connect()
    expire(connection)
    claims.acquire(connection, 1)  # as a process of another machine would
    with database.transaction() as db:
        db.get(Credential, connection.id).claim_owner = "elsewhere/1/1/1.0/x"
    with pytest.raises(ProviderUnavailable, match="slow"):
        TokenVault(settings, connection, deadline=time.monotonic() + 0.2).bearer()
    assert provider.refreshes == 0


@both_databases
def test_a_late_answer_is_stored_even_when_its_claim_ran_out(connect, provider, settings, monkeypatch):
    monkeypatch.setattr(claims, "LEASE", timedelta(seconds=0))
    connection = connect()
    expire(connection)
    assert TokenVault(settings, connection).bearer() in provider.access
    assert stored(connection)[1].generation == 2


def test_a_late_answer_heals_a_connection_that_was_given_up_meanwhile(connect, provider, settings):
    connection = connect()
    expire(connection)

    def give_up(handler):
        with database.transaction() as db:
            row = db.get(Connection, connection.id)
            row.state, row.last_error = "reconnect_needed", "Another host was told invalid_grant."
        return False

    provider.faults = [give_up]
    assert TokenVault(settings, connection).bearer() in provider.access
    row = stored(connection)[0]
    assert (row.state, row.last_error) == ("connected", None)


def test_an_answer_that_lost_the_race_does_not_replace_newer_tokens(connect, provider, settings):
    connection = connect()
    expire(connection)

    def somebody_reconnects(handler):
        connect()
        return False

    provider.faults = [somebody_reconnects]
    assert TokenVault(settings, connection).bearer() in provider.access
    assert stored(connection)[1].generation == 2


def test_a_refused_refresh_does_not_break_a_connection_that_was_reconnected_meanwhile(
    connect, provider, settings
):
    connection = connect()
    expire(connection)

    def somebody_reconnects(handler):
        provider.refresh.clear()
        connect()
        return False

    provider.faults = [somebody_reconnects]
    assert TokenVault(settings, connection).bearer() in provider.access
    assert stored(connection)[0].state == "connected"


def test_a_disconnected_connection_gives_no_token(connect, provider, settings):
    connection = connect()
    tokens = TokenVault(settings, connection)
    with database.transaction() as db:
        store.disconnect(db, connection)
    with pytest.raises(NotConnected):
        tokens.bearer()


def away(monkeypatch, times):
    """The database is away for the next `times` transactions that store an answer."""
    real, left = claims.store, [times]

    def store_or_fail(*args):
        if left[0]:
            left[0] -= 1
            raise Unavailable()
        return real(*args)

    monkeypatch.setattr(claims, "store", store_or_fail)


def test_a_new_token_survives_a_short_absence_of_the_database(connect, provider, settings, monkeypatch):
    connection = connect()
    expire(connection)
    away(monkeypatch, 2)
    assert TokenVault(settings, connection).bearer() in provider.access
    assert provider.refreshes == 1


def test_a_new_token_survives_a_long_absence_of_the_database(connect, provider, settings, monkeypatch):
    connection = connect()
    expire(connection)
    monkeypatch.setattr(persist, "_PAUSES_SECONDS", (0.01,))
    monkeypatch.setattr(persist, "_BACKGROUND_PAUSE_SECONDS", 0.1)
    away(monkeypatch, 3)
    with pytest.raises(Unavailable):
        TokenVault(settings, connection).bearer()
    # waits for the one being stored, requests no other
    assert TokenVault(settings, connection).bearer() in provider.access
    assert provider.refreshes == 1


def test_the_service_is_not_called_when_the_claim_cannot_be_written(connect, provider, settings, monkeypatch):
    connection = connect()
    expire(connection)
    monkeypatch.setattr(claims, "acquire", lambda *args: (_ for _ in ()).throw(Unavailable()))
    with pytest.raises(Unavailable):
        TokenVault(settings, connection).bearer()
    assert provider.refreshes == 0
    monkeypatch.undo()
    assert flights._flights == {}


def test_a_call_to_the_service_goes_through_with_the_renewed_token(connect, provider, settings):
    connection = connect()
    provider.forget_access_tokens()
    api = access.open_api(settings, connection)
    assert api.get("/me")["name"] == "The Account"
    assert [call.status for call in api.calls] == [401, 200]
