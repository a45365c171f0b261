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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.config import THREADS_IN_ALL
from bench import hanging, house, messages, product, rounds
from bench.report import Report
from bench.rounds import Subject

CONNECTIONS = (1, 16, 64)
SERVERS, TOOLS = 20, 30
GOAL_FORWARDER, GOAL_PROXY, GOAL_ADDED, GOAL_P99_MS, GOAL_LIST = 0.6, 4.0, 2.0, 10.0, 1.2
GOAL_CROWD, GOAL_STATEMENTS = 1.1, 4
PROGRAMS = house.ROOT / "tests" / "federation" / "programs"


@dataclass(frozen=True)
class Product:
    """The product with servers added: tokens by workspace, the master process, and its environment."""

    port: int
    tokens: dict[str, str]
    master: int
    environ: dict[str, str]


def run(report: Report, kinds: Sequence[str], seconds: float, count: int) -> None:
    """Print each figure beside its goal."""
    with contextlib.ExitStack() as stack:
        upstream, _ = stack.enter_context(house.sdk_server())
        yardsticks = [Subject("direct", upstream, messages.call("ping", {}, upstream, None))]
        port, master = stack.enter_context(_forwarder(upstream))
        yardsticks.append(Subject("forwarded", port, messages.call("ping", {}, port, None), master))
        if proxy := stack.enter_context(_proxy(upstream)):
            yardsticks.append(Subject("proxied", proxy, messages.call("ping", {}, proxy, None)))
        hung = stack.enter_context(hanging.server())
        for kind in kinds:
            print(f"\nFederated tools/call on {kind}, as ratios", flush=True)
            with _product(kind, upstream, hung) as ours:
                _calls(report, [*yardsticks, *_tools(ours)], seconds, count)
                _crowd(report, ours, seconds, count)
                _statements(report, ours)
                _lists(report, ours, seconds, count)
                quick = messages.call("reading_ping", {}, ours.port, ours.tokens["beside"])
                slow = messages.call("hung_ping", {}, ours.port, ours.tokens["beside"])
                listing = messages.listing(ours.port, ours.tokens["beside"])
                hanging.compare(report, ours.port, quick, slow, listing, seconds)


def _tools(ours: Product) -> list[Subject]:
    """A tool that reads, and one that changes something: its row is on disk before it is answered."""
    names = {"a reading call": "reading_ping", "a writing call": "remote_ping"}
    return [
        Subject(name, ours.port, messages.call(tool, {}, ours.port, ours.tokens["one"]), ours.master)
        for name, tool in names.items()
    ]


def _calls(report: Report, subjects: list[Subject], seconds: float, count: int) -> None:
    measured = rounds.measure(subjects, CONNECTIONS, seconds, count)
    measured.print_table()
    is_proxied = any(each.name == "proxied" for each in subjects)
    for name in ("a reading call", "a writing call"):
        for n in CONNECTIONS:
            ratio = measured.ratio(name, "forwarded", n, rounds.RATE)
            report.at_least(f"{name}, {n} at once, against the forwarding route", ratio, GOAL_FORWARDER)
            if is_proxied:
                ratio = measured.ratio(name, "proxied", n, rounds.RATE)
                report.at_least(f"{name}, {n} at once, against FastMCP's proxy", ratio, GOAL_PROXY)
        ours, forwarders = (measured.added(who, "direct", 1, rounds.MEDIAN) for who in (name, "forwarded"))
        report.at_most(f"{name}, added at the median, against the forwarder's", ours / forwarders, GOAL_ADDED)
        late = measured.added(name, "direct", 1, rounds.P99)
        report.at_most(f"{name}, added at p99", late, GOAL_P99_MS, "ms")


def _crowd(report: Report, ours: Product, seconds: float, count: int) -> None:
    """CPU of a call in a workspace with 1,000 servers, against one in a workspace with two."""
    subjects = [
        Subject(name, ours.port, messages.call("reading_ping", {}, ours.port, ours.tokens[name]), ours.master)
        for name in ("one", "crowd")
    ]
    measured = rounds.measure(subjects, CONNECTIONS, seconds, count)
    ratio = statistics.median(measured.ratio("crowd", "one", n, rounds.CPU) for n in CONNECTIONS)
    report.at_most("CPU of a call with 1,000 registered servers, against two", ratio, GOAL_CROWD)


def _statements(report: Report, ours: Product) -> None:
    tools = ("reading_ping", "remote_ping")
    requests = {tool: [messages.call(tool, {}, ours.port, ours.tokens["one"])] * 3 for tool in tools}
    found = product.statements(ours.environ, requests)
    for tool, counted in found.items():
        print(f"  {tool}: " + ", ".join(f"{count} {what}" for what, count in counted.items()), flush=True)
    count = found["reading_ping"]["statements"]
    report.at_most("statements of a reading call", count, GOAL_STATEMENTS, "")


def _lists(report: Report, ours: Product, seconds: float, count: int) -> None:
    """A list of many servers' tools, per kB, against the list of the installation's own alone."""
    requests = {name: messages.listing(ours.port, ours.tokens[name]) for name in ("none", "many")}
    kilobytes = {name: len(messages.once(ours.port, each)) / 1024 for name, each in requests.items()}
    subjects = [Subject(name, ours.port, each) for name, each in requests.items()]
    measured = rounds.measure(subjects, (1,), seconds, count)
    for name, size in kilobytes.items():
        median = measured.median(name, 1, rounds.MEDIAN)
        print(f"  tools/list, {name} servers: {size:.0f} kB, median {median:.2f} ms")
    per_kilobyte = kilobytes["none"] / kilobytes["many"]
    ratio = measured.ratio("many", "none", 1, rounds.MEDIAN) * per_kilobyte
    report.at_most(f"tools/list, {SERVERS} servers x {TOOLS} tools, per kB", ratio, GOAL_LIST)


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
