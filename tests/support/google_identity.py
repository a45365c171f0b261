"""Google's sign-in as a local server: a token endpoint that checks what it is sent, and the keys its ID
tokens are signed with.
"""

import base64
import functools
import hashlib
import itertools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from app import clock

CLIENT_ID = "installation.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-secret-of-the-installation"
ALICE = {"sub": "1001", "email": "alice@example.com", "hd": "example.com", "name": "Alice at Google"}


@functools.cache
def _material(number: int) -> RSAKey:
    return RSAKey.generate_key(2048)


@functools.cache
def _key(kid: str, number: int) -> RSAKey:
    return RSAKey.import_key(
        _material(number).as_dict(private=True), {"kid": kid, "use": "sig", "alg": "RS256"}
    )


def new_key(kid: str, *, numbers: Iterator[int] = itertools.cycle(range(4))) -> RSAKey:
    """A signing key of that id. Another one each time, of a few made once: making them is slow."""
    return _key(kid, next(numbers))


class GoogleIdentity:
    """The server. `says` is the account the next code stands for; the other attributes are its faults."""

    def __init__(self) -> None:
        self.key = new_key("k1")
        self.published = [self.key]
        self.codes: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.status = 200
        self.keys_status = 200
        google = self

        class _Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                google.requests.append("keys")
                self._answer(google.keys_status, KeySet(google.published).as_dict(private=False))

            def do_POST(self) -> None:
                google.requests.append("token")
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                self._answer(*google.exchange(form))

            def _answer(self, status: int, body: Any) -> None:
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Cache-Control", "public, max-age=3600")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def settings(self) -> dict[str, str]:
        """What the installation's environment says about it."""
        return {
            "GOOGLE_SIGN_IN_CLIENT_ID": CLIENT_ID,
            "GOOGLE_SIGN_IN_CLIENT_SECRET": CLIENT_SECRET,
            "GOOGLE_SIGN_IN_ISSUER_URL": self.url,
            "GOOGLE_SIGN_IN_AUTHORIZE_URL": self.url + "/auth",
            "GOOGLE_SIGN_IN_TOKEN_URL": self.url + "/token",
            "GOOGLE_SIGN_IN_CERTS_URL": self.url + "/certs",
        }

    def approve(self, address: str, account: dict[str, Any], **faults: Any) -> str:
        """What the browser is sent back to when the person agrees; `faults` replace claims, None drops
        one.
        """
        authorization = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (
            authorization["client_id"] == CLIENT_ID
            and authorization["code_challenge_method"] == "S256"
            and "openid" in authorization["scope"].split()
        )
        at = int(clock.timestamp())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "azp": CLIENT_ID,
            "iat": at,
            "exp": at + 3600,
            "nonce": authorization["nonce"],
        }
        claims |= {"email_verified": True, **account, **faults}
        code = f"code-{len(self.codes)}"
        self.codes[code] = {
            "authorization": authorization,
            "claims": {name: value for name, value in claims.items() if value is not None},
        }
        return "/login/google/callback?" + urlencode(
            {"state": authorization["state"], "code": code, "iss": self.url}
        )

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The token endpoint: a code once, for whom it was made, with the verifier of its challenge."""
        grant = self.codes.pop(form.get("code", ""), None)
        if self.status != 200:
            return self.status, {"error": "server_error"}
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            .rstrip(b"=")
            .decode()
        )
        good = (
            grant is not None
            and grant["authorization"]["code_challenge"] == challenge
            and grant["authorization"]["redirect_uri"] == form["redirect_uri"]
        )
        if not good or (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 400, {"error": "invalid_grant"}
        assert grant is not None
        return 200, {
            "access_token": "ya29.unused",
            "token_type": "Bearer",
            "id_token": self.sign(grant["claims"]),
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """An ID token signed with the key in use."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self.key = new_key(f"k{len(self.published) + 1}")
        self.published = [*self.published, self.key]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
