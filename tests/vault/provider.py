"""A service with real HTTP: a token endpoint as strict as the strictest, and faults on demand."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from app import clock
from app.connectors.connector import Connector
from app.connectors.credential_forms import Field, Form, TokenRequest, client_credentials, log_in, pasted_key
from app.connectors.spec import NO_CONSENT_PAGE, Account, OAuth2
from tests.support.catalogue import install
from tests.support.waiting import AT_MOST_SECONDS

CLIENT = ("the-client", "canary-client-secret")
PASSWORD = "canary-password"


def _auth(**given: Any) -> OAuth2:
    return OAuth2(
        authorize_url="https://service.invalid/authorize",
        token_url="https://service.invalid/token",
        revoke_url="https://service.invalid/revoke",
        read_scopes=("read",),
        write_scopes=("read", "write"),
        **given,
    )


def _connector(slug: str, name: str, auth: OAuth2, *forms: Form) -> Connector:
    return Connector(
        slug=slug,
        name=name,
        summary="For tests",
        base_url="https://service.invalid/api",
        auth=auth,
        identify=lambda api, raw: Account(**api.get("/me")),
        tools=(),
        forms=forms,
    )


# One-use refresh tokens without grace, as FreshBooks; with half an hour of grace, as Xero; no rotation, as
# Google.
STRICT = _connector("strict", "Strict", _auth(refresh_sends_redirect_uri=True))
GRACEFUL = _connector(
    "graceful", "Graceful", _auth(client_auth="basic", rotation_grace_seconds=1800, idle_days=60)
)
LASTING = _connector("lasting", "Lasting", _auth(revokes_whole_account=True))
# By forms: a pasted key; the workspace's own client; a login whose answer asks for the key the tools use.
KEYED = _connector(
    "keyed",
    "Keyed",
    NO_CONSENT_PAGE,
    pasted_key(Field("api_key", "API key"), left_behind="The key itself still works there."),
)
MINTED = _connector(
    "minted",
    "Minted",
    NO_CONSENT_PAGE,
    client_credentials(
        token_url="https://service.invalid/token",
        client_id=Field("client_id", "Client id", secret=False),
        client_secret=Field("client_secret", "Client secret"),
    ),
)
_PROFILE = TokenRequest(
    "https://service.invalid/profile",
    method="GET",
    bearer="refresh_token",
    takes={"access_token": "api_key"},
    refused_with=({"error": "unauthorized"},),
    setting="REVOKE_URL",  # any setting that the tests can point at the provider
)
LOGGED = _connector(
    "logged",
    "Logged",
    NO_CONSENT_PAGE,
    log_in(
        TokenRequest(
            "https://service.invalid/login",
            sends={"email": "email", "password": "password"},
            takes={"refresh_token": "authToken"},
            setting="AUTHORIZE_URL",
        ),
        _PROFILE,
        renewals=(_PROFILE,),
        authorization_seconds=86_400,
    ),
)
# A token that lasts a day and renews itself only while it lives.
DAILY = _connector(
    "daily",
    "Daily",
    NO_CONSENT_PAGE,
    pasted_key(
        Field("access_token", "Access token"),
        renewals=(
            TokenRequest(
                "https://service.invalid/renew",
                method="GET",
                bearer="access_token",
                setting="REFRESH_URL",
                refused_with=({"error": "unauthorized"},),
            ),
        ),
        authorization_seconds=86_400,
        authorization_slides=True,
    ),
)
CONNECTORS = {c.slug: c for c in (STRICT, GRACEFUL, LASTING, KEYED, MINTED, LOGGED, DAILY)}


def register() -> None:
    """Make the services of this file part of this process's catalogue."""
    install(*CONNECTORS.values())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a storm arrives at once


