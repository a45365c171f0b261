"""An API that answers 401 for ever, even to a fresh token: the hub and AI clients hear the same."""

import dataclasses
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import clock, database
from app.audit import AuditEntry
from app.connectors.services import services_of
from app.errors import PermissionDenied, ProviderUnavailable, ReconnectNeeded, ToolError, Unavailable
from app.vault import access, connection_state, keepalive, store
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.support.catalogue import install
from tests.vault.conftest import expire, stored
from tests.vault.provider import status

pytestmark = pytest.mark.usefixtures("patient_database")


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


def call(settings, connection, path="/me"):
    """One tool call, as an AI client makes it."""
    try:
        access.open_api(settings, connection).get(path)
    except ToolError as error:
        return error
    return None


def audited():
    with database.reading() as db:
        return [a for a in db.execute(select(AuditEntry.action)).scalars() if a.startswith("connection.re")]


def requests_of(provider):
    return provider.calls, provider.refreshes


@both_databases
def test_the_hub_and_every_call_say_the_same_and_only_the_first_call_asks_the_service(
    connect, provider, settings
):
    connection = connect()
    provider.takes_no_token = True
    first = call(settings, connection)
    row = stored(connection)[0]
    assert isinstance(first, ReconnectNeeded)
    assert (row.state, row.last_error) == ("reconnect_needed", first.message)
    assert "accepts no token of this connection, not even one it has just issued" in first.message
    assert "Reconnect Strict" in first.message
    before = requests_of(provider)
    assert before == (3, 1), "the call, the call with a new token, and whose token it is"
    for _ in range(5):
        assert call(settings, connection).message == first.message
    assert requests_of(provider) == before
    assert audited() == ["connection.reconnect_needed"]


def test_a_later_call_finds_out_that_it_works_again(connect, provider, settings):
    connection = connect()
    provider.takes_no_token = True
    call(settings, connection)
    provider.takes_no_token = False
    assert isinstance(call(settings, connection), ReconnectNeeded), "its pause is not over"
    clock.shift(timedelta(seconds=61))
    assert call(settings, connection) is None
    row, credential = stored(connection)
    assert (row.state, row.last_error, row.try_again_at) == ("connected", None, None)
    assert credential.rejections == 0
    assert audited() == ["connection.reconnect_needed", "connection.recovered"]
    assert call(settings, connection) is None


def test_the_pause_grows_to_an_hour(connect, provider, settings):
    connection = connect()
    provider.takes_no_token = True
    call(settings, connection)
    reason = stored(connection)[0].last_error
    pauses = []
    for _ in range(8):
        pauses.append(stored(connection)[0].try_again_at - clock.now())
        clock.shift(pauses[-1] + timedelta(seconds=1))
        assert call(settings, connection).message == reason, "it still names the day on which this began"
    minutes = [round(pause.total_seconds() / 60) for pause in pauses]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_the_service_has_done_reaches_the_caller_though_the_database_is_away(
    connect, provider, settings, monkeypatch
):
    connection = connect()
    provider.takes_no_token = True
    call(settings, connection)
    provider.takes_no_token = False
    clock.shift(timedelta(minutes=2))

    def away(*args):
        raise Unavailable()

    with monkeypatch.context() as patched:
        patched.setattr(connection_state, "end_trial", away)
        assert call(settings, connection) is None
    clock.shift(timedelta(minutes=1))
    assert call(settings, connection) is None
    assert stored(connection)[0].state == "connected"


def test_a_person_who_tests_it_need_not_wait(connect, provider, settings):
    connection = connect()
    provider.takes_no_token = True
    call(settings, connection)
    with pytest.raises(ReconnectNeeded):
        access.check(settings, connection)
    provider.takes_no_token = False
    assert access.check(settings, connection).name == "The Account"
    assert stored(connection)[0].state == "connected"


def test_new_tokens_alone_do_not_prove_that_it_works(connect, provider, settings):
    connection = connect("graceful")
    provider.takes_no_token = True
    call(settings, connection)
    clock.shift(timedelta(days=45))
    assert [result.problem for result in keepalive.run(settings)] == [""], "its refresh token must not die"
    assert stored(connection)[0].state == "reconnect_needed"


def test_a_reconnect_makes_it_work_at_once(connect, provider, settings):
    connection = connect()
    provider.takes_no_token = True
    call(settings, connection)
    provider.takes_no_token = False
    connect()
    assert stored(connection)[0].state == "connected"
    assert call(settings, connection) is None


def test_a_request_that_alone_is_answered_401_breaks_nothing(connect, provider, settings):
    connection = connect()
    provider.api_faults = [status(401, {"error": "plan"}, "application/json")] * 2
    refused = call(settings, connection, "/only-with-another-plan")
    assert isinstance(refused, PermissionDenied) and "accepts the connection" in refused.message
    assert stored(connection)[0].state == "connected"
    assert call(settings, connection) is None


def unlinked(answer):
    """How a service says that the app was removed there."""
    if answer.status == 403 and b"unlinked" in answer.content:
        return ReconnectNeeded("Strict does not open this account any more. Reconnect Strict.")
    return None


