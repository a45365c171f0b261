"""Deletes expired rows: a few at a time, now and then, during somebody's sign-in."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, delete
from sqlmodel import Session, and_, col, or_, select

from app import clock
from app.accounts import budgets
from app.accounts.budgets import BudgetSpent, Rule
from app.accounts.models import Budget, GoogleAttempt, LoginSession, MailedCode
from app.accounts.sessions import IDLE
from app.config import Settings
from app.database import transaction
from app.errors import Unavailable

_EVERY = Rule("sweep", 1, 600)
_AT_ONCE = 2_000
_CODE_RETENTION = timedelta(days=1)
_BUDGET_RETENTION = timedelta(days=2)


def sweep_sometimes(settings: Settings) -> None:
    """Sweep, at most once per ten-minute window."""
    try:
        with transaction() as db:
            budgets.take(db, settings, _EVERY)
            sweep(db)
    except (BudgetSpent, Unavailable):
        pass  # another request did it, or the next one will


def sweep(db: Session, at_once: int = _AT_ONCE) -> int:
    """Delete expired codes, sessions, Google attempts, budgets: at most `at_once` each. Returns the count."""
    at = clock.now()
    dead_codes = select(MailedCode.id).where(col(MailedCode.expires_at) < at - _CODE_RETENTION).limit(at_once)
    ended = or_(col(LoginSession.expires_at) < at, col(LoginSession.last_seen_at) < at - IDLE)
    dead_sessions = select(LoginSession.id_digest).where(ended).limit(at_once)
    dead_attempts = (
        select(GoogleAttempt.id).where(col(GoogleAttempt.expires_at) < at - _CODE_RETENTION).limit(at_once)
    )
    # An empty budget says nothing. The second half is what the release before counted in windows.
    over = int((at - _BUDGET_RETENTION).timestamp())
    spent_long_ago = or_(
        col(Budget.empty_at) < int(at.timestamp() * 1_000_000),
        and_(col(Budget.empty_at).is_(None), col(Budget.window_start) < over),
    )
    dead_budgets = select(Budget.key).where(spent_long_ago).limit(at_once)
    sweeps: list[Delete] = [
        delete(MailedCode).where(col(MailedCode.id).in_(dead_codes)),
        delete(LoginSession).where(col(LoginSession.id_digest).in_(dead_sessions)),
        delete(GoogleAttempt).where(col(GoogleAttempt.id).in_(dead_attempts)),
        delete(Budget).where(col(Budget.key).in_(dead_budgets), spent_long_ago),
    ]
    return sum(cast("CursorResult[Any]", db.execute(each)).rowcount for each in sweeps)
