"""The keys of clients that sign (RFC 7523): fetched from their `jwks_uri`, or held in their metadata."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest

from app import clock, database, jwks
from tests.support.ai_client import AiClient
from tests.support.cases import every
from tests.support.signing_client import EC, ED, JWKS, OTHER, RSA, SHORT, SigningClient, with_change
from tests.support.waiting import AT_MOST_SECONDS, PROMPTLY_SECONDS


@pytest.fixture
def client(signing_client):
    return signing_client


def test_keys_are_fetched_with_the_guard_a_deadline_and_a_size_limit(client, host, alice):
    client.connect(alice)
    assert host.key_options["guarded"] is True
    assert host.key_options["seconds"] <= 10 and host.key_options["max_bytes"] <= 256 * 1024


@every(
    "key, alg",
    [(RSA, "RS256"), (RSA, "RS512"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")],
)
@every("names_key", [True, False])
def test_every_algorithm_of_the_metadata_works_with_and_without_a_key_id(client, alice, key, alg, names_key):
    signing = with_change(client, key=key, alg=alg, header={} if names_key else {"kid": None})
    assert signing.connect(alice).status == 200


@pytest.mark.parametrize("key", [OTHER, SHORT], ids=["unknown", "short"])
def test_a_signature_with_another_key_is_refused(client, host, alice, key):
    code = client.code(alice)
    host.keys.append(SHORT.as_dict(private=False))
    refused = with_change(client, key=key).exchange(code)
    assert (refused.status, refused.error) == (401, "invalid_client")
    assert "not signed with a key of this client" in refused["error_description"]
    assert with_change(client, key=key, header={"kid": "rsa-1"}).exchange(code).error == "invalid_client"
    assert client.exchange(code).status == 200


def test_keys_may_be_in_the_document_itself(client, host, alice):
    del host.document["jwks_uri"]
    host.document["jwks"] = {"keys": [EC.as_dict(private=False), ED.as_dict(private=False)]}
    signing = with_change(client, key=EC, alg="ES256")
    assert signing.connect(alice).status == 200
    assert client.exchange(client.code(alice)).error == "invalid_client"
    assert host.key_fetches == 0


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_document_that_publishes_a_private_key_is_refused(app, client, host, alice, member):
    honest, key = host.document, {**RSA.as_dict(private=False), member: "c2VjcmV0LXBhcnQ"}
    jwks_of_it = {"keys": [EC.as_dict(private=False), key]}
    host.document = {**honest, "jwks": jwks_of_it}
    del host.document["jwks_uri"]
    assert client.ask(alice).status_code == 400 and "jwks" in alice.page
    answer = AiClient(app).register(token_endpoint_auth_method="private_key_jwt", jwks=jwks_of_it)
    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
    assert "public keys only" in answer["error_description"]
    with database.current().engine.connect() as connection:
        stored = str(connection.exec_driver_sql("SELECT details FROM oauth_clients").scalars().all())
    assert "c2VjcmV0LXBhcnQ" not in stored
    host.document = honest
    assert client.connect(alice).status == 200


def test_a_key_whose_private_part_is_published_signs_nothing(client, host, alice):
    host.keys = [RSA.as_dict(private=True), EC.as_dict(private=False)]
    assert client.exchange(client.code(alice)).error == "invalid_client"
    jwks.forget()
    host.keys = [RSA.as_dict(private=False)]
    assert client.exchange(client.code(alice)).status == 200


@pytest.mark.parametrize("change", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "PS512"}])
def test_a_key_for_something_else_signs_nothing(client, host, alice, change):
    host.keys = [{**RSA.as_dict(private=False), **change}, EC.as_dict(private=False)]
    assert client.exchange(client.code(alice)).error == "invalid_client"


@pytest.fixture
def moment(monkeypatch):
    """The monotonic clock that limits fetching: `moment(11)` moves it."""
    at = [1_000.0]
    monkeypatch.setattr(jwks, "time", SimpleNamespace(monotonic=lambda: at[0]))
    return lambda seconds: at.__setitem__(0, at[0] + seconds)


def test_a_new_key_is_found_at_once_and_a_flood_of_unknown_ones_asks_once(client, host, alice, moment):
    client.connect(alice)
    host.keys = [OTHER.as_dict(private=False)]
    tokens = with_change(client, key=OTHER).connect(alice)
    assert host.key_fetches == 2
    for number in range(30):
        with_change(client, header={"kid": f"made-up-{number}"}).refresh(tokens["refresh_token"])
    assert host.key_fetches == 2
    moment(11)
    for number in range(30):
        with_change(client, header={"kid": f"made-up-{number}"}).refresh(tokens["refresh_token"])
    assert host.key_fetches == 3


def test_stale_keys_serve_while_their_host_is_away(client, host, alice, moment):
    tokens = client.connect(alice)
    host.keys_down = True
    clock.shift(timedelta(hours=3))
    tokens = client.refresh(tokens["refresh_token"])
    assert tokens.status == 200
    clock.shift(timedelta(hours=6))
    moment(10)
    refused = client.refresh(tokens["refresh_token"])
    assert (refused.status, refused.error) == (503, "temporarily_unavailable")
    assert "jwks_uri" in refused["error_description"]
    host.keys_down = False
    moment(10)
    assert client.refresh(tokens["refresh_token"]).status == 200


def test_a_slow_host_of_keys_holds_few_threads(host, monkeypatch):
    host.keys, gate, refused = [RSA.as_dict(private=False)], threading.Event(), threading.Semaphore(0)

    def answer_late(*request, **options):
        assert gate.wait(AT_MOST_SECONDS)
        return host.send(*request, **options)

    def find(_number):
        try:
            return jwks.strangers_keys_at(JWKS, lambda: True).find("rsa-1").kid
        except jwks.KeysUnavailable:
            refused.release()
            return None

    monkeypatch.setattr(jwks.outbound, "send", answer_late)
    with ThreadPoolExecutor(12) as pool:
        found = pool.map(find, range(12))
        assert all(refused.acquire(timeout=PROMPTLY_SECONDS) for _ in range(8)), (
            "eight of twelve need not wait"
        )
        gate.set()
        assert list(found).count("rsa-1") == 4
    assert host.key_fetches == 1


def test_without_keys_a_client_that_may_be_public_gets_in_and_any_other_waits(client, host, alice, moment):
    host.keys_down = True
    code = client.code(alice)
    assert client.exchange(code).status == 503
    host.keys_down = False
    moment(10)
    assert client.exchange(code).status == 200, "nothing was spent"
    jwks.forget()
    host.keys_down = True
    clock.shift(timedelta(hours=1))
    host.document = {**host.document, "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"]}
    assert client.connect(alice).status == 200


def test_a_registered_client_may_sign_too(app, people, host, alice):
    host.keys = [RSA.as_dict(private=False)]
    client = SigningClient(app, redirect_uri="https://client.example/cb")
    registered = client.register(token_endpoint_auth_method="private_key_jwt", jwks_uri=JWKS)
    assert registered["token_endpoint_auth_method"] == "private_key_jwt"
    assert "client_secret" not in registered.body
    tokens = client.connect(alice)
    assert client.refresh(tokens["refresh_token"]).status == 200
    assert (
        AiClient(app, client_id=client.client_id).refresh(tokens["refresh_token"]).error == "invalid_client"
    )
