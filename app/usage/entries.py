"""What one call wants stored, and the grouping of those that are stored together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from app.errors import TooManyRequests
from app.last_use import UseOfRow
from app.usage import windows
from app.usage.models import Call
from app.usage.tiers import Limits
from app.usage.windows import MINUTE, KnownCounts, Spent, Starts

COLUMNS = tuple(column.name for column in fields(Call))
_values = attrgetter(*COLUMNS)


@dataclass
class PendingCall:
    """What one request wants stored. `done` is set once it is on disk, or `error` says why it is not."""

    workspace_id: str = ""
    limits: Limits | None = None
    call: Call | None = None
    # an entry of the audit trail (`audit.make`) that belongs to the call
    trail: Mapping[str, Any] | None = None
    uses: Sequence[UseOfRow] = ()
    turn: int = 0  # its place among those of the workspace that are counted with it
    full: int = 0  # seconds of the window that was full, or 0
    done: bool = False
    error: BaseException | None = field(default=None, repr=False)

    def refuse(self, full: int) -> None:
        """Refuse it, since the window of `full` seconds is full: only the refusal is stored."""
        self.full, self.trail, self.uses = full, None, ()
        if self.call:
            self.call.outcome = TooManyRequests.code


def row_of(call: Call) -> dict[str, Any]:
    """The columns of a call."""
    return dict(zip(COLUMNS, _values(call), strict=True))


def by_workspace(batch: Iterable[PendingCall]) -> list[tuple[str, Limits, list[PendingCall]]]:
    """The entries to count, of each workspace and its limits.

    In one order everywhere, so that two processes never wait for each other's counters.
    """
    found: dict[str, tuple[str, Limits, list[PendingCall]]] = {}
    for entry in batch:
        if entry.limits is not None:
            _, _, entries = found.setdefault(entry.workspace_id, (entry.workspace_id, entry.limits, []))
            entry.turn = len(entries)
            entries.append(entry)
    return [found[workspace_id] for workspace_id in sorted(found)]


def refuse_over(
    limits: Limits, entries: Sequence[PendingCall], counted: Spent, starts: Starts, known: KnownCounts
) -> int:
    """Refuse those of a workspace's counted entries that are over its limits. Returns how many."""
    fitting, full = windows.allowed(limits, len(entries), counted)
    if full:  # the counts may hold what other processes have not given back yet
        counted = Spent(limits.per_minute, 0) if full == MINUTE else Spent(0, limits.per_day or 0)
    known.note(entries[0].workspace_id, starts, counted)
    for entry in entries[fitting:]:
        entry.refuse(full)
    return len(entries) - fitting
