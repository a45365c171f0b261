"""A key server on this machine, and ID tokens signed with its keys."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask import Flask
from werkzeug.test import TestResponse

from app import clock, jwks

PROJECT = "patchbay-tests"
ISSUER = f"https://securetoken.google.com/{PROJECT}"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """The private key of that name, the same in all tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(name: str, *, days: int = 16) -> str:
    """The certificate of a key; with negative days one that has ended."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken.system.gserviceaccount.com")])
    now = clock.now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key(name).public_key())
    )
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=30))
    return (
        builder.not_valid_after(now + timedelta(days=days))
        .sign(key(name), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


@dataclass
class KeyServer:
    """What Google serves. `requests` counts them."""

    url: str = ""
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(
        default_factory=lambda: {"Cache-Control": "public, max-age=3600, must-revalidate"}
    )
    requests: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    def serve(self, **names: str) -> None:
        """From now on these keys: id=name."""
        self.body = {key_id: pem(name) for key_id, name in names.items()}


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    jwks.forget()
    state = KeyServer()
    state.gate.set()
    state.serve(k1="first")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            state.gate.wait(10)
            content = state.body if isinstance(state.body, bytes) else json.dumps(state.body).encode()
            self.send_response(state.status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                **state.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/certificates"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    state.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def environ(environ: dict[str, str], key_server: KeyServer) -> dict[str, str]:
    return environ | {"FIREBASE_PROJECT_ID": PROJECT, "FIREBASE_CERTS_URL": key_server.url}


def claims(**changes: Any) -> dict[str, Any]:
    """What an ID token of alice's says. A change to None leaves the claim out."""
    now = int(clock.timestamp())
    given = {
        "iss": ISSUER,
        "aud": PROJECT,
        "auth_time": now - 60,
        "user_id": "uid-alice",
        "sub": "uid-alice",
        "iat": now - 10,
        "exp": now + 3590,
        "email": "alice@example.com",
        "email_verified": True,
        "firebase": {"identities": {"email": ["alice@example.com"]}, "sign_in_provider": "password"},
    }
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def signed(*, with_key: str = "first", kid: Any = "k1", algorithm: str = "RS256", **changes: Any) -> str:
    headers = {"kid": kid} if kid is not None else {}
    return jwt.encode(claims(**changes), key(with_key), algorithm=algorithm, headers=headers)


@dataclass
class Exchanger:
    """A program that exchanges ID tokens."""

    app: Flask

    def exchange(self, id_token: Any = ...) -> TestResponse:
        return self.app.test_client().post(
            "/mcp/token", json={"firebaseIdToken": signed() if id_token is ... else id_token}
        )

    def refresh(self, token: str) -> TestResponse:
        return self.app.test_client().post("/mcp/token/refresh", headers={"Authorization": f"Bearer {token}"})

    def at_token_endpoint(self, **changes: Any) -> TestResponse:
        given = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": changes.pop("subject_token", ...),
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        }
        if given["subject_token"] is ...:
            given["subject_token"] = signed()
        headers = changes.pop("headers", {})
        form = {name: value for name, value in {**given, **changes}.items() if value is not None}
        return self.app.test_client().post("/oauth/token", data=form, headers=headers)


@pytest.fixture
def program(app: Flask) -> Exchanger:
    return Exchanger(app)