class Provider:
    """The service. `faults` are used up one per token request; every refresh request is counted."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.access: set[str] = set()
        self.issued_at: dict[str, datetime] = {}
        self.refresh: set[str] = set()
        self.spent: set[str] = set()  # rotated out
        self.accepts_spent = False  # the grace
        self.rotates = True
        self.lifetime: Any = 1800
        self.refreshes = 0  # requests
        self.rotations = 0  # successes
        self.mints = 0  # tokens requested without a refresh token
        self.calls = 0  # requests to the API
        self.takes_no_token = False  # the API answers 401 to everything
        self.api_faults: list[Callable[[_Handler], bool]] = []  # as `faults`, for requests to the API
        self.token_headers: list[dict[str, str]] = []  # of the requests to the token endpoint
        self.revoked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.faults: list[Callable[[_Handler], bool]] = []  # True: it answered; False: go on
        self.rotated = threading.Event()
        self.hold_answer: threading.Event | None = None
        self.server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": self}))
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def wait_for_release(self) -> None:
        """What an answer does while the test holds answers."""
        held = self.hold_answer  # read once: the test may take it away at any moment
        if held is not None:
            held.wait(AT_MOST_SECONDS)

    def release_answers(self) -> None:
        """Send the held answers, and hold no more of them."""
        held, self.hold_answer = self.hold_answer, None
        if held is not None:
            held.set()

    def close(self) -> None:
        self.release_answers()
        self.server.shutdown()
        self.server.server_close()

    def environ(self) -> dict[str, str]:
        """Settings under which the product finds this service under each of its slugs."""
        return {
            f"{slug.upper()}_{name}": value
            for slug in CONNECTORS
            for name, value in {
                "CLIENT_ID": CLIENT[0],
                "CLIENT_SECRET": CLIENT[1],
                "BASE_URL": self.url + "/api",
                "TOKEN_URL": self.url + "/token",
                "REVOKE_URL": self.url + "/revoke",
            }.items()
        } | {
            "LOGGED_AUTHORIZE_URL": self.url + "/login",
            "LOGGED_REVOKE_URL": self.url + "/profile",
            "DAILY_REFRESH_URL": self.url + "/renew",
        }

    def issue(self) -> dict[str, Any]:
        access, refresh = "canary-access-" + secrets.token_hex(16), "canary-refresh-" + secrets.token_hex(16)
        with self.lock:
            self.access.add(access)
            self.issued_at[access] = clock.now()
            self.refresh.add(refresh)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": self.lifetime,
            "token_type": "Bearer",
        }

    def forget_access_tokens(self) -> None:
        """Every access token is answered 401 from now on."""
        with self.lock:
            self.access.clear()


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        pass

    def answer(
        self,
        status: int,
        body: Any,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.path.endswith("/profile"):
            with self.provider.lock:
                self.provider.mints += 1
                fault = self.provider.faults.pop(0) if self.provider.faults else None
            if fault is not None and fault(self):
                return None
            return (
                self.answer(200, {"api_key": self.provider.issue()["access_token"]})
                if token in self.provider.refresh
                else self._unknown()
            )
        if self.path.endswith("/renew"):
            return self._renew(token)
        with self.provider.lock:
            self.provider.calls += 1
            fault = self.provider.api_faults.pop(0) if self.provider.api_faults else None
        if fault is not None and fault(self):
            return None
        if token in self.provider.access and not self.provider.takes_no_token:
            self.answer(200, {"key": "account-1", "name": "The Account"})
        else:
            self._unknown()
        return None

    def _renew(self, token: str) -> None:
        with self.provider.lock:
            self.provider.mints += 1
            issued_at = self.provider.issued_at.get(token)
            is_alive = issued_at is not None and clock.now() - issued_at < timedelta(days=1)
        if not is_alive:
            return self._unknown()
        return self.answer(200, {**self.provider.issue(), "expires_in": 86_400})

    def _unknown(self) -> None:
        self.answer(401, {"error": "unauthorized"})

    def do_POST(self) -> None:
        if self.path.endswith("/login"):
            given = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            with self.provider.lock:
                fault = self.provider.faults.pop(0) if self.provider.faults else None
            if fault is not None and fault(self):
                return None
            known = given == {"email": "kim@example.com", "password": PASSWORD}
            return (
                self.answer(200, {"authToken": self.provider.issue()["refresh_token"]})
                if known
                else self._unknown()
            )
        form = {
            k: v[0]
            for k, v in parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()).items()
        }
        try:
            self._revoke(form) if self.path.endswith("/revoke") else self._token(form)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client was killed

    def _revoke(self, form: dict[str, str]) -> None:
        provider = self.provider
        with provider.lock:
            fault = provider.faults.pop(0) if provider.faults else None
        if fault is not None and fault(self):
            return
        with provider.lock:
            provider.revoked.append(form["token"])
            provider.refresh.discard(form["token"])
        self.answer(200, {})

    def _token(self, form: dict[str, str]) -> None:
        provider = self.provider
        basic = "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
        with provider.lock:
            provider.forms.append(form)
            provider.token_headers.append({name.lower(): value for name, value in self.headers.items()})
            provider.refreshes += form["grant_type"] == "refresh_token"
            fault = provider.faults.pop(0) if provider.faults else None
        if fault is not None and fault(self):
            return
        if (
            self.headers.get("Authorization") != basic
            and (form.get("client_id"), form.get("client_secret")) != CLIENT
        ):
            return self.answer(401, {"error": "invalid_client"})
        if form["grant_type"] == "client_credentials":
            with provider.lock:
                provider.mints += 1
            provider.wait_for_release()
            return self.answer(200, provider.issue())
        given = form.get("refresh_token", "")
        with provider.lock:
            good = given in provider.refresh or (provider.accepts_spent and given in provider.spent)
            if good and provider.rotates:
                provider.refresh.discard(given)
                provider.spent.add(given)
            provider.rotations += good
        if not good:
            return self.answer(400, {"error": "invalid_grant", "error_description": "canary-description"})
        answer = provider.issue()
        if not provider.rotates:
            provider.refresh.discard(answer.pop("refresh_token"))
        provider.rotated.set()
        provider.wait_for_release()
        return self.answer(200, answer)


def status(
    code: int, body: Any = b"", content_type: str = "text/html", **headers: str
) -> Callable[[_Handler], bool]:
    """A fault: this answer instead of the correct one."""

    def fault(handler: _Handler) -> bool:
        handler.answer(
            code,
            body,
            content_type=content_type,
            headers={k.replace("_", "-"): v for k, v in headers.items()},
        )
        return True

    return fault


def hang(seconds: float) -> Callable[[_Handler], bool]:
    """A fault: a late answer, then as usual."""

    def fault(handler: _Handler) -> bool:
        time.sleep(seconds)
        return False

    return fault


def cut(handler: _Handler) -> bool:
    """A fault: the connection ends in the middle of the body."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"access_token": "canary-')
    handler.close_connection = True
    return True
