"""How long `make run` takes until it is ready: the first start on a machine, and the second."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from bench import house, processes
from bench.report import Report

GOAL_SECONDS = 4.0
_STARTS = 4


def run(report: Report) -> None:
    """What `make run` executes, in an empty folder of its own; the median of the starts after the first."""
    print("\nStart until /ready", flush=True)
    with tempfile.TemporaryDirectory(prefix="patchbay-bench-start-") as folder:
        found = [_start(folder) for _ in range(_STARTS)]
    for number, (seconds, cpu) in enumerate(found, 1):
        print(f"  start {number}: {seconds:.2f} s, {cpu:.2f} s of CPU in all processes")
    report.at_most("a later start", statistics.median(seconds for seconds, _ in found[1:]), GOAL_SECONDS, "s")


def _start(folder: str) -> tuple[float, float]:
    """Seconds until it was ready, and seconds of CPU up to then."""
    port = house.free_port()
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environ |= {"PORT": str(port), "INSTANCE_DIR": folder, "DATABASE_URL": f"sqlite:///{folder}/patchbay.db"}
    command, began = [sys.executable, "-m", "app.serve"], time.monotonic()
    with house.process(command, environ, stdout=subprocess.DEVNULL) as started:
        house.wait_for(port, "/ready", every=0.02)
        return time.monotonic() - began, processes.cpu_of_tree(started.pid)
