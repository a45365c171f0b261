"""RFC 7523: clients known by a metadata document sign in with private_key_jwt, as ChatGPT does."""

import base64
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.oauth_server import housekeeping
from app.oauth_server.models import ClientAssertion
from app.oauth_server.rfc7523_client_assertion import TYPE
from tests.conftest import both_databases
from tests.oauth_server.conftest import ID
from tests.support.ai_client import AiClient
from tests.support.cases import every
from tests.support.signing_client import ISSUER, OTHER, RSA, with_change

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once


@pytest.fixture
def client(signing_client):
    return signing_client


def test_a_client_signs_in_from_document_to_revocation(client, host, alice):
    tokens = client.connect(alice)
    assert client.status(tokens["access_token"])["client"]["id"] == ID
    again = client.refresh(tokens["refresh_token"])
    assert again.status == 200
    assert client.introspect(again["access_token"])["active"] is True
    assert client.revoke(again["refresh_token"]).status == 200
    assert client.status(again["access_token"]).status == 401
    assert host.key_fetches == 1


@pytest.mark.parametrize(
    "audience",
    [
        ISSUER,
        f"{ISSUER}/",
        f"{ISSUER}/oauth/token",
        f"{ISSUER}/token",
        [ISSUER],
        ["https://elsewhere.example", f"{ISSUER}/oauth/token"],
    ],
)
def test_the_audience_is_the_issuer_or_the_token_endpoint_as_text_or_list(client, alice, audience):
    client.changes = {"aud": audience}
    assert client.connect(alice).status == 200


@every(
    "changes",
    [
        {"iss": "https://elsewhere.example/client.json"},
        {"sub": "https://elsewhere.example/client.json"},
        {"iss": None},
        {"sub": None},
        {"aud": None},
        {"aud": "https://elsewhere.example"},
        {"aud": []},
        {"aud": [7, None]},
        {"aud": f"{ISSUER}/oauth/authorize"},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1},
        {"exp": -120},
        {"exp": 2 * 3_600},
        {"exp": 10**15},
        {"iat": 3_600},
        {"iat": -2 * 3_600},
        {"iat": "now"},
        {"nbf": 3_600},
        {"nbf": [1]},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 5_000},
    ],
)
def test_a_claim_that_breaks_a_rule_is_refused_and_spends_nothing(client, alice, changes):
    code = client.code(alice)
    at = int(clock.timestamp())
    relative = {
        name: at + value if name in {"exp", "iat", "nbf"} and type(value) is int and value < 10**6 else value
        for name, value in changes.items()
        if (name, value) != ("exp", 1)
    }
    refused = with_change(client, changes=relative or changes).exchange(code)
    assert (refused.status, refused.error) == (401, "invalid_client")
    assert refused["error_description"].startswith("The client_assertion ")
    assert client.exchange(code).status == 200


def test_clocks_may_differ_by_a_minute(frozen_clock, client, alice):
    at = int(clock.timestamp())
    client.changes = {"exp": at - 40, "iat": at - 300}
    assert client.connect(alice).status == 200
    client.changes = {"nbf": at + 40, "iat": at + 40}
    assert client.connect(alice).status == 200


@both_databases
def test_an_assertion_works_once_also_for_sixteen_at_once(client, alice):
    tokens = client.connect(alice)
    client.changes = {"jti": "always-the-same"}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.introspect(tokens["access_token"]), range(16)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 15
    assert "used before" in client.introspect(tokens["access_token"])["error_description"]
    client.changes = {}
    assert client.introspect(tokens["access_token"]).status == 200


def test_the_same_jti_of_another_client_is_another_assertion(app, client, host, alice):
    host.is_named_by_its_address = True
    other = with_change(client, client_id="https://client.example/other.json")
    client.changes = other.changes = {"jti": "first"}
    for each in (client, other):
        assert each.exchange(each.code(alice)).status == 200


