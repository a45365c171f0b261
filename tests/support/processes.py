"""Single processes of the product as tests need them. `product.py` runs the whole of it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.databases import ROOT
from tests.support.product import free_port
from tests.support.waiting import AT_MOST_SECONDS


@contextlib.contextmanager
def run_sandbox(folder: Path | None = None, *, port: int | None = None) -> Iterator[str]:
    """The imitated services on a free port; gives their address. With a folder their state is kept there."""
    port = port or free_port()
    command = [sys.executable, "-m", "app.sandbox", "--port", str(port)]
    if folder:
        command += ["--state", str(folder / "sandbox.db")]
    environ = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "TMPDIR"}}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, start_new_session=True)
    try:
        _wait_until_ready(process, port)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(
                "the sandbox ended at start:\n" + (process.stderr.read().decode() if process.stderr else "")
            )
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/_ready", timeout=2).status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("the sandbox did not become ready")


class Levers:
    """The sandbox's levers for one service: `levers("expire")`, `levers("fail", status=503, times=2)`."""

    def __init__(self, sandbox_url: str, slug: str) -> None:
        self.base = f"{sandbox_url}/_levers/{slug}/"

    def __call__(self, lever: str, **given: Any) -> Any:
        request = urllib.request.Request(
            self.base + lever, json.dumps(given).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=AT_MOST_SECONDS) as answer:
            return json.load(answer)

    def log(self) -> Any:
        with urllib.request.urlopen(self.base + "log", timeout=AT_MOST_SECONDS) as answer:
            return json.load(answer)
