"""Clients that send or read slowly, or not at all, hold nobody up.

Whoever would be held up here is so for five minutes, and whoever is not has a minute to be answered. Where a
deadline itself is tested, the server has short ones; the last test has the product's own.
"""

import contextlib
import hashlib
import threading
import time
from pathlib import Path

import pytest

from app.http_waiting import _SECONDS, Stage
from tests.deploy.http_server import Server, read_response, read_to_end, run_server
from tests.support.waiting import PROMPTLY_SECONDS, until

pytestmark = pytest.mark.slow
HALF_HEAD = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Le"
HALF_BODY = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc"
HALF_CHUNK = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"
WAITS_TO_CONTINUE = (
    b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
)
BODY_NOBODY_WANTS = b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nabc"
STAYS_OPEN = b"GET /health HTTP/1.0\r\n\r\n"
DOES_NOT_READ_MANY = b"GET /bytes/200000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
UPLOAD = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
HEAD_SECONDS, BODY_SECONDS = 0.5, 1


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def quick_server(tmp_path_factory):
    """One with short deadlines."""
    with run_server(
        tmp_path_factory.mktemp("quick"),
        HEAD_SECONDS=str(HEAD_SECONDS),
        BODY_SECONDS=str(BODY_SECONDS),
        FLUSH_SECONDS="1",
        KEEPALIVE_SECONDS="1",
    ) as running:
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
        server.check_health()
        with server.connect(UPLOAD) as sock:
            assert read_response(sock)[0] == 200


@pytest.mark.parametrize(
    ("sent", "seconds"), [(HALF_HEAD, HEAD_SECONDS), (HALF_BODY, BODY_SECONDS), (HALF_CHUNK, BODY_SECONDS)]
)
def test_half_a_request_gets_a_deadline_and_an_answer(quick_server: Server, sent, seconds):
    started = time.monotonic()
    with quick_server.connect(sent) as sock:
        assert read_to_end(sock).startswith(b"HTTP/1.1 408 ")
    assert seconds - 0.1 < time.monotonic() - started < seconds + PROMPTLY_SECONDS


@pytest.mark.parametrize(
    "sent", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["new", "kept-alive"]
)
def test_an_idle_connection_is_closed_without_a_word(quick_server: Server, sent):
    with quick_server.connect(sent) as sock:
        if sent:
            assert read_response(sock) == (200, b"ok")
        assert read_to_end(sock) == b""


@pytest.mark.parametrize(
    ("start", "byte", "seconds"),
    [(b"GET / HTTP/1.1\r\nX: ", b"x", HEAD_SECONDS), (HALF_BODY, b"x", BODY_SECONDS)],
)
def test_a_byte_now_and_then_does_not_extend_the_deadline(quick_server: Server, start, byte, seconds):
    started = time.monotonic()
    with quick_server.connect(start) as sock:
        sock.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() - started < seconds + PROMPTLY_SECONDS:
            with contextlib.suppress(OSError):  # it may close while we send
                sock.sendall(byte)
            with contextlib.suppress(TimeoutError):
                answer = sock.recv(1000)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_an_upload_may_take_as_long_as_a_body_may(tmp_path):
    """Longer than a head."""
    body = b"0123456789abcdef" * 262_144  # 4 MiB
    head = f"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    with (
        run_server(tmp_path, HEAD_SECONDS="0.5") as server,
        server.connect(head.encode() + body[:1_000]) as sock,
        server.connect(HALF_HEAD) as later,
    ):
        assert read_to_end(later).startswith(b"HTTP/1.1 408 ")
        sock.sendall(body[1_000:])
        assert read_response(sock) == (200, f"4194304 {hashlib.sha256(body).hexdigest()}".encode())


def test_who_reads_slowly_gets_everything_and_holds_no_thread(server: Server):
    """Sixteen such, with eight threads: what they have not read waits outside."""
    with contextlib.ExitStack() as stack:
        readers = [
            stack.enter_context(
                server.connect(b"GET /bytes/200000 HTTP/1.1\r\nHost: localhost\r\n\r\n", receive_buffer=4096)
            )
            for _ in range(16)
        ]
        server.check_health()
        with server.connect(UPLOAD) as sock:
            assert read_response(sock)[0] == 200
        assert [len(read_response(sock)[1]) for sock in readers] == [200_000] * 16


