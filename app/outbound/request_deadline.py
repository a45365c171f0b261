"""One deadline over everything a request does: look-up, connecting, sending, reading.

Requests and urllib3 time out per read, so a peer that sends one byte now and then would hold a thread for
ever. Here one watcher thread shuts the connection down when the request's time is over.
"""

import contextlib
import heapq
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

_LOOK_SECONDS = 0.5  # how often it is looked whether a response is still needed


class Deadline:
    """The end of one request in time. When it passes, the connection is shut down, whatever it is doing.

    Use it as a context manager: it covers the connections that this thread opens or uses inside the block.
    One inside of another's block covers the inner request alone. `stop` returns True once the response is no
    longer needed: the connection is then shut down as well. It is called in the watcher's thread, so it must
    return at once.
    """

    def __init__(self, seconds: float, stop: Callable[[], bool] | None = None) -> None:
        self.at = time.monotonic() + seconds
        self.passed = self.stopped = False
        self.is_over = False  # its block was left
        self._stop = stop
        self.connection: Any = None
        self.socket: socket.socket | None = None

    def __enter__(self) -> "Deadline":
        self._outer = getattr(current, "deadline", None)
        current.deadline = self
        _watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        current.deadline = self._outer
        with lock:
            self.connection = self.socket = None
            self.is_over = True

    @property
    def seconds_left(self) -> float:
        """Seconds until it passes; negative afterwards."""
        return self.at - time.monotonic()

    @property
    def next_look(self) -> float:
        """When the watcher must look at it next, on the monotonic clock."""
        return self.at if self._stop is None else min(self.at, time.monotonic() + _LOOK_SECONDS)

    def look(self) -> bool:
        """Shut the connection down if it is time to. Returns whether the watcher must look again."""
        if self.is_over:
            return False
        if time.monotonic() >= self.at:
            self._pass()
            return False
        with contextlib.suppress(Exception):  # whatever it raises, the watcher serves the others
            if self._stop is not None and self._stop():
                self._hang_up("stopped")
        return not self.stopped

    def _pass(self) -> None:
        self._hang_up("passed")

    def _hang_up(self, reason: str) -> None:
        """Shut the connection down, if there is one, and note why."""
        with lock:
            # A connection that was returned to the pool may serve another request by now.
            if self.socket is not None and self.connection.deadline is self:
                setattr(self, reason, True)
                with contextlib.suppress(OSError):
                    # not SSLSocket.shutdown, which is not thread-safe
                    socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


@contextlib.contextmanager
def paused(most_seconds: float) -> Iterator[None]:
    """Inside the block this thread's deadline stands still, for `most_seconds` at most."""
    deadline: Deadline | None = getattr(current, "deadline", None)
    if deadline is None:
        yield
        return
    seconds_left = deadline.seconds_left
    deadline.at += most_seconds
    try:
        yield
    finally:
        deadline.at = time.monotonic() + seconds_left
        _watch(deadline)  # which may have been looked at, and put off, meanwhile


def has_passed() -> bool:
    """Whether this thread's deadline, if there is one, has passed."""
    deadline: Deadline | None = getattr(current, "deadline", None)
    return deadline is not None and deadline.seconds_left <= 0


current = threading.local()
lock = threading.Lock()
_pending: list[tuple[float, int, Deadline]] = []
_numbers = itertools.count()
_changed = threading.Condition()
_watcher: threading.Thread | None = None


def _watch(deadline: Deadline) -> None:
    """Hand a deadline to the one watcher thread, starting it if needed (a fork does not copy it)."""
    global _watcher
    with _changed:
        heapq.heappush(_pending, (deadline.next_look, next(_numbers), deadline))
        if _watcher is None or not _watcher.is_alive():
            _watcher = threading.Thread(target=_hang_up_in_time, name="deadlines", daemon=True)
            _watcher.start()
        elif _pending[0][2] is deadline:
            _changed.notify()


def _hang_up_in_time() -> None:
    while True:
        with _changed:
            while not _pending or _pending[0][0] > time.monotonic():
                _changed.wait(_pending[0][0] - time.monotonic() if _pending else None)
            deadline = heapq.heappop(_pending)[2]
        if deadline.look():
            with _changed:
                heapq.heappush(_pending, (deadline.next_look, next(_numbers), deadline))
