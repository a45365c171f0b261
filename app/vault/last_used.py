"""When a connection last served a call, for "Last synced" on its card."""

from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import update
from sqlmodel import col

from app import clock, database
from app.vault.models import Connection

_USED_EVERY = timedelta(seconds=60)
_last_used: dict[str, datetime] = {}
_last_used_lock = Lock()


def mark_used(connection_id: str) -> None:
    """Record a successful call. Written at most once per minute, so that calls stay cheap."""
    at = clock.now()
    with _last_used_lock:
        before = _last_used.get(connection_id)
        if before is not None and before <= at < before + _USED_EVERY:
            return
        if len(_last_used) > 10_000:
            _last_used.clear()
        _last_used[connection_id] = at
    with database.transaction() as db:
        db.execute(update(Connection).where(col(Connection.id) == connection_id).values(last_used_at=at))
