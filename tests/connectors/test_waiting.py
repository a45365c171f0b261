"""When the service says to come back, and what a caller hears of it."""

import email.utils
import time
from datetime import UTC, datetime

import pytest

from app import clock
from app.connectors import api_errors
from app.connectors.api import Api
from app.connectors.api_rules import ApiRules
from app.errors import OutcomeUnknown, ProviderRateLimited, ProviderUnavailable
from app.outbound import Response
from tests.connectors.test_api import _Bearer, service  # noqa: F401

NOW = 1_795_900_000  # 2026-11-28


def date(seconds_from_now):
    return email.utils.formatdate(NOW + seconds_from_now, usegmt=True)


WAITS = {
    "seconds": ("30", 30),
    "spaces": (" 30 ", 30),
    "a plus": ("+30", 30),
    "a fraction": ("1.2", 2),
    "doubled": ("5, 5", 5),
    "doubled without a space": ("5,5", 5),
    "two waits": ("5, 40", 40),
    "one of two is nonsense": ("soon, 40", 40),
    "none": ("0", 1),
    "negative": ("-5", 1),
    "very long": ("9999999", 86_400),
    "endless": ("9" * 15, 86_400),
    "a date": (date(90), 90),
    "a date twice": (f"{date(90)}, {date(90)}", 90),
    "a date and seconds": (f"{date(90)}, 120", 120),
    "a date that is over": (date(-90), 1),
    "a date of another form": (
        f"{datetime.fromtimestamp(NOW + 60, UTC):%A, %d-%b-%y %H:%M:%S} GMT",
        60,
    ),
    "an ISO date": (datetime.fromtimestamp(NOW + 60, UTC).isoformat(), 60),
    "a moment in Unix seconds": (str(NOW + 60), 60),
    "with its unit": ("60s", 60),
    "in quotes": ('"30"', 30),
    "a semicolon": ("30;", 30),
    "a parameter": ("30 ; x", 30),
    "quoted and doubled": ('"5", "40"', 40),
    "a date and a parameter": (f"{date(90)}; x", 90),
    "only a parameter": ("; 30", None),
    "nonsense": ("soon", None),
    "empty": ("", None),
    "words": ("5 seconds", None),
    "hexadecimal": ("0x10", None),
    "not a number": ("nan", None),
}


@pytest.mark.parametrize(("header", "seconds"), WAITS.values(), ids=WAITS.keys())
def test_every_form_of_the_header_is_read(header, seconds, monkeypatch):
    monkeypatch.setattr(clock, "timestamp", lambda: float(NOW))
    answer = Response(429, {"Retry-After": header, "Date": date(0)}, b"")
    assert api_errors.retry_after(answer) == seconds


def test_a_date_is_compared_with_the_services_own_clock():
    answer = Response(
        503, {"Retry-After": "Fri, 01 Jan 2038 00:00:40 GMT", "Date": "Fri, 01 Jan 2038 00:00:00 GMT"}, b""
    )
    assert api_errors.retry_after(answer) == 40


@pytest.fixture
def api(service):  # noqa: F811
    rules = ApiRules(name="Acme", base_url="https://acme.invalid")
    return Api(rules, f"http://127.0.0.1:{service.server_address[1]}", _Bearer())


@pytest.mark.parametrize(("status", "error"), [(429, ProviderRateLimited), (503, ProviderUnavailable)])
@pytest.mark.parametrize(
    ("header", "seconds", "words"),
    [
        ("40", 40, "in 40 seconds."),
        ("1, 40", 40, "in 40 seconds."),
        ("600", 600, "in 10 minutes."),
        ("80000", 80_000, "in 23 hours."),
    ],
)
def test_a_wait_too_long_for_this_call_is_told_and_not_cut_short(
    api,
    service,  # noqa: F811
    status,
    error,
    header,
    seconds,
    words,
):
    service.headers = {"Retry-After": header}
    service.behaviour = lambda n: (status, b"{}")
    with pytest.raises(error) as caught:
        api.get("/all")
    assert service.seen == 1, "asking earlier than it said would only make it worse"
    assert caught.value.details["retry_after_seconds"] == seconds
    assert caught.value.message.endswith(f"Please try again {words}")
    assert caught.value.message.count("try again") == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_wait_is_waited_for(api, service, status):  # noqa: F811
    service.headers = {"Retry-After": "1"}
    service.behaviour = lambda n: (status if n == 1 else 200, b'{"ok": true}')
    started = time.monotonic()
    assert api.get("/all") == {"ok": True}
    assert service.seen == 2 and time.monotonic() - started >= 1


def test_a_write_that_may_have_been_done_says_so_and_when_to_look(api, service):  # noqa: F811
    service.headers = {"Retry-After": "40"}
    service.behaviour = lambda n: (503, b"{}")
    with pytest.raises(OutcomeUnknown) as caught:
        api.post("/one", json={})
    assert service.seen == 1 and caught.value.details["retry_after_seconds"] == 40


@pytest.mark.parametrize(
    "sentence",
    [
        "Acme is full. Please wait and try again.",
        "Acme is full. Please try again later.",
        "Acme is full. Please try again in a moment.",
        "Acme is full. Please try again.",
        "Acme is full.",
    ],
)
def test_the_sentence_of_a_services_own_error_ends_with_the_wait(api, service, sentence):  # noqa: F811
    object.__setattr__(api.service, "read_error", lambda answer: ProviderUnavailable(sentence))
    service.headers = {"Retry-After": "40"}
    service.behaviour = lambda n: (503, b"{}")
    with pytest.raises(ProviderUnavailable) as caught:
        api.get("/all")
    assert caught.value.message == str(caught.value) == "Acme is full. Please try again in 40 seconds."


def test_the_services_word_counts_over_a_connectors_default(api, service):  # noqa: F811
    limited = ProviderRateLimited(
        "Acme takes 60 calls a minute. Please wait and try again.", retry_after_seconds=60
    )
    object.__setattr__(api.service, "read_error", lambda answer: limited)
    service.headers = {"Retry-After": "40"}
    service.behaviour = lambda n: (429, b"{}")
    with pytest.raises(ProviderRateLimited) as caught:
        api.get("/all")
    assert caught.value.message == "Acme takes 60 calls a minute. Please try again in 40 seconds."
    assert caught.value.details == {"retry_after_seconds": 40}


def test_waiting_is_not_advised_where_somebody_else_must_act():
    error = ProviderUnavailable("Ask your administrator to check it.", retry_after_seconds=60)
    assert (error.message, error.details) == (
        "Ask your administrator to check it.",
        {"retry_after_seconds": 60},
    )
