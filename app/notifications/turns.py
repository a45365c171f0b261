"""Turns, agreed on through the database: one process sends to a person."""

import random
import secrets
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlmodel import Session, col

from app import clock
from app.database import transaction, upsert_into
from app.notifications.models import MailTurn

# Longer than a mail server may take for one email; a turn is renewed before each.
LEASE = timedelta(minutes=2)
_LONGEST_PAUSE = timedelta(minutes=30)


def claim_person(user_id: str) -> str | None:
    """Claim the right to send to a person. Returns None while another process has it, or during a pause."""
    token, now = secrets.token_hex(16), clock.now()
    with transaction() as db:
        db.execute(upsert_into(MailTurn).values(user_id=user_id, failures=0).on_conflict_do_nothing())
        free = or_(col(MailTurn.claimed_until).is_(None), col(MailTurn.claimed_until) <= now)
        taken = update(MailTurn).where(col(MailTurn.user_id) == user_id, free)
        values = {"claim": token, "claimed_until": now + LEASE}
        return token if db.execute(taken.values(values)).rowcount else None  # type: ignore[attr-defined]


def renew(db: Session, user_id: str, token: str) -> bool:
    """Prolong a claim by a whole lease. False if another process has taken over."""
    return _set(db, user_id, token, {"claimed_until": clock.now() + LEASE})


def release(user_id: str, token: str) -> None:
    """Everything was sent: the next to look may claim the person."""
    with transaction() as db:
        _set(db, user_id, token, {"claim": None, "claimed_until": None, "failures": 0, "failed_at": None})


def fail(user_id: str, token: str, *, pause: bool) -> None:
    """The mail server did not take the email. `pause`: leave this person alone, for a minute at first, then
    for two, up to half an hour, each a little less at random.
    """
    with transaction() as db:
        turn = db.get(MailTurn, user_id)
        if turn is not None and turn.claim == token:
            now = clock.now()
            longest = min(timedelta(minutes=2 ** min(turn.failures, 6)), _LONGEST_PAUSE)
            turn.claimed_until = now + longest * random.uniform(0.8, 1.0) if pause else None
            turn.claim, turn.failures, turn.failed_at = None, turn.failures + 1, now


def note_digest(db: Session, user_id: str, at: datetime) -> None:
    """Remember up to which moment the last digest tells. The caller has the person's turn."""
    db.execute(update(MailTurn).where(col(MailTurn.user_id) == user_id).values(digested_at=at))


def _set(db: Session, user_id: str, token: str, values: dict[str, object]) -> bool:
    mine = update(MailTurn).where(col(MailTurn.user_id) == user_id, col(MailTurn.claim) == token)
    return bool(db.execute(mine.values(values)).rowcount)  # type: ignore[attr-defined]
