"""Single processes of the product as tests need them. `product.py` runs the whole of it."""

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from app.sandbox import __main__ as sandbox
from tests.support import forks
from tests.support.product import free_port
from tests.support.waiting import AT_MOST_SECONDS


@contextlib.contextmanager
def run_sandbox(folder: Path | None = None, *, port: int | None = None) -> Iterator[str]:
    """The imitated services on a free port; gives their address. With a folder their state is kept there."""
    port = port or free_port()
    arguments = ["--port", str(port), *(["--state", str(folder / "sandbox.db")] if folder else [])]
    with tempfile.NamedTemporaryFile() as log:
        process = forks.CONTEXT.Process(target=_serve_sandbox, args=(arguments, log.name))
        process.start()
        try:
            _wait_until_ready(process, port, Path(log.name))
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.join(10)
            if process.exitcode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.join()


def _serve_sandbox(arguments: list[str], log: str) -> None:
    """`python -m app.sandbox`, in a group of its own and without a setting of this process."""
    os.setsid()
    with open(log, "wb") as output:
        os.dup2(output.fileno(), sys.stderr.fileno())
    for name in os.environ.keys() - {"PATH", "HOME", "LANG", "TMPDIR"}:
        del os.environ[name]
    sys.argv[1:] = arguments
    sandbox.main()


def _wait_until_ready(process: ForkServerProcess, port: int, log: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.exitcode is not None:
            raise RuntimeError("the sandbox ended at start:\n" + log.read_text(errors="replace"))
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/_ready", timeout=2).status == 200:
                return
        time.sleep(0.02)
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
