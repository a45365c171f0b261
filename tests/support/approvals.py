"""Approval requests, as tests look at them."""

import json
import re
from typing import Any

from sqlmodel import select

from app import clock, crypto, database
from app.approvals import models
from app.approvals.models import Approval
from app.audit import AuditEntry
from app.config import Settings
from app.vault.models import Connection
from app.vault.seal import seal

LINK = re.compile(r"http://\S+/approvals/(apr_\w+)")


def make_waiting(
    settings: Settings, connection: Connection, grant_id: str, *, text: str = "two chairs"
) -> Approval:
    """A request of the connection's owner that waits for approval, as if an AI client had called."""
    at = clock.now()
    approval = Approval(
        id=crypto.new_id("apr"),
        workspace_id=connection.workspace_id,
        user_id=connection.owner_id,
        grant_id=grant_id,
        client_name="Claude",
        connection_id=connection.id,
        slug=connection.slug,
        service=connection.slug,
        account=connection.account_name,
        tool=f"{connection.slug}_create_client",
        title="Create a client",
        arguments_sealed="",
        idempotency_key=crypto.new_token(),
        until=at + models.WAITING_LIMIT,
        created_at=at,
    )
    seal(settings.vault_keys, approval, "arguments_sealed", json.dumps({"organization": text}))
    with database.transaction() as db:
        db.add(approval)
    return approval


def request_in(envelope: dict[str, Any]) -> str:
    """The id of the request that an answer says is needed."""
    assert envelope.get("error", {}).get("code") == "APPROVAL_NEEDED", envelope
    found = LINK.search(envelope["error"]["message"])
    assert found, envelope
    assert envelope["error"]["details"]["approval_url"].endswith(found[1])
    return found[1]


def stored(**columns: Any) -> list[Approval]:
    """The rows with these values, oldest first."""
    with database.reading() as db:
        return list(
            db.scalars(select(Approval).filter_by(**columns).order_by(Approval.created_at, Approval.id))
        )


def trail() -> list[str]:
    """What the audit trail says of approvals, in order."""
    with database.reading() as db:
        entries = db.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [entry.action for entry in entries if entry.action.startswith("approval.")]
