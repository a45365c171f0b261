"""Limits the concurrent calls of one workspace in this process, so that a slow service occupies only its
share of threads.

A call that contacts a service, or asks its person, may last a minute and occupies a thread for that long.
Sixty-four such calls would occupy every thread, and everybody else would wait for one workspace's slow
service. So each workspace gets a number of permits; further calls wait for one, and calls beyond that are
refused with Retry-After. Members share fairly: one member gets at most three quarters of the permits, never
the whole queue, and waiting calls are served round-robin by member.

A waiting call holds nothing but a thread, and there are plenty of those (`config.THREADS_IN_ALL`): a
legitimate burst is served completely, a little later. When many workspaces are busy at once, each is limited
to an equal part of the threads; the last threads are reserved for workspaces with no call running.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app import limit_log, metrics
from app.config import THREADS_IN_ALL
from app.errors import TooManyRequests

PATIENCE_SECONDS = 10.0
_RETRY_AFTER_SECONDS = 2
_POLL_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class _Waiter:
    """A call that waits. `has_permit` is set under the lock by whoever hands the permit over."""

    granted: threading.Event = field(default_factory=threading.Event)
    has_permit: bool = False


@dataclass(slots=True)
class _WorkspaceCalls:
    """One workspace's calls in this process."""

    running: int = 0
    queued: int = 0
    by_member: dict[str, int] = field(default_factory=dict)
    # in round-robin order: the member to serve next comes first
    queues: dict[str, deque[_Waiter]] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return self.running + self.queued


class FairSemaphore:
    """The permits of one process. `limit` is one workspace's share of the working `threads`."""

    def __init__(self, threads: int, limit: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.limit = limit
        self.queue_limit = (THREADS_IN_ALL - 1) * threads
        self.member_limit = max(1, limit * 3 // 4)
        self.member_queue_limit = self.queue_limit - self.queue_limit // 8
        self._thread_limit = THREADS_IN_ALL * threads - max(1, threads // 2)
        self._patience = patience_seconds
        self._workspaces: dict[str, _WorkspaceCalls] = {}
        self._held = 0
        self._lock = threading.Lock()

    @contextmanager
    def acquire(
        self, workspace_id: str, member_id: str, is_gone: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Holds a permit. Raises TooManyRequests if none comes free in time, or `is_gone` becomes true."""
        waiter = self._request(workspace_id, member_id)
        if waiter is not None:
            end = time.monotonic() + self._patience
            while (
                (left := end - time.monotonic()) > 0
                and not waiter.granted.wait(min(left, _POLL_SECONDS))
                and not is_gone()
            ):
                pass
            self._stop_waiting(workspace_id, member_id, waiter)
        try:
            yield
        finally:
            self._release(workspace_id, member_id)

    def sample(self) -> None:
        """Set the gauges of running and waiting calls."""
        with self._lock:
            calls = list(self._workspaces.values())
            metrics.CALLS_RUNNING.set(sum(each.running for each in calls))
            metrics.CALLS_WAITING.set(sum(each.queued for each in calls))

    def _request(self, workspace_id: str, member_id: str) -> _Waiter | None:
        """None if the call may run, else the waiter to wait on. Raises TooManyRequests on a full queue."""
        with self._lock:
            calls = self._workspaces.get(workspace_id)
            held = calls.held if calls else 0
            if (
                self._held >= self._thread_limit
                and held
                and held >= self._thread_limit // len(self._workspaces)
            ):
                raise _too_many(workspace_id)
            if calls is None:
                calls = self._workspaces[workspace_id] = _WorkspaceCalls()
            of_member = calls.by_member.get(member_id, 0)
            if calls.running < self.limit and of_member < self.member_limit:
                calls.running += 1
                calls.by_member[member_id] = of_member + 1
                self._held += 1
                return None
            queue = calls.queues.get(member_id, ())
            if calls.queued >= self.queue_limit or len(queue) >= self.member_queue_limit:
                raise _too_many(workspace_id)
            waiter = _Waiter()
            calls.queues.setdefault(member_id, deque()).append(waiter)
            calls.queued += 1
            self._held += 1
            return waiter

    def _stop_waiting(self, workspace_id: str, member_id: str, waiter: _Waiter) -> None:
        """Leaves the queue. Raises TooManyRequests unless a permit was handed over."""
        with self._lock:
            if waiter.has_permit:
                return
            calls = self._workspaces[workspace_id]
            calls.queues[member_id].remove(waiter)
            if not calls.queues[member_id]:
                del calls.queues[member_id]
            calls.queued -= 1
            self._forget_if_idle(workspace_id, calls)
        raise _too_many(workspace_id)

    def _release(self, workspace_id: str, member_id: str) -> None:
        with self._lock:
            calls = self._workspaces[workspace_id]
            calls.running -= 1
            calls.by_member[member_id] -= 1
            if not calls.by_member[member_id]:
                del calls.by_member[member_id]
            self._hand_over(calls)
            self._forget_if_idle(workspace_id, calls)

    def _hand_over(self, calls: _WorkspaceCalls) -> None:
        """Hands the permit to a waiting call: round-robin, among members below their limit."""
        for member_id, queue in calls.queues.items():
            of_member = calls.by_member.get(member_id, 0)
            if of_member >= self.member_limit:
                continue
            waiter = queue.popleft()
            del calls.queues[member_id]
            if queue:
                calls.queues[member_id] = queue  # behind the others
            calls.queued -= 1
            calls.running += 1
            calls.by_member[member_id] = of_member + 1
            waiter.has_permit = True
            waiter.granted.set()
            return

    def _forget_if_idle(self, workspace_id: str, calls: _WorkspaceCalls) -> None:
        self._held -= 1
        if not calls.held:
            del self._workspaces[workspace_id]


def _too_many(workspace_id: str) -> TooManyRequests:
    limit_log.note("concurrent_calls", 60, workspace=workspace_id)
    sentence = (
        "This workspace has as many calls under way as it may have at once. Wait "
        f"{_RETRY_AFTER_SECONDS} seconds and call again."
    )
    return TooManyRequests(sentence, retry_after_seconds=_RETRY_AFTER_SECONDS)
