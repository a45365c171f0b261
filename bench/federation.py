"""What a federated call costs: the full path, beside a bare Flask route that forwards with the same HTTP
client, FastMCP's proxy, and the server called directly; and a list of many servers' tools.

All run at once and are measured in turn, round by round: on a machine with other work a figure of one moment
says little, the median of ratios within a round says more, and CPU time and counts say most.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.config import THREADS_IN_ALL
from bench import hanging, house, load

Line = Callable[[str, float, str, str, bool], None]
Call = Callable[[str, dict[str, object], int, str | None], bytes]

CONNECTIONS = (1, 16, 64)
ROUNDS = 3
SERVERS, TOOLS = 20, 30
GOAL_FORWARDER, GOAL_PROXY, GOAL_ADDED, GOAL_P99_MS, GOAL_LIST = 0.6, 4.0, 2.0, 10.0, 1.2
GOAL_CROWD, GOAL_STATEMENTS = 1.1, 4
PROGRAMS = house.ROOT / "tests" / "federation" / "programs"


@dataclass(frozen=True)
class Subject:
    """Something that answers a call: its port, the call, and the process whose children serve it (or 0)."""

    name: str
    port: int
    request: bytes
    master: int = 0


@dataclass(frozen=True)
class Product:
    """The product with servers added: tokens by workspace, the master process, and its environment."""

    port: int
    tokens: dict[str, str]
    master: int
    environ: dict[str, str]


def run(line: Line, kinds: list[str], seconds: float, call: Call) -> None:
    """Print each figure beside its goal. `call` gives the bytes of a tools/call."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(house.sdk_server())
        yardsticks = [Subject("direct", upstream, call("ping", {}, upstream, None))]
        port, master = stack.enter_context(_forwarder(upstream))
        yardsticks.append(Subject("forwarded", port, call("ping", {}, port, None), master))
        if proxy := stack.enter_context(_proxy(upstream)):
            yardsticks.append(Subject("proxied", proxy, call("ping", {}, proxy, None)))
        hung = stack.enter_context(hanging.server())
        for kind in kinds:
            print(f"\nFederated tools/call on {kind}, as ratios")
            with _product(kind, upstream, hung) as ours:
                _calls(line, [*yardsticks, *_tools(ours, call)], seconds)
                _crowd(line, ours, seconds, call)
                _statements(line, ours)
                _lists(line, ours, call, seconds)
                quick = call("reading_ping", {}, ours.port, ours.tokens["beside"])
                slow = call("hung_ping", {}, ours.port, ours.tokens["beside"])
                hanging.compare(line, ours.port, quick, slow, _list(ours, "beside", call), seconds)


def _tools(ours: Product, call: Call) -> list[Subject]:
    """A tool that reads, and one that changes something: its row is on disk before it is answered."""
    names = {"a reading call": "reading_ping", "a writing call": "remote_ping"}
    return [
        Subject(name, ours.port, call(tool, {}, ours.port, ours.tokens["one"]), ours.master)
        for name, tool in names.items()
    ]


def _calls(line: Line, subjects: list[Subject], seconds: float) -> None:
    for each in subjects:
        load.run(each.port, each.request, 16, 1)
    rounds, cpu = _measured(subjects, seconds)
    for name in ("a reading call", "a writing call"):
        for n in CONNECTIONS:
            ratio = statistics.median(each[name, n].rate / each["forwarded", n].rate for each in rounds)
            what = f"{name}, {n} connections, against the forwarding route"
            line(what, ratio, "x", f">= {GOAL_FORWARDER:g}", ratio >= GOAL_FORWARDER)
            if any(each.name == "proxied" for each in subjects):
                ratio = statistics.median(each[name, n].rate / each["proxied", n].rate for each in rounds)
                what = f"{name}, {n} connections, against FastMCP's proxy"
                line(what, ratio, "x", f">= {GOAL_PROXY:g}", ratio >= GOAL_PROXY)
        _added(line, name, rounds)
    for name, spent in cpu.items():
        print(f"  CPU of the web processes, {name}: {spent:.2f} ms per call")


def _added(line: Line, name: str, rounds: list[dict[tuple[str, int], load.Load]]) -> None:
    medians = {
        who: statistics.median(each[who, 1].median for each in rounds)
        for who in ("direct", "forwarded", name)
    }
    print("  medians: " + ", ".join(f"{each} {median:.2f} ms" for each, median in medians.items()))
    ratio = (medians[name] - medians["direct"]) / (medians["forwarded"] - medians["direct"])
    goal = f"<= {GOAL_ADDED:g}"
    line(f"{name}, added at the median, against the forwarder's", ratio, "x", goal, ratio <= GOAL_ADDED)
    late = statistics.median(each[name, 1].p99 - each["direct", 1].p99 for each in rounds)
    line(f"{name}, added at p99", late, "ms", f"<= {GOAL_P99_MS:g}", late <= GOAL_P99_MS)


def _measured(
    subjects: list[Subject], seconds: float
) -> tuple[list[dict[tuple[str, int], load.Load]], dict[str, float]]:
    """What each round measured, by name and connections; and the CPU milliseconds per call, by name."""
    rounds, spent, calls = [], dict.fromkeys((each.name for each in subjects if each.master), 0.0), {}
    for _ in range(ROUNDS):
        found = {}
        for n in CONNECTIONS:
            for each in subjects:
                before = cpu_seconds(each.master)
                measured = found[each.name, n] = load.run(each.port, each.request, n, seconds / ROUNDS)
                if each.master:
                    spent[each.name] += cpu_seconds(each.master) - before
                    calls[each.name] = calls.get(each.name, 0) + measured.calls
        rounds.append(found)
    return rounds, {name: 1000 * spent[name] / calls[name] for name in spent}


