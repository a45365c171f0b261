"""What goes out and comes in, beside what the libraries whose work is done in fewer steps make of it."""

import http.client
import io
import random
import socket
import threading
from urllib.parse import urlsplit

import pytest
import requests

from app import outbound
from app.outbound import connections
from app.outbound.bounded_response import BoundedResponse
from app.outbound.request import OutboundRequest
from tests.support.waiting import AT_MOST_SECONDS

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(AT_MOST_SECONDS)
        yield listener


@pytest.fixture
def heard(listener):
    """What arrived of each request in one piece. Every request is answered."""
    pieces = []

    def serve(sock):
        with sock:
            while piece := sock.recv(1_000_000):
                pieces.append(piece)
                sock.sendall(OK)

    def accept():
        try:
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    return pieces


# --- requests ---


def test_a_request_is_one_piece(listener, heard):
    url = f"http://localhost:{listener.getsockname()[1]}/things"
    outbound.send("POST", url, params={"a": "ä b"}, headers={"X-A": "é"}, json={"b": 1})
    assert heard == [
        b"POST /things?a=%C3%A4+b HTTP/1.1\r\n"
        + f"Host: localhost:{listener.getsockname()[1]}\r\n".encode()
        + b"User-Agent: Patchbay\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
        b"Connection: keep-alive\r\nContent-Type: application/json\r\nX-A: \xe9\r\nContent-Length: 8\r\n\r\n"
        b'{"b": 1}'
    ]


@pytest.mark.parametrize(
    ("host", "port", "header"),
    [
        ("example.com", 80, "example.com"),
        ("example.com.", 80, "example.com"),
        ("example.com", 8080, "example.com:8080"),
        ("::1", 80, "[::1]"),
        ("::1", 8080, "[::1]:8080"),
        ("fe80::1%25eth0", 80, "[fe80::1]"),
    ],
)
def test_the_host_is_named_as_http_client_names_it(host, port, header):
    pool = connections.Pools(None).of("http", host, port)
    sent = pool._new_conn().head_of("GET", "/", {})
    assert sent == f"GET / HTTP/1.1\r\nHost: {header}\r\n\r\n".encode()


@pytest.mark.parametrize("headers", [{"X-Ä": "1"}, {"X A": "1", "X:": "2"}, {"X-A": "☃"}, {"X-A": " 1"}])
def test_what_cannot_be_a_header_is_refused(headers):
    with pytest.raises(outbound.OutboundError) as caught:
        outbound.send("GET", "http://127.0.0.1:1/", headers=headers)
    assert not caught.value.sent


DEFAULT_PORTS = {"http": 80, "https": 443}
HOSTS = ["example.com", "EXAMPLE.com:8443", "[::1]:80", "127.0.0.1", "bücher.de", "a.b.", "exa mple.com"]
HOSTS += ["[::1", "h:0", "h:99999", "*.a.de", "h:", "h:80"]
PATHS = ["", "/", "/a b", "/a%20b", "/a%zz", "/ä", "/a/../b", "/a;b=1", "//x", "/a[0]", "/a?", "/a?x=1"]
PATHS += ["/a?x=ü&y=%zz", "/a#f", "/a?x=1#f", "?q", "/%7euser", "/a%2Fb", "/a'b\"c<>", "/a\\b"]
VALUES = ["1", 1, True, 1.5, None, "ä ö&=+", "~-._", ["a", "b", None], [], ("x", 1), "", "a/b?c#d", "%41"]


def test_addresses_are_read_and_parameters_encoded_as_by_requests():
    def ours(url, params):
        try:
            target = OutboundRequest("GET", url, params=params, headers={}).target
        except ValueError:
            return None
        return target.url, target.scheme, target.host, target.port, target.path

    def theirs(url, params):
        prepared = requests.PreparedRequest()
        try:
            prepared.prepare_url(url, params)
            found = urlsplit(prepared.url.partition("#")[0])
            port = found.port or DEFAULT_PORTS[found.scheme]
        except (requests.RequestException, ValueError, KeyError):
            return None
        if found.scheme not in DEFAULT_PORTS:
            return None
        return found.geturl(), found.scheme, found.hostname, port, prepared.path_url

    chosen = random.Random(1)
    for _ in range(3_000):
        url = f"{chosen.choice(['http', 'https', 'HTTP', 'ftp'])}://{chosen.choice(HOSTS)}{chosen.choice(PATHS)}"
        pairs = [(chosen.choice(["a", "b[]", "ü", "c d"]), chosen.choice(VALUES)) for _ in range(3)]
        for params in (None, {}, dict(pairs), pairs[: chosen.randrange(4)]):
            assert ours(url, params) == theirs(url, params), (url, params)


# --- responses ---


class _Arrived:
    """A socket from which these bytes arrive."""

    def __init__(self, content):
        self.content = content

    def makefile(self, mode):
        return io.BufferedReader(io.BytesIO(self.content))


VERSIONS = ["HTTP/1.1"] * 4 + ["HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/2", "HTTP/1.", "ICY", "HTTP/0.99"]
STATUSES = ["200", "204", "304", "404", "100", "103", "099", "1000", "2xx", "0"]
NAMES = ["Content-Length", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "From "]
NAMES += ["Proxy-Connection", "X-A", "Set-Cookie", "X A", "", "X-B ", "Ünder", " X", "Content-Type"]
FIELDS = ["5", "0", "-3", "x", "5, 5", "chunked", "Chunked", "gzip, chunked", "close", "keep-alive", " a b "]
FIELDS += [
    "\t q\t",
    "",
    "é",
    "a\x00b",
    "a\rb",
    "a\x0bb",
    "\x85",
    "a\x1cb",
    ": :",
    "multipart/mixed; boundary=x",
]
ENDS = ["\r\n"] * 12 + ["\n", "\r", "\r\n ", "\n\t"]


def test_responses_are_framed_as_by_http_client():
    """Whatever a line consists of: a difference would let somebody hide a response in another one."""
    chosen = random.Random(2)

    def head():
        lines = [f"{chosen.choice(VERSIONS)} {chosen.choice(STATUSES)}{chosen.choice([' OK', ' ', ''])}\r\n"]
        for _ in range(chosen.randrange(5)):
            separator = chosen.choice([":", ": ", ""])
            lines += [chosen.choice(NAMES), separator, chosen.choice(FIELDS), chosen.choice(ENDS)]
        return "".join([*lines, chosen.choice(["\r\n", "\r\n", "\n", ""])]).encode("latin-1")

    def found(kind, content, method):
        response = kind(_Arrived(content), method=method)
        try:
            response.begin()
        except Exception as error:
            return type(error), str(error)
        headers = response.header_pairs if kind is BoundedResponse else response.headers.items()
        framing = (response.chunked, response.length, response.will_close, response.version)
        return response.status, response.reason, list(headers), framing, response.fp.read()

    for _ in range(5_000):
        content, method = head() + chosen.choice([b"body", OK]), chosen.choice(["GET", "POST", "HEAD"])
        ours, theirs = (found(kind, content, method) for kind in (BoundedResponse, http.client.HTTPResponse))
        assert ours == theirs, content


# --- connections ---


def test_of_many_hosts_the_latest_keep_their_connections(listener, heard, monkeypatch):
    monkeypatch.setattr(connections, "_MOST_HOSTS", 2)
    pools = connections.Pools(None)
    first, second, _ = (pools.of("http", f"host{number}.example", 80) for number in (1, 2, 3))
    assert pools.of("http", "host2.example", 80) is second
    assert pools.of("http", "host1.example", 80) is not first
