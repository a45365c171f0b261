"""Admit calls and store them, with one commit for all that arrive together.

A request queues its entry and acquires the writer lock; its holder commits the whole queue (group commit).
Those that waited for the lock find their entry stored already. So a lone call pays one commit, and sixteen at
once share a few.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import bindparam, insert
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app import audit, database, limit_log, rate_windows
from app.config import Settings
from app.errors import TooManyRequests, Unavailable
from app.fast_queries import PreparedStatement, PreparedTransaction, writing, writing_alone
from app.usage import metrics, windows
from app.usage.limit_events import LimitAnnouncer
from app.usage.models import Call, CallRow
from app.usage.tiers import Limits
from app.usage.windows import DAY, KnownCounts, RedisWindows, Spent

_COLUMNS = tuple(field.name for field in fields(Call))
_INSERT = PreparedStatement(
    insert(CallRow.__table__).values({name: bindparam(name) for name in _COLUMNS}).inline()  # type: ignore[attr-defined]
)
# Both rows with one round trip, where the database can.
_IN_TRAIL = {name: f"trail_{name}" for name in audit.COLUMNS}
_INSERT_BOTH = PreparedStatement(
    insert(audit.AuditEntry.__table__)  # type: ignore[attr-defined]
    .values({column: bindparam(name) for column, name in _IN_TRAIL.items()})
    .inline()
    .add_cte(
        insert(CallRow.__table__)  # type: ignore[attr-defined]
        .values({name: bindparam(name) for name in _COLUMNS})
        .inline()
        .cte("called")
    )
)
_LARGEST_BATCH = 256
_PATIENCE_SECONDS = 3.0
_LOST_CONNECTION_SECONDS = 0.5  # a failure that fast is no lock that was waited for


@dataclass
class _Entry:
    """What one request wants stored. `done` is set once it is on disk, or `error` says why it is not."""

    workspace_id: str = ""
    limits: Limits | None = None
    call: Call | None = None
    # an entry of the audit trail (`audit.make`) that belongs to the call
    trail: Mapping[str, Any] | None = None
    full: int = 0  # seconds of the window that was full, or 0
    done: bool = False
    error: BaseException | None = field(default=None, repr=False)


class Ledger:
    """The ledger of one process."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._queue: deque[_Entry] = deque()
        self._pen = threading.Lock()
        self._known = KnownCounts()
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
            entry = _Entry(workspace_id, limits)
            self._write(entry)
            full = entry.full
        if full:
            self._announcer.note_refusal(workspace_id, full, limits)
            raise over_limit(full, limits, workspace_id)

    def record(self, call: Call, trail: Mapping[str, Any] | None = None) -> None:
        """Store a call with its entry in the audit trail. Durable on return."""
        self._write(_Entry(call=call, trail=trail))
        metrics.count(call)

    def admit_and_record(
        self, workspace_id: str, limits: Limits, call: Call, trail: Mapping[str, Any] | None = None
    ) -> None:
        """Both with one commit, for a call that reaches no service.

        Raises TooManyRequests over the limit; the call is then stored as refused, without an audit entry.
        """
        full = self._redis.take(workspace_id, limits) if self._redis else None
        entry = _Entry(workspace_id, limits if full is None else None, call, None if full else trail)
        if full:
            call.outcome = TooManyRequests.code
        self._write(entry)
        metrics.count(call)
        if full or entry.full:
            self._announcer.note_refusal(workspace_id, full or entry.full, limits)
            raise over_limit(full or entry.full, limits, workspace_id)

    def _write(self, entry: _Entry) -> None:
        self._queue.append(entry)
        with self._pen:
            while not entry.done:
                self._write_next()
        if entry.error is not None:
            raise entry.error

    def _write_next(self) -> None:
        batch = self._next_batch(_LARGEST_BATCH)
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

    def _next_batch(self, most: int) -> list[_Entry]:
        return [self._queue.popleft() for _ in range(min(len(self._queue), most))]

    def _write_again(self, batch: Sequence[_Entry]) -> None:
        """Once more, all together: the connection was an old one, closed by a restart of the database."""
        try:
            self._commit(batch)
        except Exception as error:
            self._fail(batch, error)
        else:
            _finish(batch)

    def _write_each(self, batch: Sequence[_Entry], *, until: float, failure: Exception) -> None:
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

    def _fail(self, batch: Sequence[_Entry], error: Exception) -> None:
        """Fail whoever waited with this batch as well: trying for each again would add up their waits."""
        _finish([*batch, *self._next_batch(len(self._queue))], error)

    def _commit(self, batch: Sequence[_Entry]) -> None:
        if len(batch) == 1 and _is_one_statement(batch[0]):
            return self._commit_alone(batch[0])
        with writing(durable=any(entry.trail for entry in batch)) as db:
            self._forget_old(db)
            _take(db, batch, self._known)
            if rows := [_row_of(entry.call) for entry in batch if entry.call]:
                db.run_many(_INSERT, rows)
            if trails := [entry.trail for entry in batch if entry.trail]:  # without those over the limit
                db.run_many(audit.INSERT, trails)

    def _commit_alone(self, entry: _Entry) -> None:
        """With one statement, which is a transaction of its own. What `_take` gives back over a limit is a
        second one, without which the first may stand.
        """
        with writing_alone(durable=bool(entry.trail)) as db:
            self._forget_old(db)
            if entry.call is None:
                _take(db, [entry], self._known)
            elif entry.trail:
                trail = {_IN_TRAIL[name]: value for name, value in entry.trail.items()}
                db.run(_INSERT_BOTH, **_row_of(entry.call), **trail)
            else:
                db.run(_INSERT, **_row_of(entry.call))

    def _forget_old(self, db: PreparedTransaction) -> None:
        self._batches += 1
        if self._batches % 5_000 == 0:
            windows.forget_old(db)


