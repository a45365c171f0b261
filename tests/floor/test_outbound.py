"""Outbound HTTP: total deadlines, limits, nothing from the environment, and the SSRF guard."""

import gzip
import http.server
import json
import socket
import ssl
import threading
import time
import traceback

import pytest

from app import outbound
from app.outbound import (
    AddressRefused,
    CertificateRefused,
    OutboundError,
    OutboundTimeout,
    connections,
    guarded_http,
    is_public,
    request_deadline,
    sending,
    tls,
)
from tests.support.certificates import self_signed
from tests.support.product import free_port
from tests.support.waiting import AT_MOST_SECONDS, PROMPTLY_SECONDS, until


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers), self.client_address[1]))
        self.server.behaviour(self)

    do_POST = do_GET

    def answer(self, body=b"{}", status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    service.daemon_threads = True
    service.seen, service.behaviour = [], lambda handler: handler.answer()
    service.url = f"http://127.0.0.1:{service.server_address[1]}"
    threading.Thread(target=service.serve_forever, args=(0.02,), daemon=True).start()
    yield service
    service.shutdown()
    service.server_close()


def trickle(start, piece, times=600, every=0.05):
    """A peer that sends a byte now and then for 30 seconds, so that no single read takes long."""

    def behaviour(handler):
        handler.close_connection = True
        try:
            handler.wfile.write(start)
            for _ in range(times):
                handler.wfile.write(piece)
                handler.wfile.flush()
                time.sleep(every)
        except OSError:
            pass

    return behaviour


TRICKLES = {
    "body": trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "body without length": trickle(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"),
    "chunks": trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "status line": trickle(b"", b"H"),
    "headers": trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "many headers": trickle(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n", times=99, every=0.3),
    "interim answers": trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "silence": trickle(b"", b"", times=60, every=0.5),
}


@pytest.mark.parametrize("behaviour", TRICKLES.values(), ids=TRICKLES.keys())
def test_the_deadline_is_total_whatever_trickles(server, behaviour):
    server.behaviour = behaviour
    started = time.monotonic()
    with pytest.raises(OutboundTimeout) as caught:
        outbound.send("GET", server.url, seconds=0.3)
    assert 0.25 < time.monotonic() - started < PROMPTLY_SECONDS
    assert caught.value.sent


def test_a_deadline_that_passed_does_not_touch_the_next_request_on_the_same_connection(server):
    outbound.send("GET", server.url, seconds=AT_MOST_SECONDS)
    deadline = max(request_deadline._pending, key=lambda each: each[1])[2]  # the newest

    def late(handler):
        deadline._pass()  # as the watching thread does a minute later
        handler.answer(b"late")

    server.behaviour = late
    assert outbound.send("GET", server.url).text == "late"
    assert server.seen[0][2] == server.seen[1][2]  # one connection


def test_a_deadline_that_passes_while_connecting_is_not_forgotten(server, monkeypatch):
    connected_socket = connections.connected_socket

    def late(*given):
        sock = connected_socket(*given)
        until(request_deadline.has_passed)
        return sock

    monkeypatch.setattr(connections, "connected_socket", late)
    server.behaviour = TRICKLES["headers"]
    started = time.monotonic()
    with pytest.raises(OutboundTimeout) as caught:
        outbound.send("GET", server.url, seconds=1)
    assert time.monotonic() - started < PROMPTLY_SECONDS
    assert not caught.value.sent and server.seen == []


def test_a_tls_handshake_that_never_ends_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        with pytest.raises(OutboundTimeout) as caught:
            outbound.send("GET", f"https://127.0.0.1:{listener.getsockname()[1]}/", seconds=0.3)
    assert time.monotonic() - started < PROMPTLY_SECONDS
    assert not caught.value.sent


def test_a_name_look_up_that_hangs_is_given_up(monkeypatch):
    given_up = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a: [] if given_up.wait(30) else pytest.fail("waited"))
    with pytest.raises(OutboundTimeout, match="looked up"):
        outbound.send("GET", "http://slow-name.example/", seconds=0.2)
    given_up.set()


def test_a_hundred_dead_addresses_do_not_add_up(monkeypatch):
    monkeypatch.setattr(
        guarded_http,
        "_addresses",
        lambda *a: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))] * 100,
    )

    class Hanging(socket.socket):
        def connect(self, address):
            time.sleep(self.gettimeout())
            raise TimeoutError

    monkeypatch.setattr(socket, "socket", Hanging)
    started = time.monotonic()
    with pytest.raises(OutboundTimeout):
        guarded_http.connected_socket("many.example", 80, 0.5, None, ())
    assert time.monotonic() - started < PROMPTLY_SECONDS, "half a second each would be 50"


