"""The limits per address: how long somebody waits, and who does not count against the address."""

import re
from types import SimpleNamespace

import pytest

from app import clock, config
from app.factory import create_app
from app.web.limits import limiter
from tests.support.ai_client import AiClient
from tests.support.visitor import Visitor


@pytest.fixture(autouse=True)
def _one_window(frozen_clock, monkeypatch):
    """No window of a limit ends during a test."""
    at = clock.timestamp()
    monkeypatch.setattr("limits.storage.memory.time", SimpleNamespace(time=lambda: at))


@pytest.fixture
def limited(environ, app):
    """An application that counts requests, as it does outside of tests."""
    counting = create_app(config.load({**environ, "ENV": "development"}))
    limiter.reset()
    yield counting
    limiter.reset()
    limiter.enabled = False


@pytest.fixture
def signed_in(limited, people):
    """A browser in which alice is signed in."""
    visitor = Visitor(limited)
    visitor.get("/login")
    visitor.follow(visitor.submit("/login/code", {"email": people.alice.email}))
    [letter] = limited.extensions["mailer"].letters()
    answer = visitor.submit("/confirm", {"code": re.search(r"\b\d{6}\b", letter.text)[0]})
    assert answer.status_code == 303
    return visitor


@pytest.fixture
def known(signed_in):
    """A browser in which alice signed in before."""
    signed_in.get("/account")
    signed_in.submit("/logout")
    signed_in.get("/login")
    return signed_in


def flood(app):
    """Send sign-in forms from this machine's address until one is refused; returns the refusal."""
    stranger = Visitor(app)
    stranger.get("/login")
    answers = (stranger.submit("/login", {"email": "nobody"}) for _ in range(350))
    return next(answer for answer in answers if answer.status_code == 429)


def test_a_flood_from_its_address_does_not_stop_a_browser_that_is_known(limited, known):
    refused = flood(limited)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60 and "wait a minute" in refused.text
    assert known.submit("/login", {"email": "nobody"}).status_code == 422
    known.client.set_cookie("known", "A" * 43 + "." + "0" * 24 + "." + "0" * 40)
    assert known.submit("/login", {"email": "nobody"}).status_code == 429, "not by a cookie it made up"


def test_a_refusal_says_when_its_limit_ends_also_when_that_is_an_hour(limited):
    answers = (Visitor(limited).get("/account/export") for _ in range(21))
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 60 < int(refused.headers["Retry-After"]) <= 3_601


def test_nobody_keeps_the_threads_busy_that_look_names_up_for_all(limited):
    visitor = Visitor(limited)
    visitor.get("/login")
    answers = [visitor.submit("/webhooks", {"url": "https://slow.example.com/"}) for _ in range(21)]
    assert [answer.status_code == 429 for answer in answers] == [False] * 20 + [True]


@pytest.mark.parametrize(
    ("path", "page", "limit"),
    [
        ("/team/invitations", "/team", 120),
        ("/team/leave", "/team", 120),
        ("/memory", "/memory", 120),
        ("/oauth/authorize", "", 300),
    ],
)
def test_a_flood_from_the_address_of_an_office_stops_nobody_who_is_signed_in(
    limited, signed_in, path, page, limit
):
    def send(visitor):
        if page:
            visitor.get(page)
            return visitor.submit(path, {}).status_code
        return visitor.get(path).status_code

    stranger = Visitor(limited)
    stranger.get("/login")
    answers = [(stranger.submit(path) if page else stranger.get(path)).status_code for _ in range(limit + 1)]
    assert answers[-1] == 429
    assert send(signed_in) != 429


def test_failures_at_the_token_endpoint_refuse_no_client_of_the_same_address(limited, signed_in):
    client = AiClient(limited)
    client.register()
    tokens = client.connect(signed_in)
    stranger = limited.test_client()
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": client.client_id}
    answers = (stranger.post("/oauth/token", data=form) for _ in range(1_300))
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json["error"] == "temporarily_unavailable"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert client.refresh(tokens["refresh_token"]).status == 200
