"""The trail as a file, CSV or JSON Lines, written while it is sent: memory use is flat at any length."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from app import audit
from app.activity import trail
from app.activity.sentences import sentence
from app.activity.trail import TrailFilter
from app.audit import AuditEntry
from app.database import reading
from app.usage.csv_files import cell

_HEADINGS = (
    "time_utc",
    "person",
    "what",
    "action",
    "subject",
    "details",
    "user_id",
    "workspace_id",
    "entry",
    "previous",
    "hash",
)


def as_csv(trail_filter: TrailFilter) -> Iterator[str]:
    """One entry per line, newest first. Raises Unavailable if the database goes away meanwhile."""
    yield _written([_HEADINGS])
    for lot, names in _lots(trail_filter):
        yield _written([_line(entry, names) for entry in lot])


def as_json_lines(trail_filter: TrailFilter) -> Iterator[str]:
    """One JSON object per line, newest first, with all that checks the links. Raises Unavailable."""
    for lot, names in _lots(trail_filter):
        yield "".join(json.dumps(_record(entry, names), ensure_ascii=False) + "\n" for entry in lot)


def _lots(trail_filter: TrailFilter) -> Iterator[tuple[Sequence[AuditEntry], dict[str, str]]]:
    for lot in trail.all_entries(trail_filter):
        with reading() as db:
            names = trail.names_in(db, trail_filter.workspace_id, lot)
        yield lot, names


def _record(entry: AuditEntry, names: dict[str, str]) -> dict[str, Any]:
    members = (
        "workspace_id",
        "user_id",
        "action",
        "subject",
        "details",
        "nonce",
        "signature",
        "seq",
        "previous",
        "hash",
    )
    described = {"person": names.get(entry.user_id or "", ""), "what": sentence(entry, names)}
    return {"at": audit.in_full(entry.at), **described, **{name: getattr(entry, name) for name in members}}


def _line(entry: AuditEntry, names: dict[str, str]) -> Sequence[object]:
    return (
        audit.in_full(entry.at),
        names.get(entry.user_id or "", ""),
        sentence(entry, names),
        entry.action,
        entry.subject,
        json.dumps(entry.details, ensure_ascii=False, sort_keys=True),
        entry.user_id or "",
        entry.workspace_id or "",
        entry.seq,
        entry.previous,
        entry.hash,
    )


def _written(lines: Sequence[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([cell(value) for value in line] for line in lines)
    return file.getvalue()
