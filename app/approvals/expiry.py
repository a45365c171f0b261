"""What ends by time: requests nobody decided, work that cannot still run, and rows past their retention."""

import logging
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import audit, clock, metrics
from app.approvals import events, models
from app.approvals.models import Approval
from app.database import transaction
from app.errors import Unavailable

log = logging.getLogger(__name__)
_AT_ONCE = 500
_throttle = clock.Throttle(60)


def sweep_if_due() -> None:
    """Sweep at most once per minute and process. A read-only database is no reason to show nothing."""
    if not _throttle.is_due():
        return
    try:
        with transaction() as db:
            sweep(db)
    except Unavailable:
        log.warning("requests that are over could not be ended now; the next sweep does it")


def sweep(db: Session) -> int:
    """End what has expired and delete what is old, a bounded number at once. Returns how many ended."""
    at = clock.now()
    over = select(Approval).where(
        col(Approval.state).in_((models.WAITING, models.RUNNING)), col(Approval.until) <= at
    )
    ended = list(
        db.execute(
            over.order_by(col(Approval.until)).limit(_AT_ONCE).with_for_update(skip_locked=True)
        ).scalars()
    )
    for approval in ended:
        end_if_over(db, approval, at)
    old = select(col(Approval.id)).where(
        col(Approval.created_at) < at - models.RETENTION,
        col(Approval.state).not_in((models.WAITING, models.RUNNING)),
    )
    db.execute(delete(Approval).where(col(Approval.id).in_(old.limit(_AT_ONCE))))
    return len(ended)


def end_if_over(db: Session, approval: Approval, at: datetime) -> None:
    """Record that a request expired, or that its outcome cannot be known. The row must be locked."""
    if approval.until is None or approval.until > at:
        return
    if approval.state == models.WAITING:
        approval.state, approval.open_key, approval.ended_at, approval.until = (
            models.EXPIRED,
            None,
            approval.until,
            None,
        )
        metrics.APPROVALS_DECIDED.labels("expired").inc()
        _note(db, approval, "approval.expired")
        events.announce_decided(db, approval, events.EXPIRED)
    elif approval.state == models.RUNNING:
        approval.state, approval.outcome_code, approval.ended_at, approval.until = (
            models.UNKNOWN,
            "TIMEOUT",
            at,
            None,
        )
        _note(db, approval, "approval.outcome_unknown")


def _note(db: Session, approval: Approval, action: str) -> None:
    audit.record(db, action, **audit.about(approval, approval.user_id), tool=approval.tool)
