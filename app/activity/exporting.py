"""The trail as a file, CSV or JSON Lines, written while it is sent: memory stays flat however long it is."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from app import audit
from app.activity import trail
from app.activity.sentences import sentence
from app.activity.trail import Asked
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


def as_csv(asked: Asked) -> Iterator[str]:
    """One entry a line, newest first. Raises Unavailable when the database goes away on the way."""
    yield _written([_HEADINGS])
    for lot, names in _lots(asked):
        yield _written([_line(entry, names) for entry in lot])


def as_json_lines(asked: Asked) -> Iterator[str]:
    """One JSON object a line, newest first, with everything it takes to check the links
    (docs/activity.md). Raises Unavailable.
    """
    for lot, names in _lots(asked):
        yield "".join(json.dumps(_record(entry, names), ensure_ascii=False) + "\n" for entry in lot)


def _lots(asked: Asked) -> Iterator[tuple[Sequence[AuditEntry], dict[str, str]]]:
    for lot in trail.every(asked):
        with reading() as db:
            names = trail.names_in(db, asked.workspace_id, lot)
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
    told = {"person": names.get(entry.user_id or "", ""), "what": sentence(entry, names)}
    return {"at": audit.in_full(entry.at), **told, **{name: getattr(entry, name) for name in members}}


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
