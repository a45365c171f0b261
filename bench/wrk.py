"""The load generator: `wrk`, compiled, so that it takes little of the machine from the server it measures.

`wrk.lua` sends fixed bytes and checks every answer. wrk adds to the latencies those of the requests that a
slow answer held back ("coordinated omission").
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.messages import Chain

MISSING = (
    "wrk, the load generator, is not installed. On Debian and Ubuntu: apt-get install wrk; on macOS: brew "
    "install wrk."
)
_SCRIPT = Path(__file__).with_suffix(".lua")
_SECONDS_BEYOND = 90


@dataclass(frozen=True)
class Load:
    """What one run measured. Times in milliseconds; `bytes` of one answer, its head included."""

    rate: float
    calls: int
    median: float
    p95: float
    p99: float
    bytes: float


def check() -> None:
    """Raises SystemExit with a sentence if wrk is missing."""
    if shutil.which("wrk") is None:
        raise SystemExit(MISSING)


def run(port: int, request: bytes | Chain, connections: int, seconds: float) -> Load:
    """Send `request` over so many connections for whole seconds, at least one.

    Raises SystemExit with a sentence if wrk is missing, or if an answer was not 200, was an error, or did not
    come. A chain is left at the token of its next request.
    """
    check()
    chain = request if isinstance(request, Chain) else None
    script = {"BENCH_REQUEST": (chain.request if chain else request).decode()}
    if chain:
        script |= {"BENCH_TOKEN": chain.token, "BENCH_MEMBER": chain.member}
    whole = max(1, round(seconds))
    load = ["wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", "60s", "-s", str(_SCRIPT)]
    ended = subprocess.run(
        [*load, f"http://127.0.0.1:{port}/"],
        env={**os.environ, **script},
        capture_output=True,
        text=True,
        timeout=whole + _SECONDS_BEYOND,
    )
    if ended.returncode:
        raise SystemExit(f"wrk failed: {ended.stderr or ended.stdout}")
    found = report_in(ended.stdout)
    if chain:
        chain.advance(found["token"])
    return load_of(found)


def report_in(output: str) -> dict[str, Any]:
    """The line of JSON that the script prints, among wrk's own. Raises SystemExit if it is missing."""
    for line in output.splitlines():
        if line.startswith('{"requests":'):
            found: dict[str, Any] = json.loads(line)
            return found
    raise SystemExit(f"wrk did not report: {output}")


def load_of(found: dict[str, Any]) -> Load:
    """The figures of a report. Raises SystemExit if any answer was wrong or missing."""
    calls, wrong, lost = found["requests"], found["wrong"], found["lost"]
    if wrong:
        raise SystemExit(f"{wrong} of {calls} answers were wrong, the first: {found['first']}")
    if lost or not calls:
        raise SystemExit(f"{lost} requests got no answer, {calls} did")
    return Load(
        calls / (found["microseconds"] / 1e6),
        calls,
        found["median"] / 1000,
        found["p95"] / 1000,
        found["p99"] / 1000,
        found["bytes"] / calls,
    )