def _is_one_statement(entry: _Entry) -> bool:
    if entry.trail and database.current().is_sqlite:
        return False
    return (entry.limits is None) != (entry.call is None)


def _row_of(call: Call) -> dict[str, Any]:
    return {name: getattr(call, name) for name in _COLUMNS}


def _finish(batch: Iterable[_Entry], error: BaseException | None = None) -> None:
    for entry in batch:
        entry.error, entry.done = error, True


def _is_database_trouble(error: Unavailable) -> bool:
    """Whether the database is away, locked, full or busy; otherwise it refused something in the batch."""
    cause = error.__cause__
    dbapi = database.current().engine.dialect.loaded_dbapi
    return cause is None or isinstance(cause, (dbapi.OperationalError, PoolTimeout))


def _take(db: PreparedTransaction, batch: Sequence[_Entry], known: KnownCounts) -> None:
    """Counts the batch's calls, one statement per workspace, and marks those over the limit, in order."""
    asking: dict[tuple[str, Limits], list[_Entry]] = {}
    for entry in batch:
        if entry.limits is not None:
            asking.setdefault((entry.workspace_id, entry.limits), []).append(entry)
    # In one order everywhere, so that two workers never wait for each other's counters.
    for (workspace_id, limits), entries in sorted(asking.items(), key=lambda item: item[0][0]):
        allowed, full = windows.take(db, workspace_id, limits, len(entries), known)
        _refuse(entries[allowed:], full)


def _refuse(entries: Iterable[_Entry], full: int) -> None:
    for entry in entries:
        entry.full, entry.trail = full, None
        if entry.call:
            entry.call.outcome = TooManyRequests.code


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


def record(call: Call, trail: Mapping[str, Any] | None = None) -> None:
    """Store a call with its entry in the audit trail. Durable on return."""
    current().record(call, trail)


def admit_and_record(
    workspace_id: str, limits: Limits, call: Call, trail: Mapping[str, Any] | None = None
) -> None:
    """Count and store a call that reaches no service, with one commit. Raises TooManyRequests."""
    current().admit_and_record(workspace_id, limits, call, trail)
