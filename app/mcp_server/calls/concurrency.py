"""Limits the concurrent calls of one workspace in this process, so that a slow service occupies only its
share of threads.

A call that contacts a service, or asks its person, may last a minute and occupies a thread for that long.
Sixty-four such calls would occupy every thread, and everybody else would wait for one workspace's slow
service. So each workspace gets a number of permits; further calls wait for one, and calls beyond that are
refused with Retry-After. Members share fairly: one member gets at most three quarters of the permits, never
the whole queue, and waiting calls are served round-robin by member. A service that a workspace brought itself
gets at most half of its permits: when it hangs, the calls of the workspace's other services go on.

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
    by_service: dict[str, int] = field(default_factory=dict)
    # by member and service, in round-robin order: the member to serve next comes first
    queues: dict[tuple[str, str], deque[_Waiter]] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return self.running + self.queued

    def queued_of(self, member_id: str) -> int:
        return sum(len(queue) for (member, _), queue in self.queues.items() if member == member_id)


class FairSemaphore:
    """The permits of one process. `limit` is one workspace's share of the working `threads`."""

    def __init__(self, threads: int, limit: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.limit = limit
        self.queue_limit = (THREADS_IN_ALL - 1) * threads
        self.member_limit = max(1, limit * 3 // 4)
        self.service_limit = max(1, limit // 2)
        self.member_queue_limit = self.queue_limit - self.queue_limit // 8
        self._thread_limit = THREADS_IN_ALL * threads - max(1, threads // 2)
        self._patience = patience_seconds
        self._workspaces: dict[str, _WorkspaceCalls] = {}
        self._held = 0
        self._lock = threading.Lock()

    @contextmanager
    def acquire(
        self,
        workspace_id: str,
        member_id: str,
        is_gone: Callable[[], bool] = lambda: False,
        *,
        service: str = "",
    ) -> Iterator[bool]:
        """Holds a permit; the value is whether the call waited for it. Raises TooManyRequests if none comes
        free in time, or `is_gone` becomes true.

        `service`: the slug of one that the workspace brought itself, "" for any other call.
        """
        waiter = self._request(workspace_id, member_id, service)
        if waiter is not None:
            end = time.monotonic() + self._patience
            while (
                (left := end - time.monotonic()) > 0
                and not waiter.granted.wait(min(left, _POLL_SECONDS))
                and not is_gone()
            ):
                pass
            self._stop_waiting(workspace_id, (member_id, service), waiter)
        try:
            yield waiter is not None
        finally:
            self._release(workspace_id, member_id, service)

    def sample(self) -> None:
        """Set the gauges of running and waiting calls."""
        with self._lock:
            calls = list(self._workspaces.values())
            metrics.CALLS_RUNNING.set(sum(each.running for each in calls))
            metrics.CALLS_WAITING.set(sum(each.queued for each in calls))

    def _request(self, workspace_id: str, member_id: str, service: str) -> _Waiter | None:
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
            if calls.running < self.limit and self._has_room(calls, member_id, service):
                _count(calls, member_id, service, 1)
                self._held += 1
                return None
            if calls.queued >= self.queue_limit or calls.queued_of(member_id) >= self.member_queue_limit:
                raise _too_many(workspace_id)
            waiter = _Waiter()
            calls.queues.setdefault((member_id, service), deque()).append(waiter)
            calls.queued += 1
            self._held += 1
            return waiter

    def _has_room(self, calls: _WorkspaceCalls, member_id: str, service: str) -> bool:
        return calls.by_member.get(member_id, 0) < self.member_limit and (
            not service or calls.by_service.get(service, 0) < self.service_limit
        )

    def _stop_waiting(self, workspace_id: str, place: tuple[str, str], waiter: _Waiter) -> None:
        """Leaves the queue. Raises TooManyRequests unless a permit was handed over."""
        with self._lock:
            if waiter.has_permit:
                return
            calls = self._workspaces[workspace_id]
            calls.queues[place].remove(waiter)
            if not calls.queues[place]:
                del calls.queues[place]
            calls.queued -= 1
            self._forget_if_idle(workspace_id, calls)
        raise _too_many(workspace_id)

    def _release(self, workspace_id: str, member_id: str, service: str) -> None:
        with self._lock:
            calls = self._workspaces[workspace_id]
            _count(calls, member_id, service, -1)
            self._hand_over(calls)
            self._forget_if_idle(workspace_id, calls)

    def _hand_over(self, calls: _WorkspaceCalls) -> None:
        """Hands free permits to waiting calls: round-robin, among members and services below their limit."""
        while calls.running < self.limit:
            place = next((place for place in calls.queues if self._has_room(calls, *place)), None)
            if place is None:
                return
            waiter = calls.queues[place].popleft()
            if not calls.queues[place]:
                del calls.queues[place]
            for own in [own for own in calls.queues if own[0] == place[0]]:
                calls.queues[own] = calls.queues.pop(own)  # behind the others
            calls.queued -= 1
            _count(calls, *place, 1)
            waiter.has_permit = True
            waiter.granted.set()

    def _forget_if_idle(self, workspace_id: str, calls: _WorkspaceCalls) -> None:
        self._held -= 1
        if not calls.held:
            del self._workspaces[workspace_id]


def _count(calls: _WorkspaceCalls, member_id: str, service: str, by: int) -> None:
    """Count a call that begins (1) or has ended (-1)."""
    calls.running += by
    for counted, key in ((calls.by_member, member_id), (calls.by_service, service)):
        counted[key] = counted.get(key, 0) + by
        if not counted[key]:
            del counted[key]


def _too_many(workspace_id: str) -> TooManyRequests:
    limit_log.note("concurrent_calls", 60, workspace=workspace_id)
    sentence = (
        "This workspace has as many calls under way as it may have at once. Wait "
        f"{_RETRY_AFTER_SECONDS} seconds and call again."
    )
    return TooManyRequests(sentence, retry_after_seconds=_RETRY_AFTER_SECONDS)
