"""The fixed windows that budgets and calls are counted in: each starts at a multiple of its length (UTC).

Two counters use them. `accounts.budgets` counts or refuses one attempt inside the caller's transaction, so a
refusal undoes what that transaction took before. `usage.windows` counts a whole group commit in two windows
at once and gives back what did not fit, in the database or in Redis.
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
