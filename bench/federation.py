"""What a federated call costs: the full path, beside a bare Flask route that forwards with the same HTTP
client, FastMCP's proxy, and the server called directly; and a list of many servers' tools.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

from app.config import THREADS_IN_ALL
from bench import house, load

Line = Callable[[str, float, str, str, bool], None]
Call = Callable[[str, dict[str, object], int, str | None], bytes]

CONNECTIONS = (1, 16, 64)
SERVERS, TOOLS = 20, 30
GOAL_FORWARDER, GOAL_PROXY, GOAL_ADDED, GOAL_P99_MS, GOAL_LIST = 0.6, 4.0, 2.0, 10.0, 1.2
PROGRAMS = house.ROOT / "tests" / "federation" / "programs"


def run(line: Line, kinds: list[str], seconds: float, call: Call) -> None:
    """Print each figure beside its goal. `call` gives the bytes of a tools/call."""
    with house.sdk_server() as upstream:
        body = call("ping", {}, upstream, None)
        direct = _measure(upstream, body, seconds)
        with _forwarder(upstream) as port:
            forwarded = _measure(port, call("ping", {}, port, None), seconds)
        proxied = _proxy(upstream, call, seconds)
        for kind in kinds:
            print(f"\nFederated tools/call on {kind}, as ratios")
            with _product(kind, upstream) as (port, tokens, master):
                request = call("remote_ping", {}, port, tokens["one"])
                before = _cpu_seconds(master)
                ours = _measure(port, request, seconds)
                spent = _cpu_seconds(master) - before
                calls = sum(ours[n].rate * seconds for n in CONNECTIONS)
                _compare(line, ours, forwarded, proxied, direct)
                print(f"  CPU of the web processes per call: {1000 * spent / calls:.2f} ms")
                _lists(line, port, tokens, call, seconds)


def _compare(line: Line, ours, forwarded, proxied, direct) -> None:  # type: ignore[no-untyped-def]
    for n in CONNECTIONS:
        ratio = ours[n].rate / forwarded[n].rate
        goal = f">= {GOAL_FORWARDER:g}"
        line(f"{n} connections, against the forwarding route", ratio, "x", goal, ratio >= GOAL_FORWARDER)
        if proxied:
            ratio = ours[n].rate / proxied[n].rate
            goal = f">= {GOAL_PROXY:g}"
            line(f"{n} connections, against FastMCP's proxy", ratio, "x", goal, ratio >= GOAL_PROXY)
    added = ours[1].median - direct[1].median
    yardstick = forwarded[1].median - direct[1].median
    print(
        f"  medians: direct {direct[1].median:.2f} ms, forwarded {forwarded[1].median:.2f} ms, "
        f"ours {ours[1].median:.2f} ms"
    )
    ratio = added / yardstick
    line(
        "added at the median, against the forwarder's", ratio, "x", f"<= {GOAL_ADDED:g}", ratio <= GOAL_ADDED
    )
    late = ours[1].p99 - direct[1].p99
    line("added at p99", late, "ms", f"<= {GOAL_P99_MS:g}", late <= GOAL_P99_MS)


def _lists(line: Line, port: int, tokens: dict[str, str], call: Call, seconds: float) -> None:
    """A list of many servers' tools, per kB, against the list of the installation's own alone."""
    costs = {}
    for name in ("none", "many"):
        request = call("", {}, port, tokens[name]).replace(b"tools/call", b"tools/list")
        body, head = _without_name(request)
        request = load.post("/mcp", body, head)
        size = len(load.once(port, request))
        measured = load.run(port, request, 1, seconds)
        costs[name] = measured.median / (size / 1024)
        print(f"  tools/list, {name} servers: {size / 1024:.0f} kB, median {measured.median:.2f} ms")
    ratio = costs["many"] / costs["none"]
    what = f"tools/list, {SERVERS} servers x {TOOLS} tools, per kB"
    line(what, ratio, "x", f"<= {GOAL_LIST:g}", ratio <= GOAL_LIST)


def _without_name(request: bytes) -> tuple[bytes, dict[str, str]]:
    """A tools/list made of a tools/call: its body and headers."""
    head, _, body = request.partition(b"\r\n\r\n")
    message = json.loads(body)
    message["params"] = {"_meta": message["params"]["_meta"]}
    fields = (each.partition(": ") for each in head.decode().split("\r\n")[1:])
    headers = {name: value for name, _, value in fields if name not in {"Content-Length", "Mcp-Name"}}
    return json.dumps(message).encode(), headers


def _measure(port: int, request: bytes, seconds: float) -> dict[int, load.Load]:
    load.run(port, request, 16, 1)
    return {n: load.run(port, request, n, seconds) for n in CONNECTIONS}


@contextlib.contextmanager
def _forwarder(upstream: int) -> Iterator[int]:
    port = house.free_port()
    environ = {**os.environ, "FORWARD_TO": f"http://127.0.0.1:{upstream}/mcp"}
    with house.process(house.gunicorn("bench.forwarder:app", port), environ):
        house.wait_for(port, "/")
        yield port


def _proxy(upstream: int, call: Call, seconds: float) -> dict[int, load.Load]:
    """FastMCP's proxy, if its environment is there; it is installed by the tests."""
    python = PROGRAMS / ".venv" / "bin" / "python"
    if not python.exists():
        print("  FastMCP is not installed here (tests/federation/programs): no comparison")
        return {}
    port = house.free_port()
    command = [str(python), str(house.ROOT / "bench" / "fastmcp_proxy.py"), str(port), str(upstream)]
    with house.process(command, dict(os.environ)):
        house.wait_for(port, "/")
        return _measure(port, call("ping", {}, port, None), seconds)


@contextlib.contextmanager
def _product(kind: str, upstream: int) -> Iterator[tuple[int, dict[str, str], int]]:
    """The product with the server added: its port, tokens by workspace, and the master process."""
    port = house.free_port()
    with house.databases(kind) as url:
        environ = {**house.product_environ(port, url, 1), "MCP_SERVERS_PRIVATE_HOSTS": "127.0.0.1"}
        migrate = [sys.executable, "-m", "alembic", "upgrade", "head"]
        subprocess.run(migrate, cwd=house.ROOT, env=environ, check=True)
        seed = [sys.executable, "-m", "bench.seed_servers", f"http://127.0.0.1:{upstream}/mcp"]
        seeded = subprocess.run(seed, cwd=house.ROOT, env=environ, check=True, capture_output=True)
        command = house.gunicorn("wsgi:app", port, THREADS_IN_ALL * house.THREADS)
        with house.process(command, environ) as web:
            house.wait_for(port, "/ready")
            yield port, json.loads(seeded.stdout.splitlines()[-1]), web.pid


def _cpu_seconds(master: int) -> float:
    """User and system time of the workers of a gunicorn master."""
    children = subprocess.run(["pgrep", "-P", str(master)], capture_output=True, text=True).stdout.split()
    ticks = 0
    for pid in children:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
