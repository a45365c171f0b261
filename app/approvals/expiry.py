"""What time ends: requests nobody answered, work nobody can be at any more, and what was kept long enough."""

import logging
import threading
import time
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import audit, clock
from app.approvals import models
from app.approvals.models import Approval
from app.database import transaction
from app.errors import Unavailable

log = logging.getLogger(__name__)
_EVERY_SECONDS = 60.0
_AT_ONCE = 500

_due = 0.0
_lock = threading.Lock()


def sweep_sometimes() -> None:
    """Sweep at most once a minute in this process. A database that takes no writes is no reason to show
    nothing.
    """
    global _due
    with _lock:
        if time.monotonic() < _due:
            return
        _due = time.monotonic() + _EVERY_SECONDS
    try:
        with transaction() as db:
            sweep(db)
    except Unavailable:
        log.warning("requests that are over could not be ended now; the next sweep does it")


def sweep(db: Session) -> int:
    """End what is over and forget what is old, a bounded number at once. Says how many ended."""
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
    """Write down that a request expired, or that what became of it cannot be known. The row must be
    locked.
    """
    if approval.until is None or approval.until > at:
        return
    if approval.state == models.WAITING:
        approval.state, approval.open_key, approval.ended_at, approval.until = (
            models.EXPIRED,
            None,
            approval.until,
            None,
        )
        _note(db, approval, "approval.expired")
    elif approval.state == models.RUNNING:
        approval.state, approval.outcome_code, approval.ended_at, approval.until = (
            models.UNKNOWN,
            "TIMEOUT",
            at,
            None,
        )
        _note(db, approval, "approval.outcome_unknown")


def _note(db: Session, approval: Approval, action: str) -> None:
    audit.record(
        db,
        action,
        workspace_id=approval.workspace_id,
        user_id=approval.user_id,
        subject=approval.id,
        tool=approval.tool,
    )
