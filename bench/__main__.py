"""`make bench`: what a tool call costs, as ratios to yardsticks measured beside it. Says what falls short.

Options: --seconds N (length of one run, default 4), --only PART (throughput, latency, memory, isolation,
usage, federation), --database sqlite|postgres, --rows N (calls written before usage is measured, default
200,000).
"""

import argparse
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from app.config import THREADS_IN_ALL
from bench import federation, house, isolation, load, usage
from bench.house import ROOT

CONNECTIONS = (1, 16, 64)
GOAL_BARE, GOAL_SDK = 0.5, 2.0
GOAL_MEDIAN_MS, GOAL_P99_MS = 2.0, 10.0
GOAL_GROWTH_MIB = 8.0
GOAL_BESIDE_A_FLOOD = 3.0
REVISION = "2026-07-28"


@dataclass(frozen=True)
class Running:
    """The product under load: its port, the sandbox's, a bearer token, and the web processes."""

    port: int
    sandbox_port: int
    token: str
    other: str  # of another workspace
    master: int


def call(tool: str, arguments: dict[str, object], port: int, token: str | None) -> bytes:
    """The bytes of one tools/call on the 2026-07-28 wire."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments, "_meta": meta},
    }
    headers = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": REVISION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return load.post("/mcp", json.dumps(body).encode(), headers)


@contextlib.contextmanager
def product(kind: str, *, connect: bool = False) -> Iterator[Running]:
    """The product under the same gunicorn as the yardstick, on an empty database of that kind."""
    port, sandbox_port = house.free_port(), house.free_port()
    with house.databases(kind) as url, contextlib.ExitStack() as stack:
        environ = house.product_environ(port, url, sandbox_port)
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=environ, check=True
        )
        if connect:
            sandbox = [
                sys.executable,
                "-m",
                "app.sandbox",
                "--port",
                str(sandbox_port),
                "--state",
                environ["INSTANCE_DIR"] + "/sandbox.db",
            ]
            stack.enter_context(house.process(sandbox, environ))
            house.wait_for(sandbox_port, "/")
        seeded = subprocess.run(
            [sys.executable, "-m", "bench.seed", *(["--connect"] if connect else [])],
            cwd=ROOT,
            env=environ,
            check=True,
            capture_output=True,
        )
        web = stack.enter_context(
            house.process(house.gunicorn("wsgi:app", port, THREADS_IN_ALL * house.THREADS), environ)
        )
        house.wait_for(port, "/ready")
        tokens = json.loads(seeded.stdout.splitlines()[-1])
        yield Running(port, sandbox_port, tokens["token"], tokens["other"], web.pid)


class Report:
    """Lines of the report, and whether every goal was met."""

    def __init__(self) -> None:
        self.short: list[str] = []

    def line(self, name: str, figure: float, unit: str, goal: str, met: bool) -> None:
        """Print one figure beside its goal."""
        print(
            f"  {name:<58} {figure:>8.2f} {unit:<6} goal {goal:<10} {'ok' if met else 'FALLS SHORT'}",
            flush=True,
        )
        if not met:
            self.short.append(f"{name}: {figure:.2f} {unit} (goal {goal})")


def throughput(report: Report, kinds: list[str], seconds: float) -> None:
    """A tool that asks no service, on the full path, against both yardsticks."""
    print("\nTools/call without a service, requests a second as a ratio")
    body = call("ping", {}, 0, None)
    bare, sdk = {}, {}
    with house.bare_flask() as port:
        load.run(port, body.replace(b"POST /mcp", b"POST /json"), 16, 1)
        bare = {n: load.run(port, body.replace(b"POST /mcp", b"POST /json"), n, seconds) for n in CONNECTIONS}
    with house.sdk_server() as port:
        load.run(port, call("ping", {}, port, None), 16, 1)
        sdk = {n: load.run(port, call("ping", {}, port, None), n, seconds) for n in CONNECTIONS}
    for kind in kinds:
        with product(kind) as running:
            request = call("hub_list_connections", {}, running.port, running.token)
            load.run(running.port, request, 16, 1)
            for n in CONNECTIONS:
                ours = load.run(running.port, request, n, seconds)
                against_bare, against_sdk = ours.rate / bare[n].rate, ours.rate / sdk[n].rate
                report.line(
                    f"{kind}, {n} connections, against bare Flask",
                    against_bare,
                    "x",
                    f">= {GOAL_BARE}",
                    against_bare >= GOAL_BARE,
                )
                report.line(
                    f"{kind}, {n} connections, against the SDK's server",
                    against_sdk,
                    "x",
                    f">= {GOAL_SDK}",
                    against_sdk >= GOAL_SDK,
                )


def latency(report: Report, kinds: list[str], seconds: float) -> None:
    """What we add to a call of the service itself, one connection."""
    print("\nLatency added to a service's own answer (FreshBooks in the sandbox)")
    for kind in kinds:
        with product(kind, connect=True) as running:
            request = call("freshbooks_list_invoices", {"per_page": 10}, running.port, running.token)
            load.run(running.port, request, 1, 1)
            through = load.run(running.port, request, 1, seconds)
            direct = load.run(running.sandbox_port, direct_request(running), 1, seconds)
            median, p99 = through.median - direct.median, through.p99 - direct.p99
            report.line(
                f"{kind}, median added", median, "ms", f"< {GOAL_MEDIAN_MS:g}", median < GOAL_MEDIAN_MS
            )
            report.line(f"{kind}, p99 added", p99, "ms", f"< {GOAL_P99_MS:g}", p99 < GOAL_P99_MS)


def direct_request(running: Running) -> bytes:
    """The same request the tool makes, straight to the sandbox with a token of its own."""
    from bench.direct import invoices_request

    return invoices_request(running.sandbox_port)


def memory(report: Report, seconds: float) -> None:
    """Resident memory of the workers after 10,000 calls each way, and whether it grows."""
    print("\nResident memory of one worker")
    with product("sqlite") as running:
        request = call("hub_list_connections", {}, running.port, running.token)
        calls = 0.0
        while calls < 10_000:
            calls += load.run(running.port, request, 16, seconds).rate * seconds
        first = max(resident_mib(running.master))
        for _ in range(2):
            calls = 0.0
            while calls < 10_000:
                calls += load.run(running.port, request, 16, seconds).rate * seconds
        last = max(resident_mib(running.master))
        print(f"  after 10,000 calls {first:.0f} MiB, after 30,000 calls {last:.0f} MiB")
        report.line(
            "growth over the next 20,000 calls",
            last - first,
            "MiB",
            f"< {GOAL_GROWTH_MIB:g}",
            last - first < GOAL_GROWTH_MIB,
        )


def beside_a_flood(report: Report, kinds: list[str], seconds: float) -> None:
    """A call of a quick service in one workspace, alone and beside 64 callers of a slow one in another."""
    print(
        f"\nOne workspace beside another that floods a slow service ({isolation.FLOOD} at once, "
        f"{isolation.SLOW_SECONDS:g} s each)"
    )
    for kind in kinds:
        with product(kind, connect=True) as running:
            quick = call("freshbooks_list_invoices", {"per_page": 10}, running.port, running.other)
            slow = call("freshbooks_list_clients", {}, running.port, running.token)
            load.run(running.port, quick, 4, 1)
            alone = load.run(running.port, quick, 1, seconds)
            print(f"  {kind}, alone: median {alone.median:.1f} ms, p95 {alone.p95:.1f} ms")
            with isolation.slow_service(running.sandbox_port, "/users/clients"):
                for patient in (True, False):
                    with isolation.flood(running.port, slow, patient=patient):
                        beside = load.run(running.port, quick, 1, seconds)
                    who = "callers that wait as told" if patient else "callers that hammer on"
                    print(f"  {kind}, beside {who}: median {beside.median:.1f} ms, p95 {beside.p95:.1f} ms")
                    goal = GOAL_BESIDE_A_FLOOD if patient else 10 * GOAL_BESIDE_A_FLOOD
                    for name, ratio in (
                        ("median", beside.median / alone.median),
                        ("p95", beside.p95 / alone.p95),
                    ):
                        report.line(f"{kind}, beside {who}, {name}", ratio, "x", f"< {goal:g}", ratio < goal)


def resident_mib(master: int) -> list[float]:
    """Resident memory of each worker of a gunicorn master, in MiB."""
    children = subprocess.run(["pgrep", "-P", str(master)], capture_output=True, text=True).stdout.split()
    sizes = []
    for pid in children:
        with open(f"/proc/{pid}/status") as status:
            sizes += [int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS")]
    return sizes


_PARTS = ("throughput", "latency", "memory", "isolation", "usage", "federation")


def main() -> None:
    """Run what was asked for and end with what falls short."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--only", choices=_PARTS)
    options.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    options.add_argument("--rows", type=int, default=200_000)
    chosen = options.parse_args()
    kinds, report = chosen.database or ["sqlite", "postgres"], Report()
    if chosen.only in {None, "throughput"}:
        throughput(report, kinds, chosen.seconds)
    if chosen.only in {None, "latency"}:
        latency(report, kinds, chosen.seconds)
    if chosen.only in {None, "memory"}:
        memory(report, chosen.seconds)
    if chosen.only in {None, "isolation"}:
        beside_a_flood(report, kinds, chosen.seconds)
    if chosen.only in {None, "usage"}:
        usage.run(report.line, kinds, chosen.rows)
    if chosen.only in {None, "federation"}:
        federation.run(report.line, kinds, chosen.seconds, call)
    print(
        "\nEverything meets its goal."
        if not report.short
        else "\nFalls short:\n" + "\n".join(f"  {line}" for line in report.short)
    )


if __name__ == "__main__":
    main()
