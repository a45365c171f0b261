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
from tests.support.waiting import AT_MOST_SECONDS


@dataclass
class Server:
    port: int
    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")

    def open_gate(self, name: str) -> None:
        """Let what waits at that gate of tests/deploy/plain.py go on."""
        (self.folder / name).touch()

    def connect(self, data: bytes = b"", *, receive_buffer: int | None = None) -> socket.socket:
        """A connection that has sent these bytes."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(AT_MOST_SECONDS)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(data)
        return sock

    def check_health(self) -> None:
        """Somebody new gets an answer of /health."""
        with self.connect(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") as sock:
            assert b" 200 " in sock.recv(65_536)


@contextlib.contextmanager
def run_server(
    folder: Path, *options: str, target: str = "tests.deploy.plain:app", **deadlines: str
) -> Iterator[Server]:
    """Serve `target`. `deadlines` are those of tests/deploy/deadlines.py, such as `HEAD_SECONDS="1"`."""
    listener = listen()
    server = Server(port_of(listener), _start(listener, target, folder, options, deadlines), folder)
    listener.close()  # the server's alone: when it ends, so does the port
    try:
        end = time.monotonic() + AT_MOST_SECONDS
        while True:
            assert server.process.poll() is None and time.monotonic() < end, server.log
            with contextlib.suppress(OSError, AssertionError):
                server.check_health()
                break
            time.sleep(0.05)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()


def _start(
    listener: socket.socket, target: str, folder: Path, options: tuple[str, ...], deadlines: dict[str, str]
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "gunicorn", target, "-c", "tests/deploy/deadlines.py"]
    command += ["-b", f"fd://{listener.fileno()}", "--threads", "8", *options]
    inherited = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}
    }
    with (folder / "log.txt").open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=inherited | {"GATES": str(folder)} | deadlines,
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


def read_until(sock: socket.socket, end: bytes) -> bytes:
    """Everything up to these bytes, and no byte more."""
    received = b""
    while not received.endswith(end):
        data = sock.recv(1)
        assert data, received
        received += data
    return received


def read_response(sock: socket.socket) -> tuple[int, bytes]:
    """One response with a Content-Length, and no byte more: its status and its body."""
    head, body = read_head_and_body(sock)
    return int(head.split(b" ")[1]), body


def read_head_and_body(sock: socket.socket) -> tuple[bytes, bytes]:
    """One response with a Content-Length, and no byte more."""
    head = read_until(sock, b"\r\n\r\n")
    left = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    body = b""
    while len(body) < left:
        data = sock.recv(left - len(body))
        assert data, body
        body += data
    return head, body
