"""The audit trail as operators read it: of the installation or of any workspace, newest first."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from app.admin import queries
from app.audit import AuditEntry
from app.database import reading


@dataclass(frozen=True)
class Line:
    """One entry, with who did it and where, in words."""

    entry: AuditEntry
    who: str
    workspace: str
    details: list[tuple[str, str]]


@dataclass(frozen=True)
class Shown:
    """One page of the trail. `workspace` is the one it is of, `older` the number the next page begins below."""

    lines: list[Line]
    workspace: str
    actions: list[str]
    older: int | None


def load(workspace_id: str, action: str, before: str) -> Shown:
    """The page below the entry `before`; of one workspace, of what concerns none (`-`), or of all ("")."""
    below = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    with reading() as db:
        found, further = queries.every_audit_entry_unsafe(db, workspace_id, action, below)
        lines = _lines(db, found)
        name = queries.names_of_workspaces_unsafe(db, [workspace_id]).get(workspace_id, "")
    return Shown(lines, name, sorted({line.entry.action for line in lines}), found[-1].id if further and found else None)


def _lines(db: Session, found: list[AuditEntry]) -> list[Line]:
    people = queries.addresses_of_unsafe(db, [entry.user_id for entry in found if entry.user_id])
    places = queries.names_of_workspaces_unsafe(db, [entry.workspace_id for entry in found if entry.workspace_id])
    return [
        Line(
            entry,
            people.get(entry.user_id or "", "Somebody who is gone" if entry.user_id else "Patchbay"),
            places.get(entry.workspace_id or "", entry.workspace_id or ""),
            [(name.replace("_", " "), _words(value)) for name, value in entry.details.items()],
        )
        for entry in found
    ]


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {_words(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_words(part) for part in value)
    return "none" if value is None else {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)[:300]
