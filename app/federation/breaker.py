"""Leaves a server alone that does not answer: per connection, in this process.

After a few calls in a row without an answer the next ones are refused at once, with the wait. When the wait
is over one call is let through to find out, and the others follow once it was answered. An error that the
server itself sends, such as a 404, is an answer.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from app.connectors.api import Api
from app.connectors.request import UpstreamCall
from app.errors import ProviderUnavailable, ToolError

FAILURES = 3  # in a row
# The first pause; it doubles. With the trial that follows a server is back within half a minute.
FIRST_SECONDS, LONGEST_SECONDS = 5.0, 20.0
_TRIAL_SECONDS = 60.0  # as long as a call may last: then another one may find out
_MOST = 10_000  # connections one process remembers
_SILENT_MILLISECONDS = 20_000.0  # a call that its client gave up after so long without a byte is a failure
_GATEWAY_ERRORS = {502, 503, 504}  # somebody before the server could not reach it


@dataclass(slots=True)
class _Trouble:
    """What is remembered of a connection whose last call was not answered. Moments are monotonic."""

    failures: int = 0
    closed_until: float = 0.0
    trial_until: float = 0.0


class Breaker:
    """The breakers of one process."""

    def __init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}
        self._lock = threading.Lock()

    def seconds_left(self, connection_id: str) -> float:
        """How long the server is still left alone on this connection; 0.0: a call may be tried."""
        with self._lock:
            trouble = self._troubles.get(connection_id)
            return _left(trouble) if trouble is not None else 0.0

    @contextmanager
    def around(self, connection_id: str, api: Api) -> Iterator[None]:
        """Around a call. Raises ProviderUnavailable with the wait while the server is left alone."""
        self._enter(connection_id, api.service.name)
        sent = len(api.calls)
        try:
            yield
        except ToolError:
            # one that its own client gave up soon says nothing about the server
            if len(api.calls) > sent and (not api.cancelled() or _was_silent(api.calls[-1])):
                self._note(connection_id, api.calls[-1].status)
            else:
                self._end_trial(connection_id)
            raise
        except BaseException:
            self._end_trial(connection_id)
            raise
        self._note(connection_id, 200)

    def _enter(self, connection_id: str, name: str) -> None:
        with self._lock:
            trouble = self._troubles.get(connection_id)
            if trouble is None or trouble.failures < FAILURES:
                return
            if (left := _left(trouble)) > 0.0:
                # a trial may end at any moment
                wait = min(left, FIRST_SECONDS) if trouble.trial_until else left
                raise ProviderUnavailable(
                    f"{name} has not answered the last {trouble.failures} calls, so calls to it are paused "
                    "for a few seconds. Please try again later.",
                    retry_after_seconds=math.ceil(wait),
                )
            trouble.trial_until = monotonic() + _TRIAL_SECONDS

    def _note(self, connection_id: str, status: int | None) -> None:
        """The call ended with that status; None: there was no answer."""
        with self._lock:
            if status is not None and status not in _GATEWAY_ERRORS:
                self._troubles.pop(connection_id, None)
                return
            if len(self._troubles) >= _MOST and connection_id not in self._troubles:
                self._troubles.clear()
            trouble = self._troubles.setdefault(connection_id, _Trouble())
            trouble.failures += 1
            trouble.trial_until = 0.0
            if trouble.failures >= FAILURES:
                pause = FIRST_SECONDS * 2.0 ** min(trouble.failures - FAILURES, 10)
                trouble.closed_until = monotonic() + min(pause, LONGEST_SECONDS)

    def _end_trial(self, connection_id: str) -> None:
        """The call that was to find out found nothing out: the next one does."""
        with self._lock:
            if (trouble := self._troubles.get(connection_id)) is not None:
                trouble.trial_until = 0.0


def _was_silent(call: UpstreamCall) -> bool:
    return call.was_abandoned and call.milliseconds >= _SILENT_MILLISECONDS


def _left(trouble: _Trouble) -> float:
    return max(0.0, max(trouble.closed_until, trouble.trial_until) - monotonic())


BREAKER = Breaker()
