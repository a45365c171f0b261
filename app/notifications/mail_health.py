"""Whether the mail server takes our mail: since when not, why, and when the next try is due.

One row for all processes. Each change of state is one conditional update and one line in the log, written by
the process whose update changed it. While mail fails, one try in a while finds out whether it works again.
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from app import clock
from app.database import reading, transaction, upsert_into
from app.notifications import models
from app.notifications.models import ConnectionNotice, MailHealth
from app.smtp import NotDelivered

log = logging.getLogger(__name__)
_ROW = 1
_NEW = {"id": _ROW, "is_set_up": True, "reason": "", "failures": 0}
_LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True)
class MailState:
    """`failing_since` is None while mail works. `reason` is for operators; `waiting` counts notices."""

    failing_since: datetime | None
    is_set_up: bool
    reason: str
    next_at: datetime | None
    waiting: int


def present() -> MailState:
    """The state now. One query. Raises Unavailable."""
    pending = select(func.count()).where(col(ConnectionNotice.state) == models.PENDING).scalar_subquery()
    query = select(pending, MailHealth).outerjoin_from(
        select(1).subquery(), MailHealth, col(MailHealth.id) == _ROW
    )
    with reading() as db:
        waiting, row = db.execute(query).one()
    if row is None:
        return MailState(None, True, "", None, waiting)
    return MailState(row.failing_since, row.is_set_up, row.reason, row.next_at, waiting)


def may_try() -> bool:
    """Whether mail works, or the pause after the last failure is over. One query. Raises Unavailable."""
    with reading() as db:
        next_at = db.execute(select(col(MailHealth.next_at)).where(col(MailHealth.id) == _ROW)).scalar()
    return next_at is None or next_at <= clock.now()


def delivered_since(at: datetime) -> bool:
    """Whether the mail server has taken a mail after that moment. One query. Raises Unavailable."""
    with reading() as db:
        last = db.execute(select(col(MailHealth.delivered_at)).where(col(MailHealth.id) == _ROW)).scalar()
    return last is not None and last > at


def note_failure(problem: NotDelivered) -> None:
    """Pause every try: for about a minute, then for two, up to ten. Logs a WARNING if that is news."""
    now, reason, is_set_up = clock.now(), str(problem)[:300], problem.fault != "setup"
    with transaction() as db:
        db.execute(upsert_into(MailHealth).values(_NEW).on_conflict_do_nothing())
        row = db.execute(select(MailHealth).where(col(MailHealth.id) == _ROW).with_for_update()).scalar_one()
        is_news = row.failing_since is None or row.reason != reason
        pause = min(timedelta(minutes=2 ** min(row.failures, 4)), _LONGEST_PAUSE)
        row.next_at = now + pause * random.uniform(0.8, 1.0)
        row.failures += 1
        row.failing_since, row.reason, row.is_set_up = row.failing_since or now, reason, is_set_up
    if is_news:
        log.warning("notifications can't be emailed: %s; they are retried automatically", reason)


def note_delivery(db: Session) -> bool:
    """The mail server took a mail. Returns whether it had failed before, for `log_recovery` after commit."""
    values = {
        "delivered_at": clock.now(),
        "failing_since": None,
        "failures": 0,
        "next_at": None,
        "reason": "",
    }
    changed = update(MailHealth).where(col(MailHealth.id) == _ROW, col(MailHealth.failing_since).is_not(None))
    if db.execute(changed.values(values)).rowcount:  # type: ignore[attr-defined]
        return True
    set_ = {"delivered_at": values["delivered_at"]}
    first = upsert_into(MailHealth).values(_NEW | set_)
    db.execute(first.on_conflict_do_update(index_elements=["id"], set_=set_))
    return False


def log_recovery() -> None:
    """One line: mail works again."""
    log.warning("notifications are emailed again: the mail server works")
