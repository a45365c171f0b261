"""Admit calls and store them, with one commit for all that arrive together.

A request queues its entry and acquires the writer lock; its holder commits the whole queue (group commit).
Those that waited for the lock find their entry stored already. So a lone call pays one commit, and sixteen at
once share a few.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeout

from app import database, limit_log, rate_windows
from app.config import Settings
from app.errors import TooManyRequests, Unavailable
from app.last_use import UseOfRow
from app.usage import metrics, postgresql_batch, sqlite_batch, windows
from app.usage.entries import PendingCall
from app.usage.limit_events import LimitAnnouncer
from app.usage.models import Call
from app.usage.tiers import Limits
from app.usage.windows import DAY, KnownCounts, RedisWindows, Spent

_LARGEST_BATCH = 256
_PATIENCE_SECONDS = 3.0
_LOST_CONNECTION_SECONDS = 0.5  # a failure that fast is no lock that was waited for


class Ledger:
    """The ledger of one process."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._queue: deque[PendingCall] = deque()
        self._pen = threading.Lock()
        self._known = KnownCounts(is_needed=bool(redis_url))
        self._redis = RedisWindows(redis_url, self._known) if redis_url else None
        self._announcer = LimitAnnouncer()
        self._batches = 0

    def spent(self, workspace_id: str) -> Spent:
        """What of the present minute and day is used up, without counting a call. Raises Unavailable."""
        found = self._redis.look(workspace_id) if self._redis else None
        return found if found is not None else windows.look(workspace_id)

    def admit(self, workspace_id: str, limits: Limits) -> None:
        """Count one call against the limits. Raises TooManyRequests, and counts nothing then."""
        full = self._redis.take(workspace_id, limits) if self._redis else None
        if full is None:
            entry = PendingCall(workspace_id, limits)
            self._write(entry)
            full = entry.full
        if full:
            self._announcer.note_refusal(workspace_id, full, limits)
            raise over_limit(full, limits, workspace_id)

    def record(
        self, call: Call, trail: Mapping[str, Any] | None = None, uses: Sequence[UseOfRow] = ()
    ) -> None:
        """Store a call with its entry in the audit trail and what it used. Durable on return."""
        self._write(PendingCall(call=call, trail=trail, uses=uses))
        metrics.count(call)

    def admit_and_record(
        self,
        workspace_id: str,
        limits: Limits,
        call: Call,
        trail: Mapping[str, Any] | None = None,
        uses: Sequence[UseOfRow] = (),
    ) -> None:
        """Both with one commit, for a call that reaches no service.

        Raises TooManyRequests over the limit; the call is then stored as refused, without an audit entry, and
        used nothing.
        """
        full = self._redis.take(workspace_id, limits) if self._redis else None
        entry = PendingCall(workspace_id, limits if full is None else None, call, trail, uses)
        if full:
            entry.refuse(full)
        self._write(entry)
        metrics.count(call)
        if entry.full:
            self._announcer.note_refusal(workspace_id, entry.full, limits)
            raise over_limit(entry.full, limits, workspace_id)

    def _write(self, entry: PendingCall) -> None:
        self._queue.append(entry)
        with self._pen:
            while not entry.done:
                self._write_next()
        if entry.error is not None:
            raise entry.error

    def _write_next(self) -> None:
        batch = self._next_batch()
        started = time.monotonic()
        try:
            self._commit(batch)
        except Unavailable as error:
            if not _is_database_trouble(error):
                self._write_each(batch, until=started + _PATIENCE_SECONDS, failure=error)
            elif time.monotonic() - started < _LOST_CONNECTION_SECONDS and len(batch) > 1:
                self._write_again(batch)
            else:
                self._fail(batch, error)
        except Exception as error:
            self._write_each(batch, until=started + _PATIENCE_SECONDS, failure=error)
        else:
            _finish(batch)

    def _next_batch(self) -> list[PendingCall]:
        """What waits, up to the first whose workspace has got other limits meanwhile: those of a batch are
        counted at once.
        """
        batch: list[PendingCall] = []
        limits: dict[str, Limits] = {}
        while self._queue and len(batch) < _LARGEST_BATCH:
            first = self._queue[0]
            if first.limits and limits.setdefault(first.workspace_id, first.limits) != first.limits:
                break
            batch.append(self._queue.popleft())
        return batch

    def _write_again(self, batch: Sequence[PendingCall]) -> None:
        """Once more, all together: the connection was an old one, closed by a restart of the database."""
        try:
            self._commit(batch)
        except Exception as error:
            self._fail(batch, error)
        else:
            _finish(batch)

    def _write_each(self, batch: Sequence[PendingCall], *, until: float, failure: Exception) -> None:
        """Each on its own, because one bad entry must not fail the others. Not longer than `until`."""
        for entry in batch if len(batch) > 1 else ():
            if time.monotonic() > until:
                break
            try:
                self._commit([entry])
            except Exception as own:
                entry.error = own
            entry.done = True
        _finish([entry for entry in batch if not entry.done], failure)

    def _fail(self, batch: Sequence[PendingCall], error: Exception) -> None:
        """Fail whoever waited with this batch as well: trying for each again would add up their waits."""
        waited = [self._queue.popleft() for _ in range(len(self._queue))]
        _finish([*batch, *waited], error)

    def _commit(self, batch: Sequence[PendingCall]) -> None:
        self._batches += 1
        if self._batches % 5_000 == 0:
            windows.forget_old()
        store = sqlite_batch.store if database.current().is_sqlite else postgresql_batch.store
        store(batch, self._known)
        for entry in batch:
            for use in entry.uses:
                use.is_written()


