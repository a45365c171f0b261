"""Announces that a write waits for a person, or waits no longer. The account and the arguments stay here."""

from typing import Any

from sqlmodel import Session

from app import events
from app.approvals.argument_text import visible
from app.approvals.models import WAITING_LIMIT, Approval
from app.audit import in_full

APPROVED, REJECTED, EXPIRED = "approved", "rejected", "expired"


def announce_waiting(db: Session, approval: Approval) -> None:
    """Somebody has to approve or reject it."""
    client = _client(approval) or "An AI client"
    events.announce(
        db,
        "approval.waiting",
        workspace_id=approval.workspace_id,
        sentence=f"{client} requested “{approval.title}” in {approval.service}. It waits for approval.",
        **_data(approval),
        expires_at=in_full(approval.created_at + WAITING_LIMIT),
    )


def announce_decided(db: Session, approval: Approval, decision: str, decided_by: str | None = None) -> None:
    """`decision` is one of the constants above."""
    outcome = "expired without a decision" if decision == EXPIRED else f"was {decision}"
    events.announce(
        db,
        "approval.decided",
        workspace_id=approval.workspace_id,
        sentence=f"“{approval.title}” in {approval.service} {outcome}.",
        **_data(approval),
        decision=decision,
        decided_by=decided_by,
    )


def _data(approval: Approval) -> dict[str, Any]:
    return {
        "approval_id": approval.id,
        "connection_id": approval.connection_id,
        "service": approval.slug,
        "service_name": approval.service,
        "tool": approval.tool,
        "title": approval.title,
        "client": _client(approval),
        "user_id": approval.user_id,
        "is_destructive": approval.is_destructive,
    }


def _client(approval: Approval) -> str:
    return " ".join(visible(approval.client_name).split())
