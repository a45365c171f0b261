"""Approve and reject. Each is one conditional UPDATE, so that of all who decide at once exactly one does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from app import audit, clock, crypto, metrics
from app.approvals import events, models
from app.approvals.models import Approval
from app.crypto import KeyRing
from app.database import transaction
from app.vault.seal import place

_DEEDS = {
    models.DONE: "approval.carried_out",
    models.FAILED: "approval.did_not_work",
    models.UNKNOWN: "approval.outcome_unknown",
}


@dataclass(frozen=True)
class Decider:
    """Who decides, and where: on the page or in the chat."""

    user_id: str
    name: str
    via: str


@dataclass(frozen=True)
class ExecutionResult:
    """How a write ended. `is_certain` False: it may or may not have been done."""

    envelope: Mapping[str, Any]
    code: str  # ok, or the error code of the envelope
    is_certain: bool = True

    @property
    def state(self) -> str:
        """The state of the request afterwards."""
        if not self.is_certain:
            return models.UNKNOWN
        return models.DONE if self.code == "ok" else models.FAILED


def claim(db: Session, approval: Approval, decider: Decider) -> str | None:
    """Approve. Returns the token of whoever carries it out now, or None if already decided or expired."""
    token, at = crypto.new_token(), clock.now()
    claimed = _decide(
        db,
        approval,
        decider,
        state=models.RUNNING,
        claim=token,
        until=at + models.RUNNING_LIMIT,
        decided_at=at,
        problem=None,
    )
    if not claimed:
        return None
    metrics.APPROVALS_DECIDED.labels("approved").inc()
    _note(db, approval, "approval.approved", decider.user_id, via=decider.via)
    events.announce_decided(db, approval, events.APPROVED, decider.user_id)
    return token


def reject(db: Session, approval: Approval, decider: Decider) -> bool:
    """Reject. False if already decided or expired."""
    at = clock.now()
    if not _decide(
        db, approval, decider, state=models.REJECTED, decided_at=at, ended_at=at, until=None, problem=None
    ):
        return False
    _note_rejected(db, approval, decider)
    return True


def reject_waiting(db: Session, workspace_id: str, slug: str, decider: Decider) -> int:
    """Reject everything that waits for a service that is being removed. Returns how many did."""
    waiting = select(Approval).where(
        col(Approval.workspace_id) == workspace_id,
        col(Approval.slug) == slug,
        col(Approval.state) == models.WAITING,
    )
    at = clock.now()
    rows = list(db.execute(waiting.order_by(col(Approval.id)).with_for_update()).scalars())
    for approval in rows:
        approval.state, approval.decided_at, approval.ended_at = models.REJECTED, at, at
        approval.until = approval.problem = None
        approval.decided_by, approval.decided_by_name = decider.user_id, decider.name[:200]
        approval.via = decider.via
        _note_rejected(db, approval, decider)
    return len(rows)


def return_to_waiting(approval: Approval, token: str, problem: str) -> None:
    """Nothing was sent to the service: the request waits again, with the reason."""
    with transaction() as db:
        waits = {
            "state": models.WAITING,
            "until": approval.created_at + models.WAITING_LIMIT,
            "problem": problem[:500],
        }
        nobody = {"claim": None, "decided_at": None, "decided_by": None, "decided_by_name": "", "via": ""}
        mine = (
            col(Approval.id) == approval.id,
            col(Approval.claim) == token,
            col(Approval.state) == models.RUNNING,
        )
        if db.execute(update(Approval).where(*mine).values(**waits, **nobody)).rowcount == 1:  # type: ignore[attr-defined]
            _note(db, approval, "approval.not_carried_out", approval.user_id)
            events.announce_waiting(db, approval)


def store_result(
    keys: KeyRing, approval: Approval, token: str, ended: ExecutionResult, *, delivered: bool = False
) -> None:
    """Store the outcome, also a late one. `delivered`: the AI client is receiving it now."""
    sealed = keys.seal(json.dumps(ended.envelope, ensure_ascii=False), **place(approval, "outcome_sealed"))
    at = clock.now()
    end: dict[str, Any] = {"state": ended.state, "outcome_code": ended.code[:32], "outcome_sealed": sealed}
    if delivered:
        end |= {"delivered_at": at, "open_key": None}
    with transaction() as db:
        mine = (
            col(Approval.id) == approval.id,
            col(Approval.claim) == token,
            col(Approval.state).in_((models.RUNNING, models.UNKNOWN)),
        )
        if db.execute(update(Approval).where(*mine).values(**end, ended_at=at, until=None)).rowcount == 1:  # type: ignore[attr-defined]
            _note(db, approval, _DEEDS[ended.state], approval.user_id, outcome=ended.code)


def _decide(db: Session, approval: Approval, decider: Decider, **values: Any) -> bool:
    waiting = (
        col(Approval.id) == approval.id,
        col(Approval.state) == models.WAITING,
        col(Approval.until) > clock.now(),
    )
    by = {"decided_by": decider.user_id, "decided_by_name": decider.name[:200], "via": decider.via}
    decided = db.execute(
        update(Approval).where(*waiting).values(**values, **by).execution_options(synchronize_session=False)
    )
    return bool(decided.rowcount == 1)  # type: ignore[attr-defined]


def _note_rejected(db: Session, approval: Approval, decider: Decider) -> None:
    metrics.APPROVALS_DECIDED.labels("rejected").inc()
    _note(db, approval, "approval.rejected", decider.user_id, via=decider.via)
    events.announce_decided(db, approval, events.REJECTED, decider.user_id)


def _note(db: Session, approval: Approval, action: str, user_id: str, **details: Any) -> None:
    audit.record(
        db,
        action,
        **audit.about(approval, user_id),
        tool=approval.tool,
        connection=approval.connection_id,
        **details,
    )
