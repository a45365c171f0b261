"""The part of Firebase that FlowPOS uses: logins, public keys, and ID tokens that are verified.

https://firebase.google.com/docs/auth/admin/verify-id-tokens and …/docs/reference/rest/auth
"""

import functools
import secrets
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask import Blueprint, Response, jsonify, make_response, request

from app.sandbox import clock
from app.sandbox.current import here
from app.sandbox.grants import digest
from app.sandbox.refusals import RequestRefused
from app.sandbox.services.flowpos.people import PEOPLE, find_by_uid
from app.sandbox.services.flowpos.wire import refusal

bp = Blueprint("identity", __name__)

PROJECT = "flowpos-sandbox"
ISSUER = f"https://securetoken.google.com/{PROJECT}"
KEY_ID = "sandbox-firebase-1"
PASSWORD = "sandbox"
# The values of the sandbox's own form, since a real ID token lives for an hour only.
SHORTHANDS = {f"sandbox-identity-{name}": name for name in PEOPLE}
_SECONDS = 3600
_SKEW_SECONDS = 60
_ACCOUNT = "securetoken@system.gserviceaccount.com"
_REFRESH = "firebase refresh"


@functools.cache
def private_key() -> rsa.RSAPrivateKey:
    """The signing key in Google's place; a new one per start of the sandbox."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims_of(name: str, now: datetime) -> dict[str, Any]:
    """The claims of a person's ID token."""
    person, moment = PEOPLE[name], int(now.timestamp())
    return {
        "iss": ISSUER,
        "aud": PROJECT,
        "auth_time": moment,
        "user_id": person.uid,
        "sub": person.uid,
        "iat": moment,
        "exp": moment + _SECONDS,
        "email": person.email,
        "email_verified": True,
        "firebase": {"identities": {"email": [person.email]}, "sign_in_provider": "password"},
    }


def signed(claims: dict[str, Any], *, kid: str = KEY_ID) -> str:
    """Sign an ID token."""
    return jwt.encode(claims, private_key(), algorithm="RS256", headers={"kid": kid})


def verify(token: str, now: datetime) -> str:
    """The person of an ID token. Raises RequestRefused for a token that Firebase's rules reject."""
    if token in SHORTHANDS:
        token = signed(claims_of(SHORTHANDS[token], now))
    try:
        if jwt.get_unverified_header(token).get("kid") != KEY_ID:
            raise jwt.InvalidTokenError("kid")
        # A lever may move the clock, so the times are compared below.
        claims = jwt.decode(
            token,
            private_key().public_key(),
            algorithms=["RS256"],
            audience=PROJECT,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub", "auth_time"], "verify_exp": False, "verify_iat": False},
        )
        times = [claims[name] for name in ("exp", "iat", "auth_time")]
    except jwt.InvalidTokenError:
        raise _refused() from None
    moment, subject = now.timestamp(), claims["sub"]
    if (
        not all(isinstance(time, int) for time in times)
        or not isinstance(subject, str)
        or not 0 < len(subject) <= 128
    ):
        raise _refused()
    if times[0] <= moment - _SKEW_SECONDS or max(times[1:]) > moment + _SKEW_SECONDS:
        raise _refused()
    return find_by_uid(subject) or ""


@bp.get(f"/robot/v1/metadata/x509/{_ACCOUNT}")
def certificates() -> Response:
    """The public keys, as certificates by key id."""
    answer = jsonify({KEY_ID: _certificate()})
    answer.headers["Cache-Control"] = "public, max-age=21600"
    return answer


@bp.get(f"/service_accounts/v1/jwk/{_ACCOUNT}")
def key_set() -> Response:
    """The public keys as a JWK set."""
    key = jwt.algorithms.RSAAlgorithm.to_jwk(private_key().public_key(), as_dict=True)
    answer = jsonify(keys=[{**key, "kid": KEY_ID, "alg": "RS256", "use": "sig"}])
    answer.headers["Cache-Control"] = "public, max-age=21600"
    return answer


@bp.post("/v1/accounts:signInWithPassword")
def sign_in() -> Response:
    """Exchange email and password for an ID token."""
    given = request.get_json(silent=True) or {}
    email = str(given.get("email", "")).strip().lower()
    name = next((name for name, person in PEOPLE.items() if person.email == email), None)
    if name is None or given.get("password") != PASSWORD:
        return _google_refused("INVALID_LOGIN_CREDENTIALS")
    at = here()
    refresh_token = secrets.token_urlsafe(48)
    at.grants.book.put(_REFRESH, digest(refresh_token), {"person": name})
    person = PEOPLE[name]
    token = signed(claims_of(name, at.now()))
    return jsonify(
        idToken=token,
        email=person.email,
        refreshToken=refresh_token,
        expiresIn=str(_SECONDS),
        localId=person.uid,
    )


@bp.post("/v1/token")
def refresh() -> Response:
    """Exchange a refresh token for an ID token."""
    at, token = here(), request.form.get("refresh_token", "")
    record = at.grants.book.find(_REFRESH, digest(token))
    if record is None or request.form.get("grant_type") != "refresh_token":
        return _google_refused("INVALID_REFRESH_TOKEN")
    name = str(record["person"])
    id_token = signed(claims_of(name, at.now()))
    return jsonify(
        id_token=id_token,
        refresh_token=token,
        expires_in=str(_SECONDS),
        user_id=PEOPLE[name].uid,
        project_id=PROJECT,
    )


@functools.cache
def _certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ACCOUNT)])
    now = clock.now()
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private_key().public_key())
    )
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    certificate = builder.not_valid_after(now + timedelta(days=16)).sign(private_key(), hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _refused() -> RequestRefused:
    return refusal(401, "Invalid or expired Firebase token")


def _google_refused(message: str) -> Response:
    errors = [{"message": message, "domain": "global", "reason": "invalid"}]
    return make_response(jsonify(error={"code": 400, "message": message, "errors": errors}), 400)