def test_a_response_longer_than_what_is_kept_for_a_slow_reader_arrives_too(server: Server):
    """Its thread waits, and /health does not need that."""
    call = b"GET /bytes/3000000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(server.connect(call, receive_buffer=4096)) for _ in range(3)]
        assert all(sock.recv(1) == b"H" for sock in readers)
        server.check_health()
        assert [len(read_response(sock)[1]) for sock in readers] == [3_000_000] * 3


def is_open_at_the_server(server: Server, sock) -> bool:
    """Whether the server has not closed this connection, which a client that does not read cannot know."""
    local, remote = (f":{port:04X}" for port in (server.port, sock.getsockname()[1]))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(local) and row[2].endswith(remote) and row[3] == "01" for row in rows)


def test_who_never_reads_is_closed(server: Server, quick_server: Server):
    with server.connect(DOES_NOT_READ_MANY, receive_buffer=4096) as sock:
        assert is_open_at_the_server(server, sock), "its deadline is five minutes away"
    with quick_server.connect(DOES_NOT_READ_MANY, receive_buffer=4096) as sock:
        until(lambda: not is_open_at_the_server(quick_server, sock))
        assert len(read_to_end(sock)) < 100 * 200_000


def test_more_connections_than_a_process_may_have_close_those_that_wait(tmp_path):
    with run_server(tmp_path, "--worker-connections", "60") as server, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(server.connect(HALF_HEAD)) for _ in range(200)]
        for _ in range(10):
            server.check_health()
        assert read_to_end(idle[0]) == b""


def test_health_answers_while_every_thread_works(server: Server):
    call = b"GET /held/every-thread HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as stack:
        calls = [stack.enter_context(server.connect(call)) for _ in range(16)]
        until(lambda: server.log.count("held at every-thread") == 8)
        server.check_health()
        server.open_gate("every-thread")
        assert {read_response(sock) for sock in calls} == {(200, b"let go")}


def test_unfinished_bodies_take_bounded_memory(server: Server):
    """Eight halves of a megabyte are more than a process collects here: the oldest make room."""
    part = b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000010\r\n\r\n" + b"x" * 1_000_000
    with contextlib.ExitStack() as stack:
        halves = [stack.enter_context(server.connect()) for _ in range(8)]
        for sock in halves:
            with contextlib.suppress(OSError):
                sock.sendall(part)
        # Finished before the server has read them, they would never be unfinished together.
        until(lambda: not all(is_open_at_the_server(server, sock) for sock in halves))
        ended = []
        for sock in halves:
            with contextlib.suppress(OSError, AssertionError):
                sock.sendall(b"x" * 10)
                ended.append(read_response(sock)[0])
        assert ended.count(200) >= 4 and len(ended) < 8


def test_the_product_survives_hundreds_of_half_requests(product):
    """With its own deadlines: 10 seconds for a head, 30 for a body."""
    assert (_SECONDS[Stage.HEAD], _SECONDS[Stage.BODY]) == (10, 30)
    server = Server(int(product.url.rsplit(":", 1)[1]), product.process, product.instance)
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        heads = [stack.enter_context(server.connect(HALF_HEAD)) for _ in range(300)]
        for _ in range(300):
            stack.enter_context(server.connect(HALF_BODY.replace(b"/digest", b"/mcp")))
        closed = threading.Event()
        watcher = threading.Thread(target=lambda: (read_to_end(heads[-1]), closed.set()))
        watcher.start()
        while not closed.wait(0.5):
            began = time.monotonic()
            server.check_health()
            assert time.monotonic() - began < 8, "it answers before those that hold it up are closed"
        assert 9.9 < time.monotonic() - started < 25, "the deadline of a head, not of a body"
        watcher.join()
