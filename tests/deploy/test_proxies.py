"""The proxies we ship files for: nginx (deploy/nginx.conf) and Caddy (deploy/Caddyfile), really running."""

import contextlib
import hashlib
import json
import re
import socket
from pathlib import Path

import pytest

from tests.deploy.http_server import Server, read_to_end, read_until, run_server
from tests.deploy.proxies import UNVERIFIED, Proxy, run_caddy, run_nginx
from tests.support.browser import Person
from tests.support.product import free_port, run_product
from tests.support.sdk_client import PythonClient
from tests.support.waiting import until

pytestmark = pytest.mark.slow
EACH_PROXY = [
    pytest.param(run_nginx, marks=pytest.mark.needs_nginx, id="nginx"),
    pytest.param(run_caddy, marks=pytest.mark.needs_caddy, id="caddy"),
]


@pytest.fixture(scope="module", params=EACH_PROXY)
def served(request, tmp_path_factory):
    """In front of a small application that says what reached it."""
    folder = tmp_path_factory.mktemp("proxy")
    with run_server(folder) as server, request.param(folder / "proxy", server.port, free_port()) as running:
        yield server, running


@pytest.fixture
def server(served) -> Server:
    return served[0]


@pytest.fixture
def proxy(served) -> Proxy:
    return served[1]


def test_the_product_learns_who_calls_and_how_from_the_proxy_alone(proxy: Proxy):
    forged = {
        "X_Forwarded_For": "203.0.113.9, 198.51.100.7",
        "X_Forwarded_Proto": "http",
        "X_Forwarded_Host": "evil.example.com",
        "Forwarded": "for=203.0.113.9;proto=http;host=evil.example.com",
    }
    status, _, body = proxy.open("/echo", **forged)
    seen = {name.lower(): value for name, value in json.loads(body).items()}
    assert status == 200
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-host"] == seen["host"] == f"localhost:{proxy.port}"
    assert not seen.get("forwarded")


@pytest.mark.parametrize("length", [9_000, 30_000])
def test_long_addresses_pass(proxy: Proxy, length):
    status, _, body = proxy.open(f"/echo?state={'s' * length}")
    assert (status, json.loads(body)["Query-Length"]) == (200, str(length + len("state=")))


def test_four_mebibytes_pass_and_more_is_refused_by_the_product(proxy: Proxy):
    body = b"0123456789abcdef" * 262_144
    assert proxy.open("/digest", body)[2].decode() == f"{len(body)} {hashlib.sha256(body).hexdigest()}"
    head = f"POST /digest HTTP/1.1\r\nHost: localhost:{proxy.port}\r\nContent-Length: {len(body) + 1}\r\n\r\n"
    answer = b""
    with proxy.connect(head.encode()) as sock, contextlib.suppress(OSError):  # it may close while we send
        sock.sendall(body + b"x")
        answer = sock.recv(10_000)
    assert not answer or answer.startswith(b"HTTP/1.1 413 ")


def test_events_are_not_held_back(server: Server, proxy: Proxy):
    """Each happens only when the one before it has arrived."""
    request = f"GET /mcp/events/steps/5 HTTP/1.1\r\nHost: localhost:{proxy.port}\r\n\r\n"
    with proxy.connect(request.encode()) as sock:
        for number in range(5):
            read_until(sock, b"data: %d\n\n" % number)
            server.open_gate(f"steps-{number + 1}")
        read_until(sock, b"0\r\n\r\n")


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x=1", "//metrics", "/%6detrics", "/x/../metrics"])
def test_metrics_are_not_reachable_from_outside(proxy: Proxy, path):
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{proxy.port}\r\nConnection: close\r\n\r\n"
    with proxy.connect(request.encode()) as sock:
        answer = read_to_end(sock)
    assert b" 404 " in answer.split(b"\r\n")[0] and b"counters" not in answer


def test_http_leads_to_https(proxy: Proxy):
    request = b"GET /login?a=b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", proxy.plain_port), timeout=10) as sock:
        sock.sendall(request)
        answer = read_to_end(sock)
    assert re.match(rb"HTTP/1.1 30[18] ", answer)
    assert re.search(rb"\r\nlocation: https://localhost(:\d+)?/login\?a=b\r\n", answer, re.IGNORECASE)


@pytest.mark.parametrize("host", ["other.example.com", "unknown.example.com"])
def test_another_site_of_the_machine_keeps_its_name(proxy: Proxy, host):
    request = f"GET /echo HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with proxy.connect(request.encode()) as sock:
        assert b"X-Forwarded-For" not in read_to_end(sock)


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """The whole product behind nginx, set up as by deploy/patchbay.service."""
    folder, port = tmp_path_factory.mktemp("installation"), free_port()
    settings = {"PUBLIC_URL": f"https://localhost:{port}", "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "1"}
    with run_product(folder / "instance", **settings) as product:
        with run_nginx(folder / "proxy", int(product.environ["PORT"]), port) as proxy:
            yield product, proxy


class Correspondent(Person):
    """Reads their mail elsewhere: the development mailbox does not open behind a proxy."""

    mailbox: Path

    def mailed_code(self) -> str:
        until(lambda: self.mailbox.exists() and self.email in self.mailbox.read_text())
        code = re.findall(r"code is (\d{6})", self.mailbox.read_text())[-1]
        return str(code)


@pytest.mark.needs_nginx
@pytest.mark.needs_chromium
def test_a_person_and_their_ai_client_get_through(installation, chromium):
    """Registration, the hub, connecting a service, consent with a long address, and calls."""
    product, proxy = installation
    anna = Correspondent(chromium, product.url, accepts_any_certificate=True)
    anna.mailbox = product.instance / "mailbox.jsonl"
    client = PythonClient(
        product.mcp_url,
        lambda url: anna.authorize(f"{url}&note={'n' * 9_000}", connect=("FreshBooks",)),
        verify=UNVERIFIED,
    )
    with client.connected():
        assert client.call("freshbooks_list_invoices")["data"]["items"]
    assert anna.page.context.cookies(product.url), "cookies that only https may carry"
    assert proxy.open("/health")[0] == 200
    anna.context.close()


@pytest.mark.needs_nginx
def test_a_forged_address_chooses_no_limit(installation):
    """60 registrations of AI clients a minute for one address, whatever it says about itself."""
    _, proxy = installation
    answers = (
        proxy.open(
            "/oauth/register", b"{}", X_Forwarded_For=f"203.0.113.{n}", Content_Type="application/json"
        )
        for n in range(250)  # a minute may end on the way, and on a slow machine a second one
    )
    assert any(status == 429 for status, *_ in answers)
