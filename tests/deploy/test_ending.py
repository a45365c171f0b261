"""How the web server ends: with its master, and without one."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.deploy.http_server import Server, read_head_and_body, read_response, read_to_end, run_server
from tests.support.waiting import AT_MOST_SECONDS, until

pytestmark = pytest.mark.slow


def children(process) -> list[int]:
    pid = process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


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


def running_call(server: Server) -> socket.socket:
    """It is answered once the gate "call" is open."""
    call = server.connect(b"GET /held/call HTTP/1.1\r\nHost: localhost\r\n\r\n")
    until(lambda: "held at call" in server.log)
    return call


def workers_of(server: Server) -> list[int]:
    until(lambda: len(children(server.process)) == 2)  # they start one after the other
    return children(server.process)


def kill_the_master(server: Server) -> None:
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()


def test_workers_end_when_their_master_is_killed(tmp_path):
    """Idle connections, half a request and an endless stream do not keep them."""
    with run_server(tmp_path, "--workers", "2", ORPHAN_SECONDS="1") as server:
        workers = workers_of(server)
        idle, half = server.connect(), server.connect(b"GET / HTTP/1.1\r\n")
        stream = server.connect(b"GET /events/never/900 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert stream.recv(100)
        kill_the_master(server)
        until(lambda: all(map(ended, workers)))
        assert is_free(server.port)
        for sock in (idle, half, stream):
            sock.close()


def test_the_port_of_a_killed_master_is_free_while_calls_go_on(tmp_path):
    with run_server(tmp_path, "--workers", "2") as server:
        workers_of(server)
        call = running_call(server)
        kill_the_master(server)
        until(lambda: is_free(server.port))
        server.open_gate("call")
        assert read_response(call) == (200, b"let go"), "calls under way get a few seconds"
        call.close()


def test_a_stopping_server_finishes_its_calls_and_frees_the_port(tmp_path):
    with run_server(tmp_path, LINGER_SECONDS="1") as server:
        call = running_call(server)
        slow_upload = server.connect(
            b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na"
        )
        idle = server.connect(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_response(idle) == (200, b"ok")
        os.kill(server.process.pid, signal.SIGTERM)
        until(lambda: is_free(server.port))
        slow_upload.sendall(b"bc")
        assert read_response(slow_upload)[0] == 200
        server.open_gate("call")
        assert read_response(call) == (200, b"let go")
        assert read_to_end(idle) == b""
        assert server.process.wait(AT_MOST_SECONDS) == 0
        for sock in (call, slow_upload, idle):
            sock.close()


def test_a_worker_that_is_replaced_drops_no_call(tmp_path):
    """Each worker ends after a few requests; clients see an announced close only."""
    announced = 0
    with run_server(tmp_path, "--max-requests", "20", "--workers", "2") as server:
        sock = server.connect()
        for _ in range(60):
            sock.sendall(b"POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
            head, _body = read_head_and_body(sock)
            assert b" 200 " in head
            if b"connection: close" in head.lower():
                announced += 1
                sock.close()
                sock = server.connect()
        sock.close()
    assert announced
