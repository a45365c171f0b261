"""How the web server ends: with its master, and without one."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.deploy.http_server import read_response, read_to_end, run_server

pytestmark = pytest.mark.slow


def children(process) -> list[int]:
    pid = process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def seconds_until(condition, at_most: float) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < at_most
        time.sleep(0.05)
    return time.monotonic() - started


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_workers_end_when_their_master_is_killed(tmp_path):
    """Idle connections, half a request and a stream of minutes do not keep the port."""
    with run_server(tmp_path, "--workers", "2") as server:
        seconds_until(lambda: len(children(server.process)) == 2, at_most=15)  # one after the other
        workers = children(server.process)
        idle, half = server.connect(), server.connect(b"GET / HTTP/1.1\r\n")
        stream = server.connect(b"GET /events/900 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert stream.recv(100)
        call = server.connect(b"GET /sleep/1.5 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        seconds_until(lambda: "asleep" in server.log, at_most=15)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(5)
        seconds_until(lambda: is_free(server.port), at_most=5)
        assert read_response(call) == (200, b"slept"), "calls under way get a few seconds"
        seconds_until(lambda: all(map(ended, workers)), at_most=15)
        for sock in (idle, half, stream):
            sock.close()


def test_a_stopping_server_finishes_its_calls_and_frees_the_port(tmp_path):
    with run_server(tmp_path) as server:
        call = server.connect(b"GET /sleep/1.5 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        slow_upload = server.connect(
            b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na"
        )
        idle = server.connect(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_response(idle) == (200, b"ok")
        seconds_until(lambda: "asleep" in server.log, at_most=15)
        os.kill(server.process.pid, signal.SIGTERM)
        seconds_until(lambda: is_free(server.port), at_most=2)
        slow_upload.sendall(b"bc")
        assert read_response(slow_upload)[0] == 200
        assert read_response(call) == (200, b"slept")
        assert read_to_end(idle) == b""
        assert server.process.wait(8) == 0


def test_a_worker_that_is_replaced_drops_no_call(tmp_path):
    """Each worker ends after a few requests; clients see an announced close only."""
    with run_server(tmp_path, "--max-requests", "20", "--workers", "2") as server:
        sock = server.connect()
        for _ in range(60):
            sock.sendall(b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
            head = b""
            while b"\r\n\r\n" not in head:
                piece = sock.recv(1)
                assert piece, "closed without an answer"
                head += piece
            sock.recv(1000)
            if b"connection: close" in head.lower():
                sock.close()
                sock = server.connect()
        sock.close()
