"""What people set on a connection: permission, label, visibility, owner. Each change is one audit entry.

`by` is the person who makes the change, for the audit trail.
"""

from collections.abc import Mapping

from sqlmodel import Session

from app import audit
from app.errors import InvalidInput
from app.vault import labels
from app.vault.models import Connection
from app.vault.store import get_current

LEVELS = ("off", "read", "ask", "write")
VISIBILITIES = ("shared", "personal")


def set_permission(db: Session, connection: Connection, level: str, *, by: str | None = None) -> Connection:
    """Change what AI clients may do with it: off, read, ask or write. Raises InvalidInput, NotFound."""
    if level not in LEVELS:
        raise InvalidInput("The permission must be off, read, ask or write.")
    row = get_current(db, connection)
    details = {**row.audit_details(), "before": row.permission, "level": level}
    row.permission = level
    audit.record(db, "connection.permission_changed", **audit.about(row, by), **details)
    return row


def set_approve_on_page(
    db: Session, connection: Connection, on_page: bool, *, by: str | None = None
) -> Connection:
    """Whether its writes are approved on the page only, never in the AI client's chat. Raises NotFound."""
    row = get_current(db, connection)
    row.approve_on_page = on_page
    details = {**row.audit_details(), "on_page": on_page}
    audit.record(db, "connection.approval_place_changed", **audit.about(row, by), **details)
    return row


def set_tools(
    db: Session, connection: Connection, names: Mapping[str, str], *, on: bool, by: str | None = None
) -> Connection:
    """Switch tools on or off for every AI client. `names` maps full names to titles. Raises NotFound."""
    row = get_current(db, connection, lock=True)
    left = [name for name in row.hidden_tools if name not in names]
    row.hidden_tools = left if on else [*left, *names]
    details = {**row.audit_details(), "on": on, "tools": list(names), "titles": ", ".join(names.values())}
    audit.record(db, "connection.tools_changed", **audit.about(row, by), **details)
    return row


def set_label(db: Session, connection: Connection, label: str, *, by: str | None = None) -> Connection:
    """Change its label; an empty one falls back to the account's name. Raises InvalidInput, NotFound."""
    label = " ".join(label.split())
    if not labels.is_plain(label):
        raise InvalidInput(
            f"The label must be at most {labels.LONGEST} letters, digits, spaces and simple punctuation."
        )
    row = get_current(db, connection)
    details = {**row.audit_details(), "label": label if row.visibility == "shared" else ""}
    row.label = label
    audit.record(db, "connection.renamed", **audit.about(row, by), **details)
    return row


def set_visibility(
    db: Session, connection: Connection, visibility: str, *, by: str | None = None
) -> Connection:
    """Make it shared with all members, or personal to its owner. Raises InvalidInput, NotFound."""
    if visibility not in VISIBILITIES:
        raise InvalidInput("The visibility must be shared or personal.")
    row = get_current(db, connection)
    account = row.audit_details()["account"]
    row.visibility = visibility
    details = {
        "slug": row.slug,
        "account": account or row.audit_details()["account"],
        "visibility": visibility,
    }
    audit.record(db, "connection.visibility_changed", **audit.about(row, by), **details)
    return row


def hand_over(db: Session, connection: Connection, owner_id: str, *, by: str | None = None) -> Connection:
    """Give a shared connection another owner, because its owner leaves the workspace. Raises NotFound."""
    row = get_current(db, connection)
    row.owner_id = owner_id
    audit.record(db, "connection.handed_over", **audit.about(row, by), to=owner_id)
    return row
