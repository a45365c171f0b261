"""What a server that takes requests and answers none costs the calls and lists beside it."""

import contextlib
import socket
import statistics
from collections.abc import Callable, Iterator

from bench import isolation, load

CALLERS, ROUNDS = 4, 3
GOAL_BESIDE, GOAL_LIST_MS = 1.1, 20.0


@contextlib.contextmanager
def server() -> Iterator[int]:
    """The port of a server that takes connections and never reads from them."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listener:
        yield listener.getsockname()[1]


def compare(
    line: Callable[[str, float, str, str, bool], None],
    port: int,
    quick: bytes,
    slow: bytes,
    listing: bytes,
    seconds: float,
) -> None:
    """A server's call and a list, alone and beside callers of one that hangs, in turn."""
    measured: dict[tuple[str, bool], list[load.Load]] = {}
    for request in (quick, listing):
        load.run(port, request, CALLERS, 1)
    for _ in range(ROUNDS):
        for is_beside in (False, True):
            with _callers(port, slow) if is_beside else contextlib.nullcontext():
                for name, request, n in (("call", quick, CALLERS), ("list", listing, 1)):
                    found = load.run(port, request, n, seconds / ROUNDS)
                    measured.setdefault((name, is_beside), []).append(found)
    p95 = [statistics.median(each.p95 for each in measured["call", beside]) for beside in (False, True)]
    lists = [statistics.median(each.median for each in measured["list", beside]) for beside in (False, True)]
    ratio, added = p95[1] / p95[0], lists[1] - lists[0]
    line("p95 of calls beside a hanging server", ratio, "x", f"<= {GOAL_BESIDE:g}", ratio <= GOAL_BESIDE)
    line("tools/list beside it, added", added, "ms", f"<= {GOAL_LIST_MS:g}", added <= GOAL_LIST_MS)


@contextlib.contextmanager
def _callers(port: int, request: bytes) -> Iterator[None]:
    """Callers of the server that hangs, in a process of their own, who wait as they are told."""
    with isolation.beside(isolation.call_for_ever, port, request, CALLERS):
        yield
