"""The whole product as its users run it: `python -m app.serve` on free ports, in a folder of its own."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.databases import ROOT
from tests.support.keys import SECRET_KEY, VAULT_KEY


@dataclass
class Product:
    """A running installation. `url` is its public address, `sandbox_url` the imitated services'."""

    url: str
    sandbox_url: str
    instance: Path
    process: "subprocess.Popen[bytes]"
    environ: dict[str, str]

    @property
    def mcp_url(self) -> str:
        return self.url + "/mcp"

    @property
    def log(self) -> str:
        return (self.instance / "log.txt").read_text(errors="replace")


_held: list[socket.socket] = []


def free_port() -> int:
    """A port of this machine that nobody else gets while this process lives, and at which nobody listens.

    A socket that does not listen holds it, on IPv4 and IPv6. Servers set SO_REUSEADDR, so they can listen
    there; without one a connection is refused.
    """
    while True:
        held = _hold(socket.AF_INET, "127.0.0.1", 0)
        port = int(held.getsockname()[1])
        try:
            _hold(socket.AF_INET6, "::1", port)
        except OSError as error:  # without IPv6 there is nothing to hold
            if error.errno == errno.EADDRINUSE:
                continue
        return port


def _hold(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    held = socket.socket(family)
    _held.append(held)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((host, port))
    return held


@contextlib.contextmanager
def run_product(folder: Path, **extra: str) -> Iterator[Product]:
    """Start it, wait until it is ready, stop it and everything it started."""
    port, sandbox_port = free_port(), free_port()
    environ = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "TMPDIR"}} | {
        "PORT": str(port),
        "INSTANCE_DIR": str(folder),
        "SECRET_KEY": SECRET_KEY,
        "VAULT_KEYS": f"p1:{VAULT_KEY}",
        "SANDBOX_URL": f"http://localhost:{sandbox_port}",
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": "16",
        **extra,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.serve"],
            cwd=ROOT,
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        product = Product(
            environ.get("PUBLIC_URL") or f"http://localhost:{port}",
            environ["SANDBOX_URL"],
            folder,
            process,
            environ,
        )
        try:
            _wait_until_ready(product, port)
            yield product
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_until_ready(product: Product, port: int, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if product.process.poll() is not None:
            raise RuntimeError(f"the product ended at start:\n{product.log[-3000:]}")
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2).status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the product did not become ready:\n{product.log[-3000:]}")
