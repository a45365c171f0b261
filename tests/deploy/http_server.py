"""The web server alone, on a free port, and sockets that speak to it byte by byte."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mcp_server.live import listen, port_of
from tests.support.databases import ROOT


@dataclass
class Server:
    port: int
    process: "subprocess.Popen[bytes]"
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def connect(self, data: bytes = b"", *, receive_buffer: int | None = None) -> socket.socket:
        """A connection that has sent these bytes."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(15)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(data)
        return sock

    def health_seconds(self) -> float:
        """How long somebody new waits for /health."""
        started = time.monotonic()
        with self.connect(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") as sock:
            assert b" 200 " in sock.recv(65_536)
        return time.monotonic() - started


@contextlib.contextmanager
def run_server(folder: Path, *options: str, target: str = "tests.deploy.plain:app") -> Iterator[Server]:
    listener = listen()
    server = Server(
        port_of(listener), _start(listener, target, folder / "log.txt", options), folder / "log.txt"
    )
    listener.close()  # the server's alone: when it ends, so does the port
    try:
        end = time.monotonic() + 60
        while True:
            assert server.process.poll() is None and time.monotonic() < end, server.log
            with contextlib.suppress(OSError, AssertionError):
                server.health_seconds()
                break
            time.sleep(0.05)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(5)


def _start(
    listener: socket.socket, target: str, log: Path, options: tuple[str, ...]
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "gunicorn", target, "-c", "tests/deploy/quick_deadlines.py"]
    command += ["-b", f"fd://{listener.fileno()}", "--threads", "8", *options]
    environ = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )


def read_to_end(sock: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := sock.recv(1_048_576):
            received += data
    return received


def read_response(sock: socket.socket) -> tuple[int, bytes]:
    """One response with a Content-Length, and no byte more: its status and its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = sock.recv(1)
        assert data, received
        received += data
    head = received.lower()
    left = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    body = b""
    while len(body) < left:
        data = sock.recv(left - len(body))
        assert data, body
        body += data
    return int(received.split(b" ")[1]), body