def _finish(batch: Iterable[PendingCall], error: BaseException | None = None) -> None:
    for entry in batch:
        entry.error, entry.done = error, True


def _is_database_trouble(error: Unavailable) -> bool:
    """Whether the database is away, locked, full or busy; otherwise it refused something in the batch."""
    cause = error.__cause__
    dbapi = database.current().engine.dialect.loaded_dbapi
    return cause is None or isinstance(cause, (dbapi.OperationalError, PoolTimeout))


def over_limit(full: int, limits: Limits, workspace_id: str) -> TooManyRequests:
    """The error for a full window of `full` seconds, with the wait until it ends. Logged and counted."""
    wait = rate_windows.current(full).seconds_left
    kind = "calls_per_day" if full == DAY else "calls_per_minute"
    limit_log.note(kind, full, workspace=workspace_id)
    if full == DAY:
        sentence = (
            f"This workspace has used its {limits.per_day:,} calls of today. The count starts again "
            "at midnight UTC."
        )
        return TooManyRequests(f"{sentence} An operator can raise the tier.", retry_after_seconds=wait)
    return TooManyRequests(
        f"This workspace has used its {limits.per_minute:,} calls of this minute. Wait {wait} seconds and "
        "call again.",
        retry_after_seconds=wait,
    )


_current: Ledger | None = None


def bind(settings: Settings) -> Ledger:
    """Open the ledger of this process."""
    global _current
    _current = Ledger(settings.redis_url)
    return _current


def current() -> Ledger:
    """The ledger of this process. Raises RuntimeError before `bind`."""
    if _current is None:
        raise RuntimeError("no ledger is open: the factory calls ledger.bind()")
    return _current


def admit(workspace_id: str, limits: Limits) -> None:
    """Count one call against a workspace's limits. Raises TooManyRequests, and counts nothing then."""
    current().admit(workspace_id, limits)


def record(call: Call, trail: Mapping[str, Any] | None = None, uses: Sequence[UseOfRow] = ()) -> None:
    """Store a call with its entry in the audit trail and what it used. Durable on return."""
    current().record(call, trail, uses)


def admit_and_record(
    workspace_id: str,
    limits: Limits,
    call: Call,
    trail: Mapping[str, Any] | None = None,
    uses: Sequence[UseOfRow] = (),
) -> None:
    """Count and store a call that reaches no service, with one commit. Raises TooManyRequests."""
    current().admit_and_record(workspace_id, limits, call, trail, uses)
