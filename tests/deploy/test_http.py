"""What clients rely on in HTTP/1.1 holds with requests collected outside the threads."""

import hashlib
import socket
import struct

import pytest

from tests.deploy.http_server import Server, read_response, read_to_end, read_until, run_server

pytestmark = pytest.mark.slow
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("server")) as running:
        yield running


def post(body: bytes, *fields: str) -> bytes:
    head = [
        "POST /digest HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(body)}",
        *fields,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def digest(body: bytes) -> tuple[int, bytes]:
    return 200, f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode()


def test_one_connection_serves_many_requests(server: Server):
    with server.connect() as sock:
        for number in range(50):
            body = b"n" * number * 100
            sock.sendall(HEALTH)
            assert read_response(sock) == (200, b"ok")
            sock.sendall(post(body))
            assert read_response(sock) == digest(body)


def test_pipelined_requests_are_answered_in_order(server: Server):
    bodies = [str(number).encode() * 7_000 for number in range(20)]
    chunked = CHUNKED + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: t\r\n\r\n"
    with server.connect(b"".join(post(body) + HEALTH + chunked for body in bodies)) as sock:
        for body in bodies:
            assert read_response(sock) == digest(body)
            assert read_response(sock) == (200, b"ok")
            assert read_response(sock) == digest(b"hello world")


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_where_packets_end_does_not_matter(server: Server, size):
    sent = post(b"a\r\n\r\nb") + CHUNKED + b"3\r\n\r\n\r\r\n0\r\n\r\n" + HEALTH
    with server.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(sent), size):
            sock.sendall(sent[at : at + size])
        assert read_response(sock) == digest(b"a\r\n\r\nb")
        assert read_response(sock) == digest(b"\r\n\r")
        assert read_response(sock) == (200, b"ok")


def test_a_body_waits_for_100_continue_and_gets_it_once(server: Server):
    body = b"x" * 100
    with server.connect(post(body, "Expect: 100-continue").removesuffix(body)) as sock:
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert read_response(sock) == digest(body)


@pytest.mark.parametrize("size", [4 * 1024 * 1024, 100_000])
def test_a_body_as_long_as_allowed_arrives(server: Server, size):
    body = b"0123456789" * (size // 10)
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(body[at : at + 50_000]), body[at : at + 50_000])
        for at in range(0, len(body), 50_000)
    )
    for sent in (post(body), CHUNKED + chunks + b"0\r\n\r\n"):
        with server.connect(sent) as sock:
            assert read_response(sock) == digest(body)


def test_a_longer_body_is_refused_before_it_is_sent(server: Server):
    head = (
        b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4194305\r\nExpect: 100-continue\r\n\r\n"
    )
    with server.connect(head) as sock:
        answer = read_to_end(sock)
    assert answer.startswith(b"HTTP/1.1 413 ") and b"\r\nconnection: close\r\n" in answer.lower()


def test_a_longer_body_in_chunks_is_refused(server: Server):
    with server.connect(CHUNKED) as sock:
        sock.sendall(b"500000\r\n" + b"x" * 0x480000)
        assert read_to_end(sock).startswith(b"HTTP/1.1 413 ")


def test_endless_trailers_are_refused(server: Server):
    """They were searched from their beginning with every packet, in the loop that serves everybody."""
    with server.connect(CHUNKED + b"5\r\nhello\r\n0\r\n") as sock:
        sock.sendall(b"X-Sum: abc\r\n" * 2_000)
        assert read_to_end(sock).startswith(b"HTTP/1.1 413 ")


def test_clients_that_vanish_before_100_continue_end_nothing(server: Server):
    """The loop wrote to a connection that was reset, and the error ended the worker with all its calls."""
    head = post(b"abc", "Expect: 100-continue").removesuffix(b"abc")
    with server.connect(b"GET /events/under-way/2 HTTP/1.1\r\nHost: localhost\r\n\r\n") as running:
        assert b"200 OK" in read_until(running, b"data: 0\n\n")
        for _ in range(50):
            sock = server.connect(head)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with RST
            sock.close()
        server.check_health()
        server.open_gate("under-way-1")
        assert b"data: 1\n\n" in read_until(running, b"0\r\n\r\n"), "the call under way was cut off"
    server.check_health()


