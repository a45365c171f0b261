"""Clients that send or read slowly, or not at all, hold nobody up. Deadlines here are those of
tests/deploy/quick_deadlines.py; the last test has the product's own.
"""

import contextlib
import hashlib
import threading
import time

import pytest

from app.http_waiting import _SECONDS, Stage
from tests.deploy.http_server import Server, read_response, read_to_end, run_server

pytestmark = pytest.mark.slow
HALF_HEAD = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Le"
HALF_BODY = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc"
HALF_CHUNK = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"
WAITS_TO_CONTINUE = (
    b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
)
BODY_NOBODY_WANTS = b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nabc"
STAYS_OPEN = b"GET /health HTTP/1.0\r\n\r\n"
DOES_NOT_READ = b"GET /bytes/3000000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
DOES_NOT_READ_MANY = b"GET /bytes/200000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100


def assert_prompt(seconds):
    """Answers come within a second. A busy machine may make one late; a held-up server makes all late."""
    ordered = sorted(seconds)
    assert ordered[len(ordered) // 2] < 1 and ordered[-1] < 4


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"P",
        HALF_HEAD,
        HALF_BODY,
        HALF_CHUNK,
        WAITS_TO_CONTINUE,
        BODY_NOBODY_WANTS,
        STAYS_OPEN,
        DOES_NOT_READ_MANY,
    ],
    ids=[
        "nothing",
        "a-byte",
        "half-a-head",
        "half-a-body",
        "half-a-chunk",
        "waits-to-continue",
        "body-nobody-wants",
        "stays-open",
        "does-not-read",
    ],
)
def test_three_hundred_slow_clients_hold_nobody_up(server: Server, sent):
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(server.connect(sent, receive_buffer=4096))
        assert_prompt(server.health_seconds() for _ in range(10))
        with server.connect(
            b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
        ) as sock:
            assert read_response(sock)[0] == 200


@pytest.mark.parametrize(("sent", "seconds"), [(HALF_HEAD, 1), (HALF_BODY, 2.5), (HALF_CHUNK, 2.5)])
def test_half_a_request_gets_a_deadline_and_an_answer(server: Server, sent, seconds):
    started = time.monotonic()
    with server.connect(sent) as sock:
        assert read_to_end(sock).startswith(b"HTTP/1.1 408 ")
    assert seconds - 0.1 < time.monotonic() - started < seconds + 3


@pytest.mark.parametrize(
    "sent", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["new", "kept-alive"]
)
def test_an_idle_connection_is_closed_without_a_word(server: Server, sent):
    with server.connect(sent) as sock:
        if sent:
            assert read_response(sock) == (200, b"ok")
        assert read_to_end(sock) == b""


@pytest.mark.parametrize(
    ("start", "byte", "seconds"), [(b"GET / HTTP/1.1\r\nX: ", b"x", 1), (HALF_BODY, b"x", 2.5)]
)
def test_a_byte_now_and_then_does_not_extend_the_deadline(server: Server, start, byte, seconds):
    started = time.monotonic()
    with server.connect(start) as sock:
        sock.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() - started < seconds + 5:
            with contextlib.suppress(TimeoutError):
                sock.sendall(byte)
                answer = sock.recv(1000)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - started < seconds + 3


def test_an_upload_may_take_as_long_as_a_body_may(server: Server):
    body = b"0123456789abcdef" * 262_144  # 4 MiB
    head = f"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    with server.connect(head.encode()) as sock:
        for part in range(16):
            sock.sendall(body[part * 262_144 : (part + 1) * 262_144])
            time.sleep(0.1)
        assert read_response(sock) == (200, f"4194304 {hashlib.sha256(body).hexdigest()}".encode())


def test_who_reads_slowly_gets_everything_and_holds_no_thread(server: Server):
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(server.connect(DOES_NOT_READ, receive_buffer=4096)) for _ in range(3)]
        time.sleep(0.5)
        assert server.health_seconds() < 1
        assert [len(read_response(sock)[1]) for sock in readers] == [3_000_000] * 3


def test_who_never_reads_is_closed(server: Server):
    with server.connect(DOES_NOT_READ_MANY, receive_buffer=4096) as sock:
        time.sleep(3)
        assert len(read_to_end(sock)) < 100 * 200_000


def test_more_connections_than_a_process_may_have_close_those_that_wait(tmp_path):
    with run_server(tmp_path, "--worker-connections", "60") as server, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(server.connect(HALF_HEAD)) for _ in range(200)]
        assert_prompt(server.health_seconds() for _ in range(10))
        assert read_to_end(idle[0]) == b""


def test_health_answers_while_every_thread_works(server: Server):
    call = b"GET /sleep/1.2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as stack:
        calls = [stack.enter_context(server.connect(call)) for _ in range(16)]
        assert server.health_seconds() < 1
        assert {read_response(sock) for sock in calls} == {(200, b"slept")}


def test_unfinished_bodies_take_bounded_memory(server: Server):
    """Eight halves of a megabyte are more than a process collects here: the oldest make room."""
    part = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000010\r\n\r\n" + b"x" * 1_000_000
    with contextlib.ExitStack() as stack:
        halves = [stack.enter_context(server.connect()) for _ in range(8)]
        for sock in halves:
            with contextlib.suppress(OSError):
                sock.sendall(part)
        ended = []
        for sock in halves:
            with contextlib.suppress(OSError, AssertionError):
                sock.sendall(b"x" * 10)
                ended.append(read_response(sock)[0])
        assert ended.count(200) >= 4 and len(ended) < 8


def test_the_product_survives_hundreds_of_half_requests(product):
    """With its own deadlines: 10 seconds for a head, 30 for a body."""
    assert (_SECONDS[Stage.HEAD], _SECONDS[Stage.BODY]) == (10, 30)
    server = Server(int(product.url.rsplit(":", 1)[1]), product.process, product.instance / "log.txt")
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        heads = [stack.enter_context(server.connect(HALF_HEAD)) for _ in range(300)]
        for _ in range(300):
            stack.enter_context(server.connect(HALF_BODY.replace(b"/digest", b"/mcp")))
        waited = []
        closed = threading.Event()
        watcher = threading.Thread(target=lambda: (read_to_end(heads[-1]), closed.set()))
        watcher.start()
        while not closed.wait(0.5):
            waited.append(server.health_seconds())
        assert_prompt(waited)
        assert 9.9 < time.monotonic() - started < 14
        watcher.join()
