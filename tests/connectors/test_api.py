"""What every call to a service keeps to, whatever the service: told by a bare server that misbehaves."""

import http.server
import threading
import time

import pytest

from app import outbound
from app.connectors import xero
from app.connectors.api import Api
from app.errors import OutcomeUnknown, ProviderError, ProviderRateLimited, ReconnectNeeded


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen += 1
        status, body = self.server.behaviour(self.server.seen)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class _Bearer:
    def bearer(self):
        return "token"

    def refreshed(self, rejected):
        return "token"


@pytest.fixture
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.seen, server.behaviour, server.headers = 0, lambda n: (200, b"{}"), {}
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def api(service):
    return Api(xero.CONNECTOR, f"http://127.0.0.1:{service.server_address[1]}", _Bearer())


def test_an_answer_past_the_size_limit_is_asked_for_once_and_named(api, service, monkeypatch):
    monkeypatch.setattr(outbound.send, "__kwdefaults__", {**outbound.send.__kwdefaults__, "max_bytes": 1000})
    service.behaviour = lambda n: (200, b"x" * 5000)
    with pytest.raises(ProviderError, match="more than fits in one answer") as refused:
        api.get("/all")
    assert service.seen == 1 and not refused.value.retryable


def test_of_a_write_with_such_an_answer_it_is_not_known_whether_it_was_done(api, service, monkeypatch):
    monkeypatch.setattr(outbound.send, "__kwdefaults__", {**outbound.send.__kwdefaults__, "max_bytes": 1000})
    service.behaviour = lambda n: (200, b"x" * 5000)
    with pytest.raises(OutcomeUnknown):
        api.post("/one", json={})
    assert service.seen == 1


def test_a_sign_in_the_service_rejects_even_with_a_fresh_token_needs_its_person(api, service):
    service.behaviour = lambda n: (401, b"{}")
    with pytest.raises(ReconnectNeeded, match="not even with a fresh token"):
        api.get("/one")
    assert service.seen == 2


@pytest.mark.parametrize(("status", "error"), [(503, OutcomeUnknown), (429, ProviderRateLimited)])
def test_a_write_that_runs_out_of_time_between_tries_says_only_what_is_known(api, service, status, error):
    def behave(n):
        api.deadline = time.monotonic()
        return status, b"{}"

    service.behaviour = behave
    with pytest.raises(error):
        api.post("/one", json={})
