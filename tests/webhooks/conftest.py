"""A receiver on a real socket, and endpoints of Northwind that send to it. Signatures are verified with the
library that standardwebhooks.com publishes.
"""

import contextlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlmodel import select
from standardwebhooks import Webhook

from app import database, events
from app.webhooks import sending
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tests.notifications.conftest import connect as connect_service  # noqa: F401
from tests.notifications.conftest import end, heal, reconnect, suspend  # noqa: F401
from tests.support.mcp_client import acme_service, asking, client_of, connect, token_for  # noqa: F401
from tests.support.waiting import AT_MOST_SECONDS
from tests.team.conftest import invite, join, link_for  # noqa: F401

EVERY_EVENT = list(events.CATALOGUE)


@dataclass
class Received:
    """One request as the receiver read it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @property
    def type(self) -> str:
        return str(self.payload["type"])

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.payload["data"]
        return data

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> Any:
        """The payload, as the official library accepts it. Raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Answers every request with `status` and `headers`, while `gate` is open."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    requests: list[Received] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def types(self) -> list[str]:
        return [each.type for each in self.requests]


@pytest.fixture
def start_receiver():
    """`start_receiver()` returns another Receiver on a port of its own."""
    servers, receivers = [], []

    def _start() -> Receiver:
        receiver = Receiver()
        receiver.gate.set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Received(self.path, headers, body))
                receiver.arrived.release()
                receiver.gate.wait(AT_MOST_SECONDS)
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the sender reads no body
                    self.wfile.write(receiver.body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/hooks?team=1"
        servers.append(server)
        receivers.append(receiver)
        return receiver

    yield _start
    for receiver in receivers:
        receiver.gate.set()
    for thread in threading.enumerate():
        if thread.name == "webhook":  # it sends for a Sender, and wakes one at its end
            thread.join()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver(start_receiver):
    return start_receiver()


@dataclass(frozen=True)
class Added:
    """An endpoint that somebody added on the page."""

    id: str
    secret: str

    @property
    def path(self) -> str:
        return f"/webhooks/{self.id}"

    def row(self) -> WebhookEndpoint:
        with database.reading() as db:
            return db.get_one(WebhookEndpoint, self.id)

    def deliveries(self) -> list[WebhookDelivery]:
        with database.reading() as db:
            query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == self.id)
            return list(db.exec(query.order_by(WebhookDelivery.created_at, WebhookDelivery.id)))

    def attempts(self) -> list[WebhookAttempt]:
        with database.reading() as db:
            query = select(WebhookAttempt).join(
                WebhookDelivery, WebhookDelivery.id == WebhookAttempt.delivery_id
            )
            mine = query.where(WebhookDelivery.endpoint_id == self.id)
            return list(db.exec(mine.order_by(WebhookAttempt.number)))


@pytest.fixture
def add(alice, receiver):
    """`add()` adds an endpoint on the page, as alice: by default for every event, to the receiver."""

    def _add(url=None, *, by=alice, description="", wanted=EVERY_EVENT):
        answer = by.submit(
            "/webhooks", {"url": url or receiver.url, "description": description, "events": wanted}
        )
        assert answer.status_code == 200, by.page
        secret = re.search(r'value="(whsec_[^"]+)"', by.page)
        path = re.search(r'action="/webhooks/(whk_\w+)/rotate"', by.page)
        assert secret and path, by.page
        return Added(path[1], secret[1])

    return _add


@pytest.fixture
def announce(people):
    """`announce()` reports that somebody joined Northwind; other events and workspaces may be named."""

    def _announce(name="member.joined", workspace=None, once="", **data):
        kind = events.CATALOGUE[name]
        given = {name: people.alice.id if name == "user_id" else "x" for name in kind.fields} | data
        with database.transaction() as db:
            workspace_id = (workspace or people.northwind).id
            events.announce(db, name, workspace_id=workspace_id, sentence="It happened.", once=once, **given)

    return _announce


@pytest.fixture
def patient(monkeypatch):
    """A receiver may take as long as a test waits for anything."""
    monkeypatch.setattr(sending, "SECONDS", AT_MOST_SECONDS)


@pytest.fixture
def send_due(app, settings):
    """`send_due()` sends all that is due, as a web process does in the background. Returns the attempts."""
    return lambda: sending.send_due(settings, app.extensions["mailer"])