def test_used_assertions_are_kept_until_they_expire(frozen_clock, client, alice):
    def stored():
        with database.transaction() as db:
            housekeeping.run(db)
            return len(list(db.exec(select(ClientAssertion))))

    client.connect(alice)
    assert stored() == 1
    clock.shift(timedelta(seconds=340))
    assert stored() == 1
    clock.shift(timedelta(seconds=30))
    assert stored() == 0


def part(value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_neither_none_nor_a_shared_secret_signs(client, alice):
    code = client.code(alice)
    claims = client.assertion().split(".")[1]
    shared = f"{part({'alg': 'HS256', 'kid': 'rsa-1'})}.{claims}"
    by_secret = hmac.digest(RSA.as_pem(private=False), shared.encode(), "sha256")
    for assertion in (
        f"{part({'alg': 'none'})}.{claims}.",
        f"{part({'alg': 'none', 'kid': 'rsa-1'})}.{claims}.{part(b'x')}",
        f"{shared}.{part(by_secret)}",
        f"{part({'alg': 'RS256', 'crit': ['b64'], 'b64': False})}.{claims}.{part(b'x')}",
    ):
        refused = client.exchange(code, client_assertion=assertion)
        assert (refused.status, refused.error) == (401, "invalid_client"), assertion
    assert client.exchange(code).status == 200


@every("junk", ["", "x", "a.b.c", "..", "e30.e30.e30", "e30." * 4, "A" * 20_000, "ü.ü.ü", "W10.W10.W10"])
@every("sends_client_id", [True, False])
def test_junk_is_invalid_client(app, client, alice, junk, sends_client_id):
    code = client.code(alice)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": client.verifier,
        "client_assertion_type": TYPE,
        "client_assertion": junk,
        **({"client_id": ID} if sends_client_id else {}),
    }
    response = app.test_client().post("/oauth/token", data=form)
    assert (response.status_code, response.json["error"]) == (401, "invalid_client")
    assert client.exchange(code).status == 200


def test_the_type_of_the_assertion_is_checked_and_the_client_id_may_be_left_out(client, alice):
    code = client.code(alice)
    refused = client.exchange(
        code, client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    )
    assert refused.error == "invalid_client" and TYPE in refused["error_description"]
    client.sends_client_id = False
    assert client.exchange(code).status == 200


@pytest.mark.parametrize("method", ["none", "client_secret_post"])
def test_a_client_that_lists_only_signatures_must_sign(client, alice, method):
    code = client.code(alice)
    plain = AiClient(client.app, client.redirect_uri, ID, "x", auth_method=method, verifier=client.verifier)
    refused = plain.exchange(code)
    assert refused.error == "invalid_client" and "private_key_jwt" in refused["error_description"]
    assert client.exchange(code).status == 200


@pytest.mark.parametrize(
    "listed",
    [
        {"token_endpoint_auth_methods_supported": ["none", "private_key_jwt"]},
        {"token_endpoint_auth_method": "none", "token_endpoint_auth_methods_supported": ["private_key_jwt"]},
    ],
)
def test_a_client_that_lists_both_may_use_both(client, host, alice, listed):
    host.document = {**host.document, **listed}
    plain = AiClient(client.app, client.redirect_uri, ID)
    tokens = plain.connect(alice)
    assert client.refresh(tokens["refresh_token"]).status == 200
    assert client.connect(alice).status == 200
    wrong = with_change(client, key=OTHER, header={"kid": "rsa-1"})
    assert wrong.exchange(client.code(alice)).error == "invalid_client"


def test_a_client_that_does_not_list_signatures_cannot_sign(client, host, alice):
    host.document = {**host.document, "token_endpoint_auth_method": "none"}
    refused = client.exchange(client.code(alice))
    assert refused.error == "invalid_client" and "(none)" in refused["error_description"]


def test_the_algorithm_a_document_names_is_the_only_one(client, host, alice):
    host.document = {**host.document, "token_endpoint_auth_signing_alg": "PS256"}
    code = client.code(alice)
    refused = client.exchange(code)
    assert refused.error == "invalid_client" and "PS256" in refused["error_description"]
    assert with_change(client, alg="PS256").exchange(code).status == 200