def test_a_body_that_nobody_read_is_no_request(server: Server):
    with server.connect(post(HEALTH).replace(b"/digest", b"/unread") + HEALTH) as sock:
        assert read_response(sock) == (200, b"the body was not read")
        assert read_response(sock) == (200, b"ok")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
        (b"NONSENSE\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /" + b"x" * 40_000, 414),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
        (post(b"abc", "Content-Length: 4"), 400),
        (post(b"abc", "Transfer-Encoding: chunked"), 400),
        (post(b"abc").replace(b"Length: 3", b"Length: three"), 400),
        (CHUNKED.replace(b"chunked", b"gzip") + b"abc", 400),
    ],
)
def test_what_is_no_request_is_refused_at_once_and_is_the_last(server: Server, sent, status):
    """The client waits for a minute and the server's deadlines are longer, so an answer is one at once."""
    with server.connect(sent) as sock:
        answer = read_to_end(sock)
    assert answer.startswith(b"HTTP/1.1 %d " % status) and answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("length", [b"+3", b"-3", b"0x3", b"3, 3", b"3;3", b"", b"9" * 30])
def test_a_length_that_can_be_read_in_two_ways_smuggles_nothing(server: Server, length):
    """Whatever the first is answered with, the bytes behind it are not a second request."""
    with server.connect(post(b"").replace(b"Length: 0", b"Length: " + length) + b"abc" + HEALTH) as sock:
        assert read_to_end(sock).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("size", [b"z", b"-1", b"+3", b"0x3", b"3_0", b"", b"F" * 20_000])
def test_a_chunk_without_a_proper_size_is_the_last_thing_heard(server: Server, size):
    with server.connect(CHUNKED + size + b"\r\nabc\r\n0\r\n\r\n" + HEALTH) as sock:
        assert b"\r\n\r\nok" not in read_to_end(sock)


@pytest.mark.parametrize(
    "body",
    [
        b"z\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcXX0\r\n\r\n",
        b"3;a\nb\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n",
        b"3\r\nabc\r\n0\r\nno field\r\n\r\n",
    ],
)
def test_chunks_that_are_malformed_are_the_clients_fault(server: Server, body):
    with server.connect(CHUNKED + body) as sock:
        assert read_to_end(sock).startswith(b"HTTP/1.1 400 ")
    assert "Traceback" not in server.log


def test_a_client_does_not_choose_what_the_path_is_relative_to(server: Server):
    with server.connect(b"GET /any/health HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /any\r\n\r\n") as sock:
        assert read_response(sock)[0] == 404


def test_a_client_that_closes_its_half_gets_its_response(server: Server):
    with server.connect(post(b"abc")) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert read_response(sock) == digest(b"abc")


def test_events_arrive_when_they_happen(server: Server):
    """Each happens only when the one before it has arrived."""
    with server.connect(b"GET /events/steps/4 HTTP/1.1\r\nHost: localhost\r\n\r\n") as sock:
        for number in range(4):
            read_until(sock, b"data: %d\n\n" % number)
            server.open_gate(f"steps-{number + 1}")
        read_until(sock, b"0\r\n\r\n")


def test_files_and_long_responses_arrive_whole(server: Server):
    with server.connect(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n") as sock:
        assert read_response(sock)[1].startswith(b'"""A small application')
        sock.sendall(b"GET /bytes/20000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_response(sock) == (200, b"x" * 20_000_000)


def test_a_response_to_close_does_not_wait_for_the_client(server: Server):
    """Nor for the five minutes that the server would linger."""
    with server.connect(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as sock:
        assert b"\r\n\r\nok" in read_to_end(sock)
