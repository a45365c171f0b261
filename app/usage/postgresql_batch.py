"""A batch of the ledger on PostgreSQL: one statement, which is a transaction of its own.

The rows are parameters in JSON, one of each kind however many there are. So a statement stays prepared, and a
row more costs little on both sides.
"""

import functools
import json
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql

from app import audit
from app.database import UtcDateTime
from app.errors import TooManyRequests, Unavailable
from app.fast_queries import WITHOUT_WAITING, PreparedStatement, writing
from app.last_use import moments
from app.usage import windows
from app.usage.entries import COLUMNS, PendingCall, by_workspace, refuse_over, row_of
from app.usage.models import CallRow
from app.usage.tiers import Limits
from app.usage.windows import KnownCounts, Spent, Starts

log = logging.getLogger(__name__)

_Rows = dict[str, list[dict[str, Any]]]  # what is stored where, with the entry's workspace and turn

# Both counters of every workspace that asks, and how many of its calls have room (more: all).
_COUNT = """
asked AS (
  SELECT * FROM json_to_recordset(CAST(:asked AS JSON)) AS asked (
    workspace_id VARCHAR, calls INTEGER, minute INTEGER, day INTEGER, per_minute BIGINT, per_day BIGINT)
), counted AS (
  INSERT INTO limit_counters (workspace_id, "window", window_start, count)
  SELECT workspace_id, present.name, present.start, present.known + calls
  FROM asked CROSS JOIN LATERAL (
    VALUES (1, 'minute', CAST(:minute AS INTEGER), minute), (2, 'day', CAST(:day AS INTEGER), day)
  ) AS present (rank, name, start, known)
  ORDER BY workspace_id, rank
  ON CONFLICT (workspace_id, "window", window_start) DO UPDATE SET count = GREATEST(excluded.count,
    limit_counters.count + (SELECT calls FROM asked WHERE asked.workspace_id = excluded.workspace_id))
  RETURNING workspace_id, "window", count
), spent AS (
  SELECT workspace_id,
    max(count) FILTER (WHERE "window" = 'minute') AS minute,
    max(count) FILTER (WHERE "window" = 'day') AS day,
    min(CASE "window" WHEN 'minute' THEN per_minute ELSE per_day END - count) + min(calls) AS room
  FROM counted JOIN asked USING (workspace_id) GROUP BY workspace_id
)"""
_COUNT_NOTHING = """
spent AS (SELECT CAST(NULL AS VARCHAR) AS workspace_id, 0 AS minute, 0 AS day, 0 AS room WHERE false)"""
_INSERT = """, {table}_stored AS (
  INSERT INTO {table} ({names})
  SELECT {values} FROM json_to_recordset(CAST(:{table} AS JSON)) AS given (
    {types}, place INTEGER, asker VARCHAR, turn INTEGER) LEFT JOIN spent ON spent.workspace_id = asker
  {which}
  ORDER BY place
)"""
# A row that somebody else changes at this moment is passed over: no call waits for that.
_USE = """, {table}_used AS (
  UPDATE {table} SET last_used_at = :at WHERE id IN (
    SELECT found.id FROM {table} AS found JOIN json_to_recordset(CAST(:{table} AS JSON)) AS given (
      id VARCHAR, asker VARCHAR, turn INTEGER) USING (id)
    LEFT JOIN spent ON spent.workspace_id = asker
    WHERE (turn >= room) IS NOT TRUE
      AND (last_used_at IS NULL OR last_used_at < :before OR last_used_at > :at)
    FOR NO KEY UPDATE OF found SKIP LOCKED)
)"""


def _insert_into(table: Table, columns: Iterable[str], which: str = "", **instead: str) -> str:
    """The INSERT of rows that satisfy `which`, with other values `instead` of those given."""
    kinds = {name: table.c[name].type.compile(dialect=postgresql.dialect()) for name in columns}  # type: ignore[no-untyped-call]
    return _INSERT.format(
        table=table.name,
        names=", ".join(f'"{name}"' for name in columns),
        values=", ".join(instead.get(name, f'given."{name}"') for name in columns),
        types=", ".join(f'"{name}" {kind}' for name, kind in kinds.items()),
        which=which,
    )


