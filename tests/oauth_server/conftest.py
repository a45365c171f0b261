import json
from types import SimpleNamespace

import pytest

from app import jwks, outbound
from app.oauth_server import client_documents, fetch_budget
from tests.support.ai_client import AiClient
from tests.support.signing_client import EC, ED, JWKS, RSA, SigningClient

ID = "https://client.example/oauth/metadata.json"


@pytest.fixture
def client_app(app, people):
    """An AI client that registered itself as public."""
    client = AiClient(app)
    assert client.register().status == 201
    return client


@pytest.fixture
def code(client_app, alice):
    """A code alice gave the client."""
    return client_app.code(alice)


@pytest.fixture
def tokens(client_app, code):
    """The token answer for that code."""
    return client_app.exchange(code)


class Host:
    """The client's web host, as app.outbound would reach it."""

    def __init__(self) -> None:
        self.document = {
            "client_id": ID,
            "client_name": "Example",
            "redirect_uris": ["https://client.example/cb"],
        }
        self.status, self.fetches, self.down = 200, 0, False
        self.headers, self.options = {"Cache-Control": "max-age=600"}, {}
        self.is_named_by_its_address = False  # the document of any address is this one, with its id
        self.keys, self.key_fetches, self.keys_down, self.key_options = [], 0, False, {}

    def send(self, method, url, **options):
        if url.endswith("jwks.json"):
            return self.send_keys(options)
        self.fetches, self.options = self.fetches + 1, options
        if self.down:
            raise outbound.OutboundTimeout("The other side did not answer in time.", sent=True)
        if self.is_named_by_its_address:
            self.document = {**self.document, "client_id": url}
        content = self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()
        if len(content) > options["max_bytes"]:
            raise outbound.OutboundError("The answer is larger than we accept.", sent=True)
        return outbound.Response(self.status, self.headers, content)

    def send_keys(self, options):
        self.key_fetches, self.key_options = self.key_fetches + 1, options
        if self.keys_down:
            raise outbound.OutboundTimeout("The other side did not answer in time.", sent=True)
        return outbound.Response(200, {}, json.dumps({"keys": self.keys}).encode())


@pytest.fixture
def host(monkeypatch):
    host = Host()
    monkeypatch.setattr(outbound, "send", host.send)
    # no minute of the limit on fetching ends during a test
    monkeypatch.setattr(fetch_budget, "time", SimpleNamespace(monotonic=lambda: 1_000.0))
    fetch_budget.forget()
    client_documents.forget_failures()
    jwks.forget()
    return host


@pytest.fixture
def signing_client(app, people, host):
    host.keys = [key.as_dict(private=False) for key in (RSA, EC, ED)]
    host.document = {
        **host.document,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": None,
        "jwks_uri": JWKS,
    }
    return SigningClient(app, client_id=ID, redirect_uri="https://client.example/cb")
