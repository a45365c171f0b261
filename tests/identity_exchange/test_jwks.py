"""Keys are fetched as seldom as their server allows, never by a flood, and outlive a server that is away
for a while.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest

from app import clock, jwks
from app.config import load
from app.errors import ConfigError
from tests.identity_exchange.conftest import pem, signed
from tests.support.waiting import until


@pytest.fixture
def moment(monkeypatch):
    """The monotonic clock the floors go by: `moment(11)` moves it."""
    at = [1_000.0]
    monkeypatch.setattr(jwks, "time", SimpleNamespace(monotonic=lambda: at[0]))
    return lambda seconds: at.__setitem__(0, at[0] + seconds)


def test_they_are_kept_as_long_as_the_answer_says(program, people, key_server):
    for _ in range(3):
        assert program.exchange().status_code == 200
    assert key_server.requests == 1
    clock.shift(timedelta(seconds=3_500))
    assert program.exchange(signed(exp=int(clock.timestamp()) + 600)).status_code == 200
    assert key_server.requests == 1
    clock.shift(timedelta(seconds=200))
    assert program.exchange(signed(exp=int(clock.timestamp()) + 600)).status_code == 200
    assert key_server.requests == 2


def test_a_new_key_is_found_at_once(program, people, key_server):
    assert program.exchange().status_code == 200
    key_server.serve(k1="first", k2="second")
    assert program.exchange(signed(with_key="second", kid="k2")).status_code == 200
    assert key_server.requests == 2


def test_a_flood_of_unknown_keys_asks_once(program, people, key_server, moment):
    assert program.exchange().status_code == 200
    for n in range(50):
        assert program.exchange(signed(kid=f"made-up-{n}")).status_code == 401
    assert key_server.requests == 2
    moment(11)
    for n in range(50):
        assert program.exchange(signed(kid=f"made-up-again-{n}")).status_code == 401
    assert key_server.requests == 3
    assert program.exchange().status_code == 200


def test_many_at_once_fetch_once(app, people, key_server):
    from tests.identity_exchange.conftest import Exchanger

    key_server.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(Exchanger(app).exchange) for _ in range(8)]
        until(lambda: key_server.requests)
        key_server.gate.set()
        assert {answer.result().status_code for answer in waiting} == {200}
    assert key_server.requests == 1


@pytest.mark.parametrize(
    "trouble", ["503", "HTML", "empty", "a list", "a redirect", "nonsense certificates", "gone"]
)
def test_a_server_in_trouble_leaves_what_we_have(program, people, key_server, moment, trouble):
    assert program.exchange().status_code == 200
    good = key_server.body
    match trouble:
        case "503":
            key_server.status = 503
        case "HTML":
            key_server.body = b"<html>Sorry</html>"
        case "empty":
            key_server.body = {}
        case "a list":
            key_server.body = [1, 2]
        case "a redirect":
            key_server.status, key_server.headers = 302, {"Location": "http://127.0.0.1:1/elsewhere"}
        case "nonsense certificates":
            key_server.body = {
                "k1": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "k9": 7,
            }
        case "gone":
            key_server.body = {"k2": pem("second")}
    clock.shift(timedelta(hours=2))
    honest = signed(exp=int(clock.timestamp()) + 600)
    assert program.exchange(honest).status_code == (401 if trouble == "gone" else 200)
    key_server.status, key_server.body, key_server.headers = 200, good, {"Cache-Control": "max-age=3600"}
    moment(11)
    assert program.exchange(honest).status_code == 200


def test_no_key_serves_for_ever(program, people, key_server, moment):
    assert program.exchange().status_code == 200
    key_server.status = 503
    clock.shift(timedelta(hours=8))
    honest = signed(exp=int(clock.timestamp()) + 600)
    refused = program.exchange(honest)
    assert refused.status_code == 503 and "cannot be fetched right now" in refused.json["error"]["message"]
    refused = program.at_token_endpoint(subject_token=honest)
    assert (refused.status_code, refused.json["error"]) == (503, "temporarily_unavailable")
    key_server.status = 200
    moment(6)
    assert program.exchange(honest).status_code == 200


def test_without_any_keys_nobody_is_let_in_and_the_server_is_spared(program, people, key_server, moment):
    key_server.status = 500
    for _ in range(20):
        assert program.exchange().status_code == 503
    assert key_server.requests == 1
    key_server.status = 200
    moment(6)
    assert program.exchange().status_code == 200


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=0", 60),
        ("no-store", 3_600),
        ("s-maxage=5, max-age=120", 120),
        ("max-age=999999999", 86_400),
        ("", 3_600),
    ],
)
def test_how_long_is_within_reason(key_server, header, seconds):
    key_server.headers = {"Cache-Control": header} if header else {}
    keys = jwks.SigningKeys(key_server.url)
    assert keys.find("k1") is not None
    assert keys._keys is not None and abs(keys._keys.fresh_until - clock.timestamp() - seconds) < 30


def test_production_fetches_them_by_https_only(environ, key_server):
    production = environ | {"ENV": "production", "SANDBOX": "0", "PUBLIC_URL": "https://hub.example.com"}
    with pytest.raises(ConfigError, match="FIREBASE_CERTS_URL"):
        load(production)
    assert load(
        production | {"FIREBASE_CERTS_URL": "https://keys.example.com/certs"}
    ).firebase_certs_url.startswith("https://keys")
