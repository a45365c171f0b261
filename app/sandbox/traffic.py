"""Rate limits: the recent calls per key (a company, a token), and the lever `limit`."""

from collections import deque
from typing import Any

from app.sandbox.current import Here


def count_call(at: Here, key: str, most: int | None, *, seconds: float = 60) -> tuple[int, int]:
    """Count a call, unless the key has made `most` calls within the last `seconds`; None: count only.

    Returns the calls in the window, and the seconds to wait: 0 for a call that is within the limit.
    """
    now = at.now().timestamp()
    calls = at.calls.setdefault(key, deque())
    while calls and not 0 <= now - calls[0] < seconds:  # a lever may also have put the clock back
        calls.popleft()
    if most is not None and len(calls) >= most:
        return len(calls), max(1, round(seconds - (now - calls[0]))) if calls else round(seconds)
    calls.append(now)
    return len(calls), 0


def set_limit(at: Here, given: dict[str, Any]) -> None:
    """The lever `limit`: calls `per_minute` from now on; null counts only."""
    at.grants.book.put("limit", "minute", {"calls": given["per_minute"]})
    at.calls.clear()


def limit_of(at: Here) -> int | None:
    """The calls per minute that the lever set. Without it no limit applies: all tests share the demo data."""
    limit: int | None = (at.grants.book.find("limit", "minute") or {}).get("calls")
    return limit