_INSERTS = {
    "calls": _insert_into(
        CallRow.__table__,  # type: ignore[attr-defined]
        COLUMNS,
        outcome=f"CASE WHEN turn >= room THEN '{TooManyRequests.code}' ELSE given.outcome END",
    ),
    "audit_entries": _insert_into(
        audit.AuditEntry.__table__,  # type: ignore[attr-defined]
        audit.COLUMNS,
        which="WHERE (turn >= room) IS NOT TRUE",
    ),
}


def store(batch: Sequence[PendingCall], known: KnownCounts) -> None:
    """Count and store the entries, and mark those over a limit. Raises Unavailable."""
    durable = any(entry.trail for entry in batch)
    starts, asking = windows.present(), by_workspace(batch)
    rows = _rows_of(batch)
    if asking:
        rows["asked"] = [
            _counters_of(workspace_id, limits, len(entries), known.of(workspace_id, starts))
            for workspace_id, limits, entries in asking
        ]
    statement = _statement(tuple(sorted(rows)), durable=durable)
    parameters = {name: _encode(given) for name, given in rows.items()}
    with writing(durable=durable) as db:
        found = db.rows(statement, **parameters, **starts._asdict(), **moments())
    counted = {workspace_id: Spent(minute, day) for workspace_id, minute, day, *_ in found}
    for workspace_id, limits, entries in asking:
        if refused := refuse_over(limits, entries, counted[workspace_id], starts, known):
            _give_back(workspace_id, refused, starts)


def _rows_of(batch: Sequence[PendingCall]) -> _Rows:
    rows: _Rows = {}
    for place, entry in enumerate(batch):
        whose = {"asker": entry.workspace_id, "turn": entry.turn} if entry.limits else {}
        if entry.call:
            rows.setdefault("calls", []).append({**row_of(entry.call), **whose, "place": place})
        if entry.trail:
            rows.setdefault("audit_entries", []).append({**entry.trail, **whose, "place": place})
        for use in entry.uses:
            rows.setdefault(use.of.table, []).append({"id": use.row_id, **whose})
    return rows


def _counters_of(workspace_id: str, limits: Limits, calls: int, known: Spent) -> dict[str, Any]:
    return {"workspace_id": workspace_id, "calls": calls, **known._asdict(), **vars(limits)}


def _give_back(workspace_id: str, refused: int, starts: Starts) -> None:
    """With a statement of its own, because one cannot change a row twice. Without it the first may stand: it
    must not fail what is stored.
    """
    try:
        with writing(durable=False) as db:
            windows.give_back(db, workspace_id, refused, starts)
    except Unavailable:
        log.warning("%d refused calls of %s stay counted: the database is away", refused, workspace_id)


@functools.cache
def _statement(kinds: tuple[str, ...], *, durable: bool) -> PreparedStatement:
    """The statement for rows of these kinds. It returns the counts of every workspace that asks."""
    asks = "asked" in kinds
    parts = [_COUNT if asks else _COUNT_NOTHING]
    parts += [_INSERTS.get(kind) or _USE.format(table=kind) for kind in kinds if kind != "asked"]
    counts, source = ("workspace_id, minute, day", "FROM spent") if asks else ("NULL, 0, 0", "")
    waiting = "" if durable else f", {WITHOUT_WAITING}"
    return PreparedStatement(text(f"WITH {''.join(parts)} SELECT {counts}{waiting} {source}"))


def _plain(value: datetime) -> str:
    moment = UtcDateTime().process_bind_param(value, None)
    return "" if moment is None else moment.isoformat()


_encode = json.JSONEncoder(default=_plain).encode
