"""The windows calls are counted in, and counting them in the database or in Redis."""

import logging
import threading
import time
from typing import NamedTuple

from sqlalchemy import and_, bindparam, or_, select, text
from sqlmodel import col

from app import clock, rate_windows
from app.fast_queries import PreparedStatement, PreparedTransaction, writing
from app.usage.models import LimitCounter
from app.usage.tiers import Limits

log = logging.getLogger(__name__)

MINUTE, DAY = 60, 86_400
_REST_SECONDS = 5.0
_MOST_KNOWN = 50_000

_ADD = PreparedStatement(
    text(
        """
        INSERT INTO limit_counters (workspace_id, "window", window_start, count)
        VALUES (:workspace_id, 'minute', :minute, :minute_n), (:workspace_id, 'day', :day, :day_n)
        ON CONFLICT (workspace_id, "window", window_start) DO UPDATE SET count =
            CASE WHEN limit_counters.count < excluded.count - :n THEN excluded.count
            ELSE limit_counters.count + :n END
        RETURNING "window", count
        """
    )
)
# Minute before day, as they are counted, so that two processes never wait for each other's row.
_GIVE_BACK = PreparedStatement(
    text(
        """
        INSERT INTO limit_counters (workspace_id, "window", window_start, count)
        VALUES (:workspace_id, 'minute', :minute, 0), (:workspace_id, 'day', :day, 0)
        ON CONFLICT (workspace_id, "window", window_start) DO UPDATE SET count = limit_counters.count - :n
        """
    ),
    awaited=False,
)
_FORGET = PreparedStatement(
    text(
        "DELETE FROM limit_counters WHERE (\"window\" = 'minute' AND window_start < :minute) OR "
        "window_start < :day"
    ),
    awaited=False,
)

_MINE = col(LimitCounter.workspace_id) == bindparam("workspace_id")
_LOOK = PreparedStatement(
    select(col(LimitCounter.window), col(LimitCounter.count)).where(
        or_(
            and_(
                _MINE,
                col(LimitCounter.window) == "minute",
                col(LimitCounter.window_start) == bindparam("minute"),
            ),
            and_(
                _MINE, col(LimitCounter.window) == "day", col(LimitCounter.window_start) == bindparam("day")
            ),
        )
    )
)

_LUA = """
local function used(key, known) return math.max(tonumber(redis.call('GET', key) or '0'), tonumber(known)) end
local function over(count, limit) return limit >= 0 and count >= limit end
local minute, day = used(KEYS[1], ARGV[3]), used(KEYS[2], ARGV[4])
if over(minute, tonumber(ARGV[1])) then return {1, minute, day} end
if over(day, tonumber(ARGV[2])) then return {2, minute, day} end
redis.call('SET', KEYS[1], minute + 1, 'EX', 120)
redis.call('SET', KEYS[2], day + 1, 'EX', 172800)
return {0, minute + 1, day + 1}
"""


class Spent(NamedTuple):
    """Calls counted in one minute and one day."""

    minute: int
    day: int


class Starts(NamedTuple):
    """When a minute and a day begin, in epoch seconds."""

    minute: int
    day: int


def present() -> Starts:
    """The windows of this moment."""
    return Starts(rate_windows.current(MINUTE).start, rate_windows.current(DAY).start)


class KnownCounts:
    """The highest counts this process has seen of the present windows, wherever they were counted.

    When Redis goes away in the middle of a window, or comes back empty, the other counter goes on from there.
    The database alone needs none, and is more exact without: another process may not have given back yet what
    it refused.
    """

    def __init__(self, *, is_needed: bool = True) -> None:
        self._is_needed = is_needed
        self._seen: dict[str, tuple[Starts, Spent]] = {}
        self._lock = threading.Lock()

    def of(self, workspace_id: str, starts: Starts) -> Spent:
        """Return them, 0 of a window that is not one of those that begin at `starts`."""
        (minute, day), spent = self._seen.get(workspace_id, (Starts(0, 0), Spent(0, 0)))
        return Spent(spent.minute if minute == starts.minute else 0, spent.day if day == starts.day else 0)

    def note(self, workspace_id: str, starts: Starts, spent: Spent) -> None:
        """Remember what a counter says of the windows that begin at `starts`."""
        if not self._is_needed:
            return
        known = self.of(workspace_id, starts)
        highest = Spent(max(known.minute, spent.minute), max(known.day, spent.day))
        with self._lock:
            if len(self._seen) >= _MOST_KNOWN and workspace_id not in self._seen:
                self._seen.clear()
            self._seen[workspace_id] = starts, highest


