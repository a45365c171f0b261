"""The audit trail as operators read it: of the installation or of any workspace, newest first."""

from dataclasses import dataclass

from sqlmodel import Session

from app.activity import sentences
from app.admin import audit_queries, queries
from app.audit import AuditEntry
from app.database import reading


@dataclass(frozen=True)
class AuditRow:
    """One entry, with its person and workspace in words."""

    entry: AuditEntry
    who: str
    sentence: str
    facts: list[tuple[str, str]]
    workspace: str


@dataclass(frozen=True)
class AuditPage:
    """One page of the audit trail of `workspace`; the next page begins below the id `older`."""

    lines: list[AuditRow]
    workspace: str
    actions: list[str]
    older: int | None


def load(workspace_id: str, action: str, before: str) -> AuditPage:
    """The page below the entry `before`; of one workspace, of what concerns none (`-`), or of all ("")."""
    below = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    with reading() as db:
        found, further = audit_queries.every_audit_entry_unsafe(db, workspace_id, action, below)
        lines = _lines(db, found)
        name = queries.names_of_workspaces_unsafe(db, [workspace_id]).get(workspace_id, "")
    return AuditPage(
        lines,
        name,
        sorted({line.entry.action for line in lines}),
        found[-1].id if further and found else None,
    )


def _lines(db: Session, found: list[AuditEntry]) -> list[AuditRow]:
    ids = {
        each for entry in found for each in (entry.user_id, entry.subject) if each and each.startswith("usr_")
    }
    people = queries.addresses_of_unsafe(db, sorted(ids))
    places = queries.names_of_workspaces_unsafe(
        db, [entry.workspace_id for entry in found if entry.workspace_id]
    )
    return [
        AuditRow(
            entry,
            people.get(entry.user_id, sentences.GONE) if entry.user_id else sentences.OURSELVES,
            sentences.sentence(entry, people),
            sentences.facts(entry),
            places.get(entry.workspace_id or "", entry.workspace_id or ""),
        )
        for entry in found
    ]
