"""Requests for a yes, as tests look at them."""

import re
from typing import Any

from sqlmodel import select

from app import database
from app.approvals.models import Approval
from app.audit import AuditEntry

LINK = re.compile(r"http://\S+/approvals/(apr_\w+)")


def request_in(envelope: dict[str, Any]) -> str:
    """The id of the request an answer asks a yes for."""
    assert envelope.get("error", {}).get("code") == "APPROVAL_NEEDED", envelope
    found = LINK.search(envelope["error"]["message"])
    assert found, envelope
    assert envelope["error"]["details"]["approval_url"].endswith(found[1])
    return found[1]


def stored(**columns: Any) -> list[Approval]:
    """The rows with these values, oldest first."""
    with database.reading() as db:
        return list(db.scalars(select(Approval).filter_by(**columns).order_by(Approval.created_at, Approval.id)))


def trail() -> list[str]:
    """What the audit trail says of approvals, in order."""
    with database.reading() as db:
        entries = db.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [entry.action for entry in entries if entry.action.startswith("approval.")]