@pytest.mark.parametrize("answers", [1, 2])
def test_a_services_own_word_for_it_becomes_the_reason_if_the_account_does_not_open_either(
    connect, provider, settings, monkeypatch, answers
):
    strict = services_of(None).get("strict")
    install(dataclasses.replace(strict, read_error=unlinked), monkeypatch=monkeypatch)
    connection = connect()
    provider.api_faults = [status(403, b"unlinked")] * answers
    assert (
        call(settings, connection).message == "Strict does not open this account any more. Reconnect Strict."
    )
    row = stored(connection)[0]
    assert row.state == ("reconnect_needed" if answers == 2 else "connected")
    assert row.last_error == (call(settings, connection).message if answers == 2 else None)
    assert provider.refreshes == 0, "the token is not to blame"


@pytest.mark.parametrize("fault", [status(503), status(429), status(500, b"<html>")])
def test_a_service_in_trouble_meanwhile_proves_nothing(connect, provider, settings, fault, monkeypatch):
    monkeypatch.setattr("app.connectors.api.Api._pause", lambda *args: None)
    connection = connect()
    provider.api_faults = [status(401)] * 2 + [fault] * 3
    assert call(settings, connection).retryable
    assert stored(connection)[0].state == "connected"
    assert call(settings, connection) is None


@both_databases
def test_many_calls_at_once_make_one_trial(connect, provider, settings):
    connection = connect()
    provider.takes_no_token = True
    all_rejected = threading.Barrier(8)  # nobody is answered before all eight have sent the first token
    provider.api_faults = [lambda request: all_rejected.wait(20) < 0] * 8

    def at_once():
        errors = []
        crew = [threading.Thread(target=lambda: errors.append(call(settings, connection))) for _ in range(8)]
        [t.start() for t in crew]
        [t.join() for t in crew]
        return errors

    assert {type(error) for error in at_once()} <= {ReconnectNeeded, ProviderUnavailable}
    assert stored(connection)[1].rejections == 1 and provider.refreshes == 1
    with database.transaction() as db:
        row = db.get(type(connection), connection.id)
        row.try_again_at -= timedelta(minutes=2)
    before = provider.calls
    assert [type(error) for error in at_once()] == [ReconnectNeeded] * 8
    assert provider.calls - before == 3, "one call tried"
    assert stored(connection)[1].rejections == 2


@both_databases
def test_under_steady_calls_it_is_suspended_although_somebody_has_always_just_renewed(
    connect, provider, settings
):
    connection = connect()
    provider.takes_no_token = True
    errors = []
    for _ in range(5):
        provider.api_faults = [go_on, go_on, renewed_by_another_call(settings, connection)]
        errors.append(type(call(settings, connection)))
    assert errors == [ProviderUnavailable] * 4 + [ReconnectNeeded]
    row, credential = stored(connection)
    assert (row.state, credential.rejections) == ("reconnect_needed", 1)
    assert row.try_again_at - clock.now() <= timedelta(minutes=1)
    before = requests_of(provider)
    assert isinstance(call(settings, connection), ReconnectNeeded)
    assert requests_of(provider) == before, "it rests"


def test_one_success_between_starts_the_count_anew(connect, provider, settings):
    connection = connect()
    for _ in range(3):
        provider.takes_no_token = True
        for _ in range(4):
            provider.api_faults = [go_on, go_on, renewed_by_another_call(settings, connection)]
            assert isinstance(call(settings, connection), ProviderUnavailable)
        provider.takes_no_token = False
        assert call(settings, connection) is None
        assert stored(connection)[1].rejections == 0


def go_on(request):
    return False


def renewed_by_another_call(settings, connection):
    """While the service is asked whose token it is, another process renews the connection."""

    def renew(request):
        TokenVault(settings, connection).renew()
        return False

    return renew


def test_access_that_ends_while_it_is_suspended_has_ended(connect, provider, settings):
    connection = connect()
    provider.takes_no_token = True
    call(settings, connection)
    clock.shift(timedelta(minutes=2))
    expire(connection)
    provider.refresh.clear()
    assert "ended our access" in call(settings, connection).message
    row = stored(connection)[0]
    assert (row.state, row.try_again_at) == ("reconnect_needed", None)


def test_a_rejected_key_is_suspended_and_works_again_when_the_service_takes_it(fill_in, provider, settings):
    connection = fill_in("keyed")
    provider.takes_no_token = True
    first = call(settings, connection)
    assert (
        isinstance(first, ReconnectNeeded) and "no longer accepts the key of this connection" in first.message
    )
    assert stored(connection)[0].last_error == first.message
    provider.takes_no_token = False
    clock.shift(timedelta(minutes=2))
    assert call(settings, connection) is None
    assert stored(connection)[0].state == "connected"


def test_a_key_that_one_request_is_refused_with_stays_connected(fill_in, provider, settings):
    connection = fill_in("keyed")
    provider.api_faults = [status(401, {"error": "not allowed"}, "application/json")]
    assert isinstance(call(settings, connection, "/elsewhere"), PermissionDenied)
    assert stored(connection)[0].state == "connected"


def test_a_disconnected_connection_is_gone_whatever_it_was(connect, provider, settings):
    connection = connect()
    provider.takes_no_token = True
    call(settings, connection)
    with database.transaction() as db:
        store.disconnect(db, connection)
    with pytest.raises(ToolError, match="disconnected"):
        TokenVault(settings, connection, at_once=True).bearer()
