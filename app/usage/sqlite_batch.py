"""A batch of the ledger on SQLite: one transaction."""

from collections.abc import Sequence

from sqlalchemy import bindparam, insert

from app import audit
from app.fast_queries import PreparedStatement, PreparedTransaction, writing
from app.usage import windows
from app.usage.entries import COLUMNS, PendingCall, by_workspace, refuse_over, row_of
from app.usage.models import CallRow
from app.usage.windows import KnownCounts

_INSERT = PreparedStatement(
    insert(CallRow.__table__).values({name: bindparam(name) for name in COLUMNS}).inline()  # type: ignore[attr-defined]
)


def store(batch: Sequence[PendingCall], known: KnownCounts) -> None:
    """Count and store the entries, and mark those over a limit. Raises Unavailable."""
    durable = any(entry.trail for entry in batch)
    with writing(durable=durable, alone=len(batch) == 1 and _is_one_statement(batch[0])) as db:
        _count(db, batch, known)
        if rows := [row_of(entry.call) for entry in batch if entry.call]:
            db.run_many(_INSERT, rows)
        if trails := [entry.trail for entry in batch if entry.trail]:  # without those over the limit
            db.run_many(audit.INSERT, trails)
        for use in {use for entry in batch for use in entry.uses}:
            use.write(db)


def _is_one_statement(entry: PendingCall) -> bool:
    """What `_count` gives back over a limit is a second one, without which the first may stand."""
    return not entry.trail and not entry.uses and (entry.limits is None) != (entry.call is None)


def _count(db: PreparedTransaction, batch: Sequence[PendingCall], known: KnownCounts) -> None:
    starts = windows.present()
    for workspace_id, limits, entries in by_workspace(batch):
        counted = windows.count(db, workspace_id, len(entries), starts, known)
        if refused := refuse_over(limits, entries, counted, starts, known):
            windows.give_back(db, workspace_id, refused, starts)
