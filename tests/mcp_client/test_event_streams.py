"""Event streams are read as they arrive, wherever the borders of their chunks are."""

import gzip
import json
import socket
import threading
import time

import pytest

from app import outbound
from app.outbound import OutboundError, OutboundStopped, OutboundTimeout, ResponseTooLarge
from app.outbound.event_stream import EventDecoder
from tests.support.waiting import AT_MOST_SECONDS, PROMPTLY_SECONDS

STREAMS = {
    "plain": (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "CR": (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    "several lines": (b"data: a\ndata:\ndata: b\n\n", ["a\n\nb"]),
    "without a space": (b"data:a\ndata:  b\n\n", ["a\n b"]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "comments": (b": ping\n\n: ping\ndata: a\n: more\n\n", ["a"]),
    "ids and retries": (b"id: 7\nretry: 100\ndata: a\n\nid: 8\n\n", ["a"]),
    "other types": (b"event: endpoint\ndata: /x\n\nevent: message\ndata: a\n\n", ["a"]),
    "type is per event": (b"event: ping\ndata: x\n\ndata: a\n\n", ["a"]),
    "letters of several bytes": ("data: Zürich → \U0001f9fe\n\n".encode(), ["Zürich → \U0001f9fe"]),
    "not UTF-8": (b"data: \xff\xfe\n\n", ["\ufffd\ufffd"]),
    "line separators are text": ("data: a\u2028b\x85c\n\n".encode(), ["a\u2028b\x85c"]),
    "not ended": (b"data: a\n\ndata: b\n", ["a"]),
    "empty data": (b"data\n\ndata:\n\n", ["", ""]),
    "nothing": (b"\n\n\n", []),
}


@pytest.mark.parametrize(("stream", "events"), STREAMS.values(), ids=STREAMS.keys())
def test_the_same_events_however_the_stream_is_cut(stream, events):
    for size in (1, 2, 3, 5, len(stream)):
        decoder = EventDecoder()
        chunks = [stream[n : n + size] for n in range(0, len(stream), size)]
        assert [event for chunk in chunks for event in decoder.feed(chunk)] == events, size


def test_a_giant_event_byte_by_byte_takes_time_only_once():
    decoder, started = EventDecoder(), time.monotonic()
    found = [event for _ in range(300_000) for event in decoder.feed(b"x")]
    found += decoder.feed(b"\n\n")
    assert found == [] and time.monotonic() - started < PROMPTLY_SECONDS


class Streaming:
    """A server that sends one answer by hand: the head, then what `send` gives, until the test is over."""

    def __init__(self, send, *, headers=b"", chunked=True, at_once=False):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._send, self._chunked, self._at_once = send, chunked, at_once
        kind = b"Transfer-Encoding: chunked\r\n" if chunked else b"Connection: close\r\n"
        self._head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + kind + headers + b"\r\n"
        self.connections = 0
        self.hung_up = threading.Event()
        self.over = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            while connection.recv(65536):
                if self._at_once:  # the end is there as soon as the last event
                    pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in self._send(self))
                    connection.sendall(self._head + pieces + b"0\r\n\r\n")
                    continue
                connection.sendall(self._head)
                for piece in self._send(self):
                    data = b"%x\r\n%s\r\n" % (len(piece), piece) if self._chunked else piece
                    connection.sendall(data)
                if not self._chunked:
                    return connection.close()
                connection.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        self.hung_up.set()

    def close(self):
        self.over.set()
        self._listener.close()


@pytest.fixture
def streaming():
    made = []

    def _streaming(send, **options):
        made.append(server := Streaming(send, **options))
        return server

    yield _streaming
    for server in made:
        server.close()


def read(server, is_last=lambda data: data == "last", **options):
    events = []

    def on_event(data):
        events.append(data)
        return is_last(data)

    response = outbound.send("POST", server.url, json={}, on_event=on_event, **options)
    return events, response


@pytest.mark.parametrize("chunked", [True, False])
def test_an_event_is_passed_on_before_the_stream_ends_and_nothing_is_read_after_the_last(streaming, chunked):
    def send(server):
        yield b"data: first\n\n"
        yield b"data: last\n\ndata: after\n\n"
        server.over.wait(AT_MOST_SECONDS)  # it stays open

    events, response = read(streaming(send, chunked=chunked))
    assert events == ["first", "last"]
    assert response.status == 200 and response.content == b""


def test_a_connection_whose_stream_has_ended_serves_the_next_request(streaming):
    server = streaming(lambda server: iter([b"data: last\n\n"]), at_once=True)
    for _ in range(3):
        read(server)
    assert server.connections == 1


def test_a_packed_stream_is_unpacked_as_it_arrives(streaming):
    packed = gzip.compress(b"data: first\n\ndata: last\n\n")
    pieces = [packed[n : n + 7] for n in range(0, len(packed), 7)]
    server = streaming(lambda server: iter(pieces), headers=b"Content-Encoding: gzip\r\n")
    assert read(server)[0] == ["first", "last"]


def test_the_size_limit_counts_what_was_unpacked(streaming):
    packed = gzip.compress(b"data: " + b"x" * 50_000_000 + b"\n\n")
    server = streaming(lambda server: iter([packed]), headers=b"Content-Encoding: gzip\r\n")
    with pytest.raises(ResponseTooLarge):
        read(server, max_bytes=1_000_000)


def test_small_events_without_end_meet_the_size_limit(streaming):
    def send(server):
        while not server.over.is_set():
            yield b"data: more\n\n" * 1000

    with pytest.raises(ResponseTooLarge):
        read(streaming(send), max_bytes=100_000)


def test_a_byte_now_and_then_meets_the_deadline(streaming):
    def send(server):
        while not server.over.wait(0.02):
            yield b":"

    started = time.monotonic()
    with pytest.raises(OutboundTimeout) as caught:
        read(streaming(send), seconds=0.3)
    assert caught.value.sent and time.monotonic() - started < PROMPTLY_SECONDS


@pytest.mark.parametrize("chunked", [True, False])
def test_a_stream_that_ends_without_the_answer_may_have_arrived(streaming, chunked):
    with pytest.raises(OutboundError) as caught:
        read(streaming(lambda server: iter([b"data: first\n\n"]), chunked=chunked))
    assert caught.value.sent


def test_a_caller_that_has_gone_ends_it_and_the_server_sees_that(streaming):
    def send(server):
        yield b"data: first\n\n"
        while not server.over.wait(0.05):
            yield b": still here\n\n"

    server, gone = streaming(send), threading.Event()
    started = time.monotonic()
    with pytest.raises(OutboundStopped):
        read(server, is_last=lambda data: gone.set(), stop=gone.is_set)
    assert time.monotonic() - started < PROMPTLY_SECONDS
    assert server.hung_up.wait(PROMPTLY_SECONDS)


def test_another_request_is_sent_while_a_stream_is_read(streaming):
    """As a question of a server is answered."""
    inner = streaming(lambda server: iter([b"data: last\n\n"]))
    outer = streaming(lambda server: iter([b"data: ask\n\n", b"data: last\n\n"]))
    answers = []

    def is_last(data):
        if data == "ask":
            answers.append(read(inner)[0])
        return data == "last"

    assert read(outer, is_last)[0] == ["ask", "last"]
    assert answers == [["last"]]


def test_what_the_caller_raises_comes_through_and_the_connection_is_closed(streaming):
    server = streaming(lambda server: iter([b"data: first\n\n", b"data: last\n\n"]))

    def fail(data):
        raise KeyError(data)

    with pytest.raises(KeyError):
        read(server, fail)
    read(server)
    assert server.connections == 2


def test_an_answer_that_is_no_stream_is_read_whole(streaming):
    body = json.dumps({"a": 1}).encode()
    server = streaming(lambda server: iter([body]))
    server._head = server._head.replace(b"text/event-stream", b"application/json")
    events, response = read(server)
    assert events == [] and response.json() == {"a": 1}
