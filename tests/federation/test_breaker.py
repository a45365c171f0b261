"""A server that does not answer is left alone for a moment, per connection, and found again soon."""

import pytest

from app.connectors.api import Api
from app.connectors.api_rules import ApiRules
from app.connectors.request import UpstreamCall
from app.errors import InvalidArguments, ProviderTimeout, ProviderUnavailable
from app.federation import breaker
from app.federation.breaker import Breaker


@pytest.fixture
def passing(monkeypatch):
    """`passing(seconds)` lets that much time pass."""
    at = [1_000.0]
    monkeypatch.setattr(breaker, "monotonic", lambda: at[0])
    return lambda seconds: at.__setitem__(0, at[0] + seconds)


@pytest.fixture
def calls(passing):
    return Calls()


class Calls:
    """Calls through one breaker. `sent` counts those that reached the server."""

    def __init__(self):
        self.breaker = Breaker()
        self.sent = 0

    def make(self, status=200, connection="con_a", error=None, cancelled=False):
        api = Api(ApiRules(name="Notebook", base_url=""), "", tokens=None, cancelled=lambda: cancelled)
        with self.breaker.around(connection, api):
            self.sent += 1
            api.calls.append(UpstreamCall("POST /mcp", status, 1.0))
            if error is not None or status != 200:
                raise error or ProviderTimeout("Notebook did not answer in time. Please try again.")

    def fail(self, times=1, **options):
        for _ in range(times):
            with pytest.raises((ProviderTimeout, InvalidArguments)):
                self.make(**{"status": None, **options})

    def refusal(self, **options):
        sent = self.sent
        with pytest.raises(ProviderUnavailable) as refused:
            self.make(**options)
        assert self.sent == sent, "it was refused after it was sent"
        return refused.value


def test_after_three_calls_without_an_answer_the_next_is_refused_with_the_wait(calls):
    calls.fail(3)
    refused = calls.refusal()
    assert refused.message == (
        "Notebook has not answered the last 3 calls, so calls to it are paused for a few seconds. Please "
        "try again in 5 seconds."
    )
    assert refused.details == {"retry_after_seconds": 5}


def test_another_connection_of_the_same_server_is_not_concerned(calls):
    calls.fail(3)
    calls.make(connection="con_b")
    calls.refusal()


def test_an_answer_in_between_begins_anew(calls):
    calls.fail(2)
    calls.make()
    calls.fail(2)
    calls.make()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_an_error_that_the_server_sends_is_an_answer(calls, status):
    calls.fail(10, status=status, error=InvalidArguments("No."))
    calls.make()


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_that_does_not_reach_the_server_is_none(calls, status):
    calls.fail(3, status=status)
    calls.refusal()


def test_a_call_that_its_own_client_gave_up_says_nothing(calls):
    calls.fail(10, cancelled=True)
    calls.make()


def test_one_call_finds_out_while_the_others_are_refused(calls, passing):
    calls.fail(3)
    passing(5.1)
    api = Api(ApiRules(name="Notebook", base_url=""), "", tokens=None)
    with calls.breaker.around("con_a", api):
        assert calls.refusal().details == {"retry_after_seconds": 5}
    calls.make()
    calls.make()


@pytest.mark.parametrize("failures", [3, 4, 5, 9, 2_000])
def test_however_long_it_was_away_it_is_found_within_half_a_minute(calls, passing, failures):
    calls.fail(3)
    for _ in range(failures - 3):
        passing(60)
        calls.fail()
    for _ in range(30):
        try:
            calls.make()
            break
        except ProviderUnavailable:
            passing(1)
    else:
        pytest.fail("it was not found")


def test_a_trial_that_found_nothing_out_leaves_the_next_one_to_find_out(calls, passing):
    calls.fail(3)
    passing(5.1)
    with pytest.raises(ZeroDivisionError):
        calls.make(error=ZeroDivisionError())
    calls.make()


def test_a_process_remembers_a_bounded_number_of_connections(calls, monkeypatch):
    monkeypatch.setattr(breaker, "_MOST", 10)
    for number in range(35):
        calls.fail(connection=f"con_{number}")
    assert len(calls.breaker._troubles) <= 10
