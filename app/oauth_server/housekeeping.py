"""Forget what has no use any more: old flows, codes, tokens, steps, and clients that registered and never
came back.
"""

import threading
import time
from datetime import timedelta

from sqlalchemy import delete, exists, select, update
from sqlmodel import Session, col

from app import clock
from app.database import transaction
from app.oauth_server import attempt_log
from app.oauth_server.models import AccessToken, AuthorizationCode, Client, Flow, Grant, RefreshToken

_EVERY_SECONDS = 3600
_UNUSED_CLIENT = timedelta(days=30)  # some clients register at once and sign in weeks later
_IDLE_CLIENT = timedelta(days=180)
_DEAD_KEPT = timedelta(days=7)  # so that a replay of something dead is still recognised
_ANSWER_KEPT = timedelta(minutes=2)

_due = 0.0
_lock = threading.Lock()


def run_if_due() -> None:
    """Tidy up at most once an hour in this process."""
    global _due
    with _lock:
        if time.monotonic() < _due:
            return
        _due = time.monotonic() + _EVERY_SECONDS
    with transaction() as db:
        run(db)


def run(db: Session) -> None:
    """Tidy up now."""
    at = clock.now()
    db.execute(delete(Flow).where(col(Flow.expires_at) < at - _DEAD_KEPT))
    db.execute(delete(AccessToken).where(col(AccessToken.expires_at) < at - _DEAD_KEPT))
    db.execute(delete(RefreshToken).where(col(RefreshToken.expires_at) < at - _DEAD_KEPT))
    db.execute(delete(AuthorizationCode).where(col(AuthorizationCode.expires_at) < at - _DEAD_KEPT))
    db.execute(
        update(RefreshToken)
        .where(col(RefreshToken.answer_sealed).is_not(None), col(RefreshToken.spent_at) < at - _ANSWER_KEPT)
        .values(answer_sealed=None)
    )
    _forget_clients(db)
    attempt_log.forget_old(db)


def _forget_clients(db: Session) -> None:
    at = clock.now()
    used = exists(
        select(1).where(col(Grant.client_id) == col(Client.client_id), col(Grant.revoked_at).is_(None))
    )
    never = col(Client.last_used_at).is_(None) & (col(Client.created_at) < at - _UNUSED_CLIENT)
    long_ago = (col(Client.last_used_at) < at - _IDLE_CLIENT) & ~used
    db.execute(
        delete(Client).where(
            col(Client.kind) == "registered", col(Client.blocked_at).is_(None), never | long_ago
        )
    )
