"""Real gunicorn processes: two workers, no affinity."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from tests.support.databases import ROOT


def listen() -> socket.socket:
    """A listening socket on a port of its own. The server inherits it, so nobody can take the port in
    between.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.set_inheritable(True)
    return listener


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


@contextlib.contextmanager
def run_gunicorn(
    target: str,
    listener: socket.socket,
    log: Path,
    environ: dict[str, str],
    *,
    workers: int = 2,
    threads: int = 8,
) -> Iterator[str]:
    """Serve `target` (a module and a call) until the block ends. Gives the address."""
    port = port_of(listener)
    inherited = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}
    }
    command = [sys.executable, "-m", "gunicorn", target, "-b", f"fd://{listener.fileno()}"]
    command += [
        "-w",
        str(workers),
        "--threads",
        str(threads),
        "-k",
        "app.http_worker.DeadlineWorker",
        "--no-control-socket",
        "--graceful-timeout",
        "2",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=inherited | environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
        )
        listener.close()  # the server's alone now: when it ends, so does the port
        try:
            _wait(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/mcp", timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"gunicorn did not start:\n{log.read_text(errors='replace')[-3000:]}")


def create_app() -> Flask:
    """The product with Acme in its catalogue."""
    from app import config, factory
    from tests.support import acme
    from tests.support.catalogue import install

    install(acme.CONNECTOR)
    return factory.create_app(config.load(os.environ))
