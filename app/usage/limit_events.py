"""Announces that a workspace has used all calls of a window: once per window, however many are refused."""

import logging
from datetime import UTC, datetime

from app import events, rate_windows
from app.audit import in_full
from app.database import transaction
from app.errors import Unavailable
from app.usage.tiers import Limits
from app.usage.windows import DAY

log = logging.getLogger(__name__)

_MOST_REMEMBERED = 10_000


class LimitAnnouncer:
    """Remembers what this process has announced, so that further refusals in a window cost nothing.

    Other processes may announce the same window; `once` makes them one event.
    """

    def __init__(self) -> None:
        self._announced: set[tuple[str, int, int]] = set()

    def note_refusal(self, workspace_id: str, full: int, limits: Limits) -> None:
        """A call was refused because the window of `full` seconds is used up. Never raises Unavailable."""
        window = rate_windows.current(full)
        key = (workspace_id, full, window.start)
        if key in self._announced:
            return
        if len(self._announced) >= _MOST_REMEMBERED:
            self._announced.clear()
        self._announced.add(key)
        try:
            _announce(workspace_id, full, window.start, limits)
        except Unavailable:
            self._announced.discard(key)
            log.warning("a full limit could not be announced: the database is away; the next refusal does it")


def _announce(workspace_id: str, full: int, start: int, limits: Limits) -> None:
    name, limit = ("day", limits.per_day) if full == DAY else ("minute", limits.per_minute)
    with transaction() as db:
        events.announce(
            db,
            "limit.reached",
            workspace_id=workspace_id,
            sentence=f"The workspace has used all {limit:,} calls of this {name}. Further calls are refused.",
            once=f"limit:{name}:{start}",
            window=name,
            limit=limit,
            resets_at=in_full(datetime.fromtimestamp(start + full, UTC)),
        )
