"""How many calls of one workspace may be under way in this process, so that a workspace in trouble keeps to
its share of threads.

A call that asks a service, or its person, may last a minute, and holds a thread for so long. Sixty-four such
calls would hold every thread, and everybody else would wait for somebody else's slow service. So one
workspace gets some turns, more calls wait for one, and the next is told to come back. Members take turns too:
one member gets at most three quarters of them, never all places to wait, and who waits is served member by
member.

Whoever waits holds nothing but a thread, of which there are plenty for that (`config.THREADS_IN_ALL`): an
honest burst is served whole, a bit later. When many workspaces are in trouble at once each is held to its
part of what there is; the last threads are kept for those with nothing under way.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.config import THREADS_IN_ALL
from app.errors import TooManyRequests

PATIENCE_SECONDS = 10.0
_COME_BACK_SECONDS = 2
_LOOK_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class _Waiting:
    """A call that waits. `has_turn` is set under the lock by whoever gives the turn."""

    called: threading.Event = field(default_factory=threading.Event)
    has_turn: bool = False


@dataclass(slots=True)
class _Place:
    """One workspace's calls in this process."""

    under_way: int = 0
    queued: int = 0
    by_member: dict[str, int] = field(default_factory=dict)
    # the member whose turn is next comes first
    queues: dict[str, deque[_Waiting]] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return self.under_way + self.queued


class FairSemaphore:
    """The turns of one process. `at_once` is one workspace's share of the `threads` that work."""

    def __init__(self, threads: int, at_once: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.at_once = at_once
        self.may_wait = (THREADS_IN_ALL - 1) * threads
        self.of_a_member = max(1, at_once * 3 // 4)
        self.of_a_member_may_wait = self.may_wait - self.may_wait // 8
        self._in_all = THREADS_IN_ALL * threads - max(1, threads // 2)
        self._patience = patience_seconds
        self._places: dict[str, _Place] = {}
        self._held = 0
        self._lock = threading.Lock()

    @contextmanager
    def take(
        self, workspace_id: str, member_id: str, is_gone: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Hold a turn. Raises TooManyRequests when none comes free while it is worth waiting, or who asked
        `is_gone`.
        """
        waiting = self._begin(workspace_id, member_id)
        if waiting is not None:
            end = time.monotonic() + self._patience
            while (
                (left := end - time.monotonic()) > 0
                and not waiting.called.wait(min(left, _LOOK_SECONDS))
                and not is_gone()
            ):
                pass
            self._stop_waiting(workspace_id, member_id, waiting)
        try:
            yield
        finally:
            self._end(workspace_id, member_id)

    def _begin(self, workspace_id: str, member_id: str) -> _Waiting | None:
        """None when the call may go on, else what it waits for."""
        with self._lock:
            place = self._places.get(workspace_id)
            held = place.held if place else 0
            if self._held >= self._in_all and held and held >= self._in_all // len(self._places):
                raise _come_back()
            if place is None:
                place = self._places[workspace_id] = _Place()
            mine = place.by_member.get(member_id, 0)
            if place.under_way < self.at_once and mine < self.of_a_member:
                place.under_way += 1
                place.by_member[member_id] = mine + 1
                self._held += 1
                return None
            queue = place.queues.get(member_id, ())
            if place.queued >= self.may_wait or len(queue) >= self.of_a_member_may_wait:
                raise _come_back()
            waiting = _Waiting()
            place.queues.setdefault(member_id, deque()).append(waiting)
            place.queued += 1
            self._held += 1
            return waiting

    def _stop_waiting(self, workspace_id: str, member_id: str, waiting: _Waiting) -> None:
        """Go on with the turn that was given. Raises TooManyRequests when none was."""
        with self._lock:
            if waiting.has_turn:
                return
            place = self._places[workspace_id]
            place.queues[member_id].remove(waiting)
            if not place.queues[member_id]:
                del place.queues[member_id]
            place.queued -= 1
            self._leave(workspace_id, place)
        raise _come_back()

    def _end(self, workspace_id: str, member_id: str) -> None:
        with self._lock:
            place = self._places[workspace_id]
            place.under_way -= 1
            place.by_member[member_id] -= 1
            if not place.by_member[member_id]:
                del place.by_member[member_id]
            self._give_turn(place)
            self._leave(workspace_id, place)

    def _give_turn(self, place: _Place) -> None:
        """Let one who waits go on: of the member whose turn it is, among those with room."""
        for member_id, queue in place.queues.items():
            mine = place.by_member.get(member_id, 0)
            if mine >= self.of_a_member:
                continue
            waiting = queue.popleft()
            del place.queues[member_id]
            if queue:
                place.queues[member_id] = queue  # behind the others
            place.queued -= 1
            place.under_way += 1
            place.by_member[member_id] = mine + 1
            waiting.has_turn = True
            waiting.called.set()
            return

    def _leave(self, workspace_id: str, place: _Place) -> None:
        self._held -= 1
        if not place.held:
            del self._places[workspace_id]


def _come_back() -> TooManyRequests:
    sentence = (
        "This workspace has as many calls under way as it may have at once. Wait "
        f"{_COME_BACK_SECONDS} seconds and call again."
    )
    return TooManyRequests(sentence, retry_after_seconds=_COME_BACK_SECONDS)
