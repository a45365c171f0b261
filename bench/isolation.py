"""What one workspace in trouble costs another: a flood of calls of a slow service beside calls of somebody
else.
"""

import asyncio
import json
import multiprocessing
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench import messages, wrk
from bench.product import Running
from bench.report import Report

FLOOD = 64
SLOW_SECONDS = 5.0
GOAL_PATIENT, GOAL_HAMMERING = 3.0, 30.0


def run(report: Report, running: Running, seconds: float) -> None:
    """A call of a quick service in one workspace, alone and beside 64 callers of a slow one in another."""
    kind = running.kind
    print(
        f"\nOne workspace beside another that floods a slow service ({FLOOD} at once, "
        f"{SLOW_SECONDS:g} s each), {kind}",
        flush=True,
    )
    other = running.seeded["other"]
    quick = messages.call("freshbooks_list_invoices", {"per_page": 10}, running.port, other)
    slow = messages.call("freshbooks_list_clients", {}, running.port, running.token)
    wrk.run(running.port, quick, 4, 1)
    alone = wrk.run(running.port, quick, 1, seconds)
    print(f"  {kind}, alone: median {alone.median:.1f} ms, p95 {alone.p95:.1f} ms")
    with slow_service(running.sandbox_port, "/users/clients"):
        for patient in (True, False):
            with flood(running.port, slow, patient=patient):
                beside = wrk.run(running.port, quick, 1, seconds)
            who = "callers that wait as told" if patient else "callers that hammer on"
            print(f"  {kind}, beside {who}: median {beside.median:.1f} ms, p95 {beside.p95:.1f} ms")
            goal = GOAL_PATIENT if patient else GOAL_HAMMERING
            report.at_most(f"{kind}, beside {who}, median", beside.median / alone.median, goal)
            report.at_most(f"{kind}, beside {who}, p95", beside.p95 / alone.p95, goal)


@contextmanager
def slow_service(sandbox_port: int, path: str) -> Iterator[None]:
    """Let every request of FreshBooks whose path holds `path` take seconds."""
    _lever(sandbox_port, "slow", {"path": path, "seconds": SLOW_SECONDS, "times": 10**9})
    try:
        yield
    finally:
        _lever(sandbox_port, "reset", {})


def _lever(port: int, name: str, given: dict[str, object]) -> None:
    body = json.dumps(given).encode()
    request = urllib.request.Request(
        f"http://localhost:{port}/_levers/freshbooks/{name}", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def flood(port: int, request: bytes, *, patient: bool) -> Iterator[None]:
    """So many callers at once, in a process of their own. `patient` ones wait as long as a 429 tells them,
    others do not.
    """
    with in_process(_flood, port, request, patient):
        yield


@contextmanager
def in_process(target: Callable[..., None], *args: object) -> Iterator[None]:
    """Run it in a process of its own until the block ends."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=args, daemon=True)
    process.start()
    time.sleep(2)  # until the interpreter is up and every caller has called
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _flood(port: int, request: bytes, patient: bool) -> None:
    asyncio.run(_all(port, request, patient, FLOOD))


def call_for_ever(port: int, request: bytes, callers: int) -> None:
    """So many callers at once that wait as they are told, until the process ends."""
    asyncio.run(_all(port, request, True, callers))


async def _all(port: int, request: bytes, patient: bool, callers: int) -> None:
    await asyncio.gather(*(_caller(port, request, patient) for _ in range(callers)))


async def _caller(port: int, request: bytes, patient: bool) -> None:
    while True:
        try:
            await _calls(port, request, patient)
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)


async def _calls(port: int, request: bytes, patient: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            if patient and b"retry-after:" in head:
                await asyncio.sleep(int(head.split(b"retry-after:")[1].split(b"\r\n")[0]))
            if b"connection: close" in head:
                return
    finally:
        writer.close()
