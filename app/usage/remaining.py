"""What a workspace has left of its limits."""

from dataclasses import dataclass

from app import rate_windows
from app.usage import ledger, windows
from app.usage.tiers import Limits, limits_of
from app.workspaces.models import Workspace


@dataclass(frozen=True)
class Allowance:
    """Calls counted in the present minute and day, and the limits."""

    tier: str
    limits: Limits
    minute: int
    day: int

    @property
    def minute_left(self) -> int:
        """Calls that may still be made this minute."""
        return max(0, self.limits.per_minute - self.minute)

    @property
    def day_left(self) -> int | None:
        """Calls that may still be made today; None without a daily cap."""
        return None if self.limits.per_day is None else max(0, self.limits.per_day - self.day)

    @property
    def is_short(self) -> bool:
        """Whether less than a tenth of the day is left."""
        return (
            self.limits.per_day is not None
            and self.day_left is not None
            and self.day_left * 10 < self.limits.per_day
        )

    @property
    def resets_in_minutes(self) -> int:
        """Whole minutes until the next day begins (UTC)."""
        return -(-rate_windows.current(windows.DAY).seconds_left // 60)


def of(workspace: Workspace) -> Allowance:
    """The workspace's allowance now. Counts no call. Raises Unavailable."""
    limits = limits_of(workspace.tier, workspace.per_minute, workspace.per_day)
    spent = ledger.current().spent(workspace.id)
    return Allowance(workspace.tier, limits, spent.minute, spent.day)