@pytest.mark.parametrize("body", [b"x" * 5000, gzip.compress(b"x" * 50_000_000)], ids=["plain", "packed"])
def test_an_answer_past_the_size_limit_is_refused(server, body):
    packed = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    server.behaviour = lambda handler: handler.answer(body, **packed)
    with pytest.raises(OutboundError, match="larger"):
        outbound.send("GET", server.url, max_bytes=4999)
    assert outbound.send("GET", server.url, max_bytes=60_000_000).status == 200


def test_a_cut_answer_is_an_error_that_may_have_arrived(server):
    server.behaviour = trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"", times=0)
    with pytest.raises(OutboundError) as caught:
        outbound.send("POST", server.url, json={})
    assert caught.value.sent


def test_a_closed_port_means_nothing_was_sent():
    url = f"http://127.0.0.1:{free_port()}/?secret=canary"
    with pytest.raises(OutboundError) as caught:
        outbound.send("POST", url, json={})
    assert not caught.value.sent
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("certificate", "is_trusted", "why"),
    [
        ({}, False, "is from an unknown issuer"),
        ({"starts": -2, "ends": -1}, True, "has expired"),
        ({"starts": 1, "ends": 2}, True, "is not valid yet"),
        ({"host": "elsewhere.example"}, True, "is for another host"),
    ],
    ids=["unknown", "expired", "early", "elsewhere"],
)
def test_a_bad_certificate_is_named_and_nothing_is_sent(tmp_path, monkeypatch, certificate, is_trusted, why):
    subject = tmp_path / "self-signed.pem"
    subject.write_text(self_signed(**certificate))
    if is_trusted:
        monkeypatch.setattr(tls, "DEFAULT_CA_BUNDLE_PATH", str(subject))
        monkeypatch.setattr(sending, "_adapters", {})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(subject)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            try:
                context.wrap_socket(listener.accept()[0], server_side=True)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(CertificateRefused) as caught:
            outbound.send("GET", f"https://localhost:{listener.getsockname()[1]}/")
    assert caught.value.why == why and not caught.value.sent


@pytest.mark.parametrize(
    ("content", "kind", "length"),
    [
        ({"json": {"a": "ä"}}, "application/json", 15),
        ({"form": {"a": "ä b"}}, "application/x-www-form-urlencoded", 10),
        ({"body": "ä".encode()}, None, 2),
        ({}, None, 0),
    ],
    ids=["json", "form", "bytes", "none"],
)
def test_a_body_is_sent_whole_with_its_length(server, content, kind, length):
    server.behaviour = lambda handler: handler.answer(
        handler.rfile.read(int(handler.headers["Content-Length"]))
    )
    assert len(outbound.send("POST", server.url, **content).content) == length
    _, headers, _ = server.seen[-1]
    assert headers.get("Content-Type") == kind and "Transfer-Encoding" not in headers


def test_redirects_are_answers(server):
    server.behaviour = lambda handler: handler.answer(status=302, Location=server.url + "/elsewhere")
    assert outbound.send("GET", server.url + "/here").status == 302
    assert [path for path, *_ in server.seen] == ["/here"]


