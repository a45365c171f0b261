"""The fixed windows that calls are counted in: each starts at a multiple of its length (UTC).

`usage.windows` counts a whole group commit in two windows at once and gives back what did not fit, in the
database or in Redis. Attempts to sign in are not counted in windows: see `accounts.budgets`.
"""

from dataclasses import dataclass

from app import clock


@dataclass(frozen=True)
class Window:
    """When a window starts, in epoch seconds, and the whole seconds until it ends (at least 1)."""

    start: int
    seconds_left: int


def current(seconds: int) -> Window:
    """Return the current window of that length."""
    now = int(clock.timestamp())
    return Window(now - now % seconds, seconds - now % seconds)
