"""What a server that takes requests and answers none costs the calls and lists beside it."""

import contextlib
import socket
import statistics
from collections.abc import Iterator

from bench import isolation, wrk
from bench.report import Report

CALLERS, ROUNDS = 4, 3
GOAL_BESIDE, GOAL_LIST_MS = 1.1, 20.0


@contextlib.contextmanager
def server() -> Iterator[int]:
    """The port of a server that takes connections and never reads from them."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listener:
        yield listener.getsockname()[1]


def compare(
    report: Report,
    port: int,
    quick: bytes,
    slow: bytes,
    listing: bytes,
    seconds: float,
) -> None:
    """A server's call and a list, alone and beside callers of one that hangs, in turn."""
    measured: dict[tuple[str, bool], list[wrk.Load]] = {}
    for request in (quick, listing):
        wrk.run(port, request, CALLERS, 1)
    for _ in range(ROUNDS):
        for is_beside in (False, True):
            with _callers(port, slow) if is_beside else contextlib.nullcontext():
                for name, request, n in (("call", quick, CALLERS), ("list", listing, 1)):
                    found = wrk.run(port, request, n, seconds / ROUNDS)
                    measured.setdefault((name, is_beside), []).append(found)
    p95 = [statistics.median(each.p95 for each in measured["call", beside]) for beside in (False, True)]
    lists = [statistics.median(each.median for each in measured["list", beside]) for beside in (False, True)]
    ratio, added = p95[1] / p95[0], lists[1] - lists[0]
    report.at_most("p95 of calls beside a hanging server", ratio, GOAL_BESIDE)
    report.at_most("tools/list beside it, added", added, GOAL_LIST_MS, "ms")


@contextlib.contextmanager
def _callers(port: int, request: bytes) -> Iterator[None]:
    """Callers of the server that hangs, in a process of their own, who wait as they are told."""
    with isolation.in_process(isolation.call_for_ever, port, request, CALLERS):
        yield
