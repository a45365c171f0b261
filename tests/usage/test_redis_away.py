"""Redis missing or silent: calls are counted anyway, nobody waits for it, and sign-in stays limited."""

import socket
import time

import pytest
import redis

from app import config
from app.errors import TooManyRequests
from app.factory import create_app
from app.usage import windows
from app.usage.ledger import Ledger
from app.usage.tiers import Limits
from app.usage.windows import RedisWindows, Spent
from tests.conftest import both_databases
from tests.support import services
from tests.support.visitor import Visitor
from tests.usage.test_limits import ask_many

pytestmark = pytest.mark.usefixtures("patient_database")


@pytest.fixture
def silent():
    """A listener that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def long_rest(monkeypatch):
    """Redis is left alone until the test says otherwise, however long the test takes."""
    monkeypatch.setattr(windows, "_REST_SECONDS", 3_600.0)


@pytest.fixture(params=["missing", "silent"])
def away(request):
    return "redis://127.0.0.1:1/0" if request.param == "missing" else request.getfixturevalue("silent")


def test_exactly_the_limit_is_let_in(app, early, away):
    ledger = Ledger(away)
    assert ask_many(96, lambda: ledger.admit("w", Limits(60, None))) == 60


def test_a_silent_redis_is_waited_for_once_and_then_left_alone(app, silent):
    counters = RedisWindows(silent)
    assert counters.take("w", Limits(60, None)) is None
    started = time.perf_counter()
    assert [counters.take("w", Limits(60, None)) for _ in range(200)] == [None] * 200
    assert time.perf_counter() - started < 10, "waiting each time would take 50 s"


def test_after_its_rest_one_caller_asks_again_for_all(app, silent, long_rest, monkeypatch):
    counters, requests = RedisWindows(silent), []
    counters.take("w", Limits(60, None))
    script = counters._script
    monkeypatch.setattr(counters, "_script", lambda **given: requests.append(1) or script(**given))
    counters._away_until = time.monotonic() - 1
    assert ask_many(16, lambda: counters.take("w", Limits(60, None)) and pytest.fail("nobody knows")) == 16
    assert len(requests) == 1


@pytest.mark.needs_redis
def test_it_is_used_again_when_it_is_back(app, long_rest, redis_workspace):
    counters = RedisWindows(services.REDIS)
    counters._rest(redis.ConnectionError())
    assert counters.take(redis_workspace, Limits(60, None)) is None
    counters._away_until = time.monotonic() - 1
    assert [counters.take(redis_workspace, Limits(60, None)) for _ in range(2)] == [0, 0]


def test_signing_in_is_limited_as_ever(environ, away):
    application = create_app(config.load({**environ, "REDIS_URL": away}))
    visitor = Visitor(application)
    statuses = []
    for _ in range(11):
        visitor.get("/login")
        statuses.append(
            visitor.submit(
                "/login", {"email": "alice@example.com", "password": "not-hers-at-all"}
            ).status_code
        )
    assert statuses == [422] * 10 + [429]


def test_pages_with_a_limit_answer_and_are_limited_in_memory(environ, away):
    application = create_app(config.load({**environ, "ENV": "development", "REDIS_URL": away}))
    client = application.test_client()
    given = {"redirect_uris": ["https://client.example/back"], "client_name": "A client"}
    statuses = [
        client.post("/oauth/register", json=given, base_url="http://localhost:8000").status_code
        for _ in range(80)
    ]
    assert statuses[0] == 201 and statuses[-1] == 429


def test_a_full_window_is_said_with_the_time_to_come_back(app, away, early):
    ledger = Ledger(away)
    ledger.admit("w", Limits(1, None))
    with pytest.raises(TooManyRequests) as refused:
        ledger.admit("w", Limits(1, None))
    assert 1 <= refused.value.retry_after_seconds <= 60


@pytest.mark.needs_redis
@both_databases
def test_a_redis_that_dies_within_a_minute_does_not_start_the_count_again(
    app, early, long_rest, redis_workspace
):
    ledger = Ledger(services.REDIS)
    assert ask_many(48, lambda: ledger.admit(redis_workspace, Limits(60, None))) == 48
    ledger._redis._rest(redis.ConnectionError())
    assert ask_many(64, lambda: ledger.admit(redis_workspace, Limits(60, None))) == 12


@pytest.mark.needs_redis
@both_databases
def test_a_redis_that_comes_back_empty_goes_on_from_the_database_count(
    app, early, long_rest, redis_workspace
):
    ledger = Ledger(services.REDIS)
    ledger._redis._rest(redis.ConnectionError())
    assert ask_many(48, lambda: ledger.admit(redis_workspace, Limits(60, 1_000))) == 48
    ledger._redis._away_until = time.monotonic() - 1
    ledger.admit(
        redis_workspace, Limits(60, 1_000)
    )  # finds Redis back; callers of that moment go either place
    assert ask_many(64, lambda: ledger.admit(redis_workspace, Limits(60, 1_000))) == 11
    assert ledger.spent(redis_workspace) == Spent(60, 60)


@pytest.mark.needs_redis
def test_a_full_day_stays_full_when_redis_dies(app, early, long_rest, redis_workspace):
    ledger = Ledger(services.REDIS)
    assert ask_many(16, lambda: ledger.admit(redis_workspace, Limits(60, 8))) == 8
    ledger._redis._rest(redis.ConnectionError())
    assert ask_many(16, lambda: ledger.admit(redis_workspace, Limits(60, 8))) == 0