def _crowd(line: Line, ours: Product, seconds: float, call: Call) -> None:
    """CPU of a call in a workspace with 1,000 servers, against one in a workspace with two."""
    subjects = [
        Subject(name, ours.port, call("reading_ping", {}, ours.port, ours.tokens[name]), ours.master)
        for name in ("one", "crowd")
    ]
    for each in subjects:  # each process reads the workspace's servers once
        load.run(each.port, each.request, 16, 2)
    cpu = _measured(subjects, seconds)[1]
    ratio = cpu["crowd"] / cpu["one"]
    what = "CPU of a call with 1,000 registered servers, against two"
    line(what, ratio, "x", f"<= {GOAL_CROWD:g}", ratio <= GOAL_CROWD)


def _statements(line: Line, ours: Product) -> None:
    for tool in ("reading_ping", "remote_ping"):
        command = [sys.executable, "-m", "bench.statements", ours.tokens["one"], tool]
        ended = subprocess.run(command, cwd=house.ROOT, env=ours.environ, check=True, capture_output=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        print(f"  {tool}: {found['statements']} statements, {found['commits']} commits")
        if tool == "reading_ping":
            count, goal = found["statements"], f"<= {GOAL_STATEMENTS}"
            line("statements of a reading call", count, "", goal, count <= GOAL_STATEMENTS)


def _lists(line: Line, ours: Product, call: Call, seconds: float) -> None:
    """A list of many servers' tools, per kB, against the list of the installation's own alone."""
    requests = {name: _list(ours, name, call) for name in ("none", "many")}
    sizes = {name: len(load.once(ours.port, request)) / 1024 for name, request in requests.items()}
    times: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(ROUNDS):
        for name, request in requests.items():
            times[name].append(load.run(ours.port, request, 1, seconds / ROUNDS).median)
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name, median in medians.items():
        print(f"  tools/list, {name} servers: {sizes[name]:.0f} kB, median {median:.2f} ms")
    ratio = (medians["many"] / sizes["many"]) / (medians["none"] / sizes["none"])
    what = f"tools/list, {SERVERS} servers x {TOOLS} tools, per kB"
    line(what, ratio, "x", f"<= {GOAL_LIST:g}", ratio <= GOAL_LIST)


def _list(ours: Product, name: str, call: Call) -> bytes:
    """The bytes of a tools/list in that workspace, made of a tools/call."""
    request = call("", {}, ours.port, ours.tokens[name]).replace(b"tools/call", b"tools/list")
    head, _, body = request.partition(b"\r\n\r\n")
    message = json.loads(body)
    message["params"] = {"_meta": message["params"]["_meta"]}
    fields = (each.partition(": ") for each in head.decode().split("\r\n")[1:])
    headers = {name: value for name, _, value in fields if name not in {"Content-Length", "Mcp-Name"}}
    return load.post("/mcp", json.dumps(message).encode(), headers)


@contextlib.contextmanager
def _forwarder(upstream: int) -> Iterator[tuple[int, int]]:
    """Its port, and its master process."""
    port = house.free_port()
    environ = {**os.environ, "FORWARD_TO": f"http://127.0.0.1:{upstream}/mcp"}
    with house.process(house.gunicorn("bench.forwarder:app", port), environ) as web:
        house.wait_for(port, "/")
        yield port, web.pid


@contextlib.contextmanager
def _proxy(upstream: int) -> Iterator[int]:
    """FastMCP's proxy, if its environment is there (the tests install it); else 0."""
    python = PROGRAMS / ".venv" / "bin" / "python"
    if not python.exists():
        print("  FastMCP is not installed here (tests/federation/programs): no comparison")
        yield 0
        return
    port = house.free_port()
    command = [str(python), str(house.ROOT / "bench" / "fastmcp_proxy.py"), str(port), str(upstream)]
    with house.process(command, dict(os.environ)):
        house.wait_for(port, "/")
        yield port


@contextlib.contextmanager
def _product(kind: str, upstream: int, hung: int) -> Iterator[Product]:
    """The product with the servers added."""
    port = house.free_port()
    with house.databases(kind) as url:
        environ = {**house.product_environ(port, url, 1), "MCP_SERVERS_PRIVATE_HOSTS": "127.0.0.1"}
        migrate = [sys.executable, "-m", "alembic", "upgrade", "head"]
        subprocess.run(migrate, cwd=house.ROOT, env=environ, check=True)
        urls = [f"http://127.0.0.1:{each}/mcp" for each in (upstream, hung)]
        seed = [sys.executable, "-m", "bench.seed_servers", *urls]
        seeded = subprocess.run(seed, cwd=house.ROOT, env=environ, check=True, capture_output=True)
        command = house.gunicorn("wsgi:app", port, THREADS_IN_ALL * house.THREADS)
        with house.process(command, environ) as web:
            house.wait_for(port, "/ready")
            yield Product(port, json.loads(seeded.stdout.splitlines()[-1]), web.pid, environ)


def cpu_seconds(master: int) -> float:
    """User and system time of the workers of a gunicorn master; 0.0 for none."""
    if not master:
        return 0.0
    children = subprocess.run(["pgrep", "-P", str(master)], capture_output=True, text=True).stdout.split()
    ticks = 0
    for pid in children:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
