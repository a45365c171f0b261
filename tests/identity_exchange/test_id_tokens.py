"""ID tokens are really verified: every refusal of Firebase's rules is a 401, and the honest token still
passes.
"""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives import serialization

from app import clock
from tests.identity_exchange.conftest import ISSUER, PROJECT, claims, key, pem, signed
from tests.support.cases import every


def now():
    return int(clock.timestamp())


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned():
    """As the Firebase emulator signs."""
    return f"{encoded({'alg': 'none', 'kid': 'k1', 'typ': 'JWT'})}.{encoded(claims())}."


def signed_with_the_public_key_as_secret():
    """The confusion of algorithms: HS256, keyed with what everybody can fetch."""
    public = (
        key("first")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    signing_input = f"{encoded({'alg': 'HS256', 'kid': 'k1', 'typ': 'JWT'})}.{encoded(claims())}"
    seal = hmac.new(public, signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"


def with_other_claims():
    """A real signature under words that were changed."""
    header, _, signature = signed().split(".")
    return f"{header}.{encoded(claims(sub='uid-dana'))}.{signature}"


def with_its_own_key():
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key("other").public_key(), as_dict=True)
    return jwt.encode(claims(), key("other"), algorithm="RS256", headers={"kid": "k1", "jwk": public})


REFUSED = {
    "not a token": lambda: "not-a-token",
    "two parts": lambda: "eyJhbGciOiJSUzI1NiJ9.e30",
    "too long": lambda: "a" * 9000 + ".b.c",
    "spaces": lambda: signed() + " ",
    "not UTF-8": lambda: "\u00e9.\u00e9.\u00e9",
    "no signature": unsigned,
    "HS256": signed_with_the_public_key_as_secret,
    "RS384": lambda: signed(algorithm="RS384"),
    "PS256": lambda: signed(algorithm="PS256"),
    "changed claims": with_other_claims,
    "its own key": with_its_own_key,
    "another key": lambda: signed(with_key="other"),
    "no kid": lambda: signed(kid=None),
    "empty kid": lambda: signed(kid=""),
    "unknown kid": lambda: signed(kid="k2"),
    "critical header": lambda: jwt.encode(
        claims(), key("first"), algorithm="RS256", headers={"kid": "k1", "crit": ["exp"], "exp": 1}
    ),
    "other project": lambda: signed(aud="another-project"),
    "several audiences": lambda: signed(aud=[PROJECT, "another-project"]),
    "one audience in a list": lambda: signed(aud=[PROJECT]),
    "another authorized party": lambda: signed(azp="another-project"),
    "no audience": lambda: signed(aud=None),
    "empty audience": lambda: signed(aud=""),
    "other issuer": lambda: signed(iss="https://securetoken.google.com/another-project"),
    "issuer with a slash": lambda: signed(iss=ISSUER + "/"),
    "Google's own issuer": lambda: signed(iss="https://accounts.google.com"),
    "no issuer": lambda: signed(iss=None),
    "expired": lambda: signed(exp=now() - 5),
    "no end": lambda: signed(exp=None),
    "an end in words": lambda: signed(exp="tomorrow"),
    "an end that is true": lambda: signed(exp=True),
    "infinite end": lambda: signed(exp=float("inf")),
    "issued in the future": lambda: signed(iat=now() + 600),
    "no time of issue": lambda: signed(iat=None),
    "signed in in the future": lambda: signed(auth_time=now() + 600),
    "never signed in": lambda: signed(auth_time=None),
    "signed in in words": lambda: signed(auth_time="now"),
    "no subject": lambda: signed(sub=None),
    "empty subject": lambda: signed(sub=""),
    "long subject": lambda: signed(sub="u" * 129),
    "control characters": lambda: signed(sub="uid\n-alice"),
}


@every("what", REFUSED)
def test_it_is_refused(program, people, what):
    refused = program.exchange(REFUSED[what]())
    assert refused.status_code == 401, refused.text
    assert (
        refused.json["error"]["code"] == "INVALID_TOKEN"
        and "Sign in again" in refused.json["error"]["message"]
    )
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert program.exchange().status_code == 200


@every("what", REFUSED)
def test_the_token_endpoint_refuses_the_same(program, people, what):
    refused = program.at_token_endpoint(subject_token=REFUSED[what]())
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_request")
    assert program.at_token_endpoint().status_code == 200


def test_a_subject_that_is_a_number_is_none(program, people):
    token = jwt.api_jws.encode(
        json.dumps(claims(sub=7)).encode(), key("first"), algorithm="RS256", headers={"kid": "k1"}
    )
    assert program.exchange(token).status_code == 401


def test_a_token_lives_to_its_end_and_no_second_longer(program, people):
    token = signed(exp=now() + 1800)
    clock.shift(timedelta(seconds=1700))
    assert program.exchange(token).status_code == 200
    clock.shift(timedelta(seconds=200))
    assert program.exchange(token).status_code == 401


def test_a_clock_that_is_a_little_ahead_is_forgiven(program, people):
    assert (
        program.exchange(
            signed(iat=int(clock.timestamp()) + 30, auth_time=int(clock.timestamp()) + 30)
        ).status_code
        == 200
    )


@every(
    "body",
    [
        {},
        {"firebaseIdToken": ""},
        {"firebaseIdToken": None},
        {"firebaseIdToken": 7},
        {"firebaseIdToken": [signed]},
    ],
)
def test_a_body_without_a_token_says_what_is_missing(app, people, program, body):
    body = {
        name: "x" if value is not None and not isinstance(value, str | int) else value
        for name, value in body.items()
    }
    refused = app.test_client().post("/mcp/token", json=body)
    assert refused.status_code == (401 if body.get("firebaseIdToken") == "x" else 400)
    assert "oken" in refused.json["error"]["message"]


def test_only_json_is_taken(app, people, program):
    sent = {"firebaseIdToken": signed()}
    assert app.test_client().post("/mcp/token", data=sent).status_code == 415
    assert app.test_client().post("/mcp/token", data=b"{", content_type="application/json").status_code == 400
    assert app.test_client().get("/mcp/token").status_code == 405
    assert app.test_client().post("/mcp/token?firebaseIdToken=" + signed(), json={}).status_code == 400
    assert app.test_client().post("/mcp/token", json=sent).status_code == 200


def test_the_reason_is_in_the_log_and_the_token_is_not(program, people, caplog):
    caplog.set_level("INFO")
    token = signed(aud="another-project")
    program.exchange(token)
    assert "Invalid claim: 'aud'" in caplog.text
    assert token not in caplog.text and token.split(".")[1] not in caplog.text


def test_keys_may_come_as_a_key_set(program, people, key_server):
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key("first").public_key(), as_dict=True)
    key_server.body = {
        "keys": [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "k0"},
            {**public, "kid": "k1"},
            "nonsense",
            {"kid": "k3"},
        ]
    }
    assert program.exchange().status_code == 200


def test_a_certificate_that_has_ended_signs_nothing(program, people, key_server):
    key_server.body = {"k1": pem("first", days=-1), "k2": pem("second")}
    assert program.exchange().status_code == 401
    assert program.exchange(signed(with_key="second", kid="k2")).status_code == 200