def count(
    db: PreparedTransaction, workspace_id: str, wanted: int, starts: Starts, known: KnownCounts
) -> Spent:
    """Count `wanted` calls of a workspace, whether or not they are over its limits. Returns the counts with
    them.
    """
    before = known.of(workspace_id, starts)
    new = {"minute_n": before.minute + wanted, "day_n": before.day + wanted}
    counts = dict(db.rows(_ADD, workspace_id=workspace_id, **starts._asdict(), n=wanted, **new))
    return Spent(counts["minute"], counts["day"])


def allowed(limits: Limits, wanted: int, counted: Spent) -> tuple[int, int]:
    """How many of `wanted` calls, which are counted already, are within the limits, and the full window's
    size (0: none is).
    """
    spare_minute = limits.per_minute - (counted.minute - wanted)
    spare_day = wanted if limits.per_day is None else limits.per_day - (counted.day - wanted)
    fitting = max(0, min(wanted, spare_minute, spare_day))
    if fitting == wanted:
        return wanted, 0
    return fitting, DAY if spare_day <= spare_minute else MINUTE


def give_back(db: PreparedTransaction, workspace_id: str, unused: int, starts: Starts) -> None:
    """Take refused calls out of the counts."""
    db.run(_GIVE_BACK, workspace_id=workspace_id, **starts._asdict(), n=unused)


def look(workspace_id: str) -> Spent:
    """What the database has counted of the present windows. Raises Unavailable."""
    counts: dict[str, int] = dict(_LOOK.rows(workspace_id=workspace_id, **present()._asdict()))
    return Spent(counts.get("minute", 0), counts.get("day", 0))


def forget_old() -> None:
    """Delete the counters of windows that are over. Raises Unavailable."""
    now = int(clock.timestamp())
    with writing(durable=False, alone=True) as db:
        db.run(_FORGET, minute=now - 3_600, day=now - 3 * DAY)


class RedisWindows:
    """The same counters in Redis. When Redis is away they say so once, and rest for a few seconds."""

    def __init__(self, url: str, known: KnownCounts | None = None) -> None:
        import redis  # only where it is used: app/url_settings.py

        self._failure = redis.RedisError
        self._known = known or KnownCounts()
        self._client = redis.Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25)
        self._script = self._client.register_script(_LUA)
        self._away_until = 0.0
        self._lock = threading.Lock()

    def look(self, workspace_id: str) -> Spent | None:
        """What Redis has counted of the present windows; None when it cannot say."""
        if self._is_away():
            return None
        try:
            minute, day = self._client.mget(_keys(workspace_id, present()))  # type: ignore[misc]
        except self._failure as error:
            self._rest(error)
            return None
        self._answered()
        return Spent(int(minute or 0), int(day or 0))

    def take(self, workspace_id: str, limits: Limits) -> int | None:
        """Counts one call. Returns 0 if allowed, else the full window's size; None when Redis cannot say."""
        if self._is_away():
            return None
        starts = present()
        try:
            known = self._known.of(workspace_id, starts)
            per_day = -1 if limits.per_day is None else limits.per_day
            args = [limits.per_minute, per_day, known.minute, known.day]
            full, minute, day = self._script(keys=_keys(workspace_id, starts), args=args)  # type: ignore[misc]
        except self._failure as error:
            self._rest(error)
            return None
        self._answered()
        self._known.note(workspace_id, starts, Spent(minute, day))
        return {0: 0, 1: MINUTE, 2: DAY}[full]

    def _is_away(self) -> bool:
        """Whether to leave Redis alone. After the rest one caller tries it; the others go on without."""
        if not self._away_until:
            return False
        with self._lock:
            if time.monotonic() < self._away_until:
                return True
            self._away_until = time.monotonic() + _REST_SECONDS
        return False

    def _answered(self) -> None:
        if self._away_until:
            self._away_until = 0.0
            log.warning("Redis is back: calls are counted there again")

    def _rest(self, error: Exception) -> None:
        with self._lock:
            if not self._away_until:
                log.warning(
                    "Redis is away (%s): calls are counted in the database meanwhile", type(error).__name__
                )
            self._away_until = time.monotonic() + _REST_SECONDS


def _keys(workspace_id: str, starts: Starts) -> list[str]:
    return [f"patchbay:calls:{workspace_id}:{name}:{start}" for name, start in starts._asdict().items()]