def test_nothing_is_taken_from_the_environment(server, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    assert outbound.send("GET", server.url).status == 200
    assert "Authorization" not in server.seen[0][1]


def test_cookies_are_not_kept(server):
    server.behaviour = lambda handler: handler.answer(Set_Cookie="who=alice; Path=/")
    for _ in range(2):
        outbound.send("GET", server.url)
    assert "Cookie" not in server.seen[1][1]


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b'{"a": ', b"[" * 100_000, b"\xff\xfe", b"9" * 5000], ids=range(6)
)
def test_what_is_not_json_reads_as_none(body):
    assert outbound.Response(200, {}, body).json() is None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "//example.com",
        "https://",
        "http://[::1",
        "https://exa mple.com/",
        "http://a\x00b/",
        "x",
    ],
)
def test_what_is_no_address_is_refused_in_words(url):
    with pytest.raises(OutboundError) as caught:
        outbound.send("GET", url, seconds=1)
    assert not caught.value.sent


def test_header_values_cannot_smuggle_lines(server):
    with pytest.raises(OutboundError):
        outbound.send("GET", server.url, headers={"X-A": "1\r\nX-B: 2"})
    assert server.seen == []


def test_answers_hide_their_body_when_printed():
    assert "canary" not in repr(outbound.Response(200, {}, json.dumps({"token": "canary"}).encode()))


# --- the guard ---

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:82b::200e"]
PRIVATE = [
    *(
        "127.0.0.1",
        "127.255.0.9",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
    ),
    *(
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
    ),
    *("192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1"),
    *(
        "64:ff9b::7f00:1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ),
    *(
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fe80::1%1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "100::1",
        "5f00::1",
    ),
    *(
        "2001:db8::1",
        "3fff::1",
        "2001:20::1",
        "2606:4700::5efe:10.0.0.1",
        "2606:4700::200:5efe:a00:1",
        "4000::1",
        "fd00:ec2::254",
    ),
    *("localhost", "", "example.com", "2130706433", "0x7f000001", "0177.0.0.1", "127.1"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_open_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_every_other_address_is_not(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "localhost",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "127.1",
            "127.0.1",
            "0",
        ),
        *(
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "１２７.0.0.1",
            "127。0。0。1",
            "localhost.",
            "169.254.169.254",
        ),
    ],
)
def test_no_way_of_writing_a_local_address_gets_past_the_guard(server, host):
    with pytest.raises((AddressRefused, OutboundError)) as caught:
        outbound.send("GET", f"http://{host}:{server.server_address[1]}/", guarded=True, seconds=2)
    assert not caught.value.sent
    assert server.seen == []


def answers(monkeypatch, *addresses):
    def getaddrinfo(host, port, *rest):
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch):
    answers(monkeypatch, "93.184.215.14", "10.0.0.1")
    with pytest.raises(AddressRefused):
        outbound.send("GET", "https://mixed.example/", guarded=True, seconds=2)


def test_a_name_is_looked_up_once_so_it_cannot_change_between_check_and_use(monkeypatch):
    looked_up, dialled = [], []

    def getaddrinfo(host, port, *rest):
        looked_up.append(host)
        return [
            (
                socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                ("93.184.215.14" if len(looked_up) == 1 else "127.0.0.1", port),
            )
        ]

    class Recording(socket.socket):
        def connect(self, address):
            dialled.append(address[0])
            raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "socket", Recording)
    with pytest.raises(OutboundError):
        outbound.send("GET", "https://rebinding.example/", guarded=True, seconds=2)
    assert (looked_up, dialled) == (["rebinding.example"], ["93.184.215.14"])


def test_who_answered_is_checked_before_a_byte_is_sent(server, monkeypatch):
    """A peer other than the address we dialled, as behind some network tricks."""
    monkeypatch.setattr(
        guarded_http,
        "_addresses",
        lambda *a: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", server.server_address)],
    )
    with pytest.raises(AddressRefused):
        outbound.send("GET", "http://public.example/", guarded=True, seconds=2)
    assert server.seen == []


def test_a_guarded_address_carries_no_user(monkeypatch):
    with pytest.raises(OutboundError, match="not valid"):
        outbound.send("GET", "https://user:canary@example.com/", guarded=True)


def test_services_of_the_operator_are_not_guarded(server):
    assert outbound.send("GET", server.url.replace("127.0.0.1", "localhost")).status == 200
