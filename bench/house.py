"""The servers of a benchmark: started on free ports, seeded, stopped together."""

import base64
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app import startup
from app.child_processes import end_with_parent
from bench import messages

ROOT = Path(__file__).resolve().parents[1]
WORKERS, THREADS = 2, 32
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


_held: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody else gets while this process lives: a socket that does not listen holds it. Servers
    set SO_REUSEADDR, so they can listen there.
    """
    held = socket.socket()
    _held.append(held)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return int(held.getsockname()[1])


def wait_for(port: int, path: str, seconds: float = 300, *, every: float = 0.1) -> None:
    """Returns once the server has answered that path. Raises SystemExit if it did not within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(every)
    raise SystemExit(f"the server for {path} did not start")


@contextlib.contextmanager
def process(command: list[str], environ: dict[str, str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that ends with the block, or with us."""
    child = subprocess.Popen(command, cwd=ROOT, env=environ, preexec_fn=end_with_parent(), **options)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()


def gunicorn(app: str, port: int, threads: int = THREADS) -> list[str]:
    return [
        sys.executable,
        "-m",
        "gunicorn",
        app,
        "-c",
        "gunicorn.conf.py",
        "-b",
        f"127.0.0.1:{port}",
        "-w",
        str(WORKERS),
        "--threads",
        str(threads),
    ]


@contextlib.contextmanager
def bare_flask(answer_bytes: int) -> Iterator[tuple[int, int]]:
    """Port and process of the bare route, whose answers have a body of so many bytes."""
    port = free_port()
    environ = {**os.environ, "BENCH_ANSWER_BYTES": str(answer_bytes), startup.ANNOUNCED: "1"}
    with process(gunicorn("bench.yardsticks:bare", port), environ) as web:
        wait_for(port, "/")
        yield port, web.pid


@contextlib.contextmanager
def sdk_server(answer_bytes: int = 0) -> Iterator[tuple[int, int]]:
    """Port and process of the SDK's server. A tool's text is twice in its answer, so the body may be a byte
    short of `answer_bytes`.
    """
    text_bytes = 0
    if answer_bytes:
        with _sdk_server(workers=1) as (port, _):
            text_bytes = (answer_bytes - len(messages.once(port, messages.call("ping", {}, port, None)))) // 2
    with _sdk_server(WORKERS, text_bytes) as found:
        yield found


@contextlib.contextmanager
def _sdk_server(workers: int, text_bytes: int = 0) -> Iterator[tuple[int, int]]:
    port = free_port()
    environ = {**os.environ, "BENCH_TEXT_BYTES": str(text_bytes)}
    with process([sys.executable, "-m", "bench.yardsticks", str(port), str(workers)], environ) as web:
        wait_for(port, "/")
        yield port, web.pid


@contextlib.contextmanager
def databases(kind: str) -> Iterator[str]:
    """The URL of an empty database of that kind, removed afterwards."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="patchbay-bench-") as folder:
            yield f"sqlite:///{folder}/bench.db"
        return
    import psycopg

    name = f"patchbay_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield POSTGRES.rsplit("/", 1)[0] + "/" + name
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def product_environ(port: int, database_url: str, sandbox_port: int) -> dict[str, str]:
    return {
        **{k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}},
        "ENV": "test",
        "PORT": str(port),
        "INSTANCE_DIR": tempfile.mkdtemp(prefix="patchbay-bench-instance-"),
        "DATABASE_URL": database_url,
        "SECRET_KEY": base64.b64encode(os.urandom(36)).decode(),
        "VAULT_KEYS": "b1:" + base64.b64encode(os.urandom(32)).decode(),
        "SANDBOX_URL": f"http://localhost:{sandbox_port}",
        "WEB_THREADS": str(THREADS),
        "LOG_LEVEL": "WARNING",
        startup.ANNOUNCED: "1",
    }
