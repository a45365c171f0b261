"""Deletes old flows, codes, tokens, assertions and log steps, and clients that never came back."""

from datetime import timedelta

from sqlalchemy import delete, exists, select, update
from sqlmodel import Session, col

from app import clock
from app.database import transaction
from app.oauth_server import attempt_log, rfc7523_client_assertion
from app.oauth_server.models import AccessToken, AuthorizationCode, Client, Flow, Grant, RefreshToken

_throttle = clock.Throttle(3600)
_UNUSED_CLIENT = timedelta(days=30)  # some clients register early and sign in weeks later
_IDLE_CLIENT = timedelta(days=180)
_DEAD_RETENTION = timedelta(days=7)  # so that a replay of a dead token is still recognised
_ANSWER_RETENTION = timedelta(minutes=2)


def run_if_due() -> None:
    """Runs at most once per hour and process."""
    if _throttle.is_due():
        with transaction() as db:
            run(db)


def run(db: Session) -> None:
    """Runs now."""
    at = clock.now()
    db.execute(delete(Flow).where(col(Flow.expires_at) < at - _DEAD_RETENTION))
    db.execute(delete(AccessToken).where(col(AccessToken.expires_at) < at - _DEAD_RETENTION))
    db.execute(delete(RefreshToken).where(col(RefreshToken.expires_at) < at - _DEAD_RETENTION))
    db.execute(delete(AuthorizationCode).where(col(AuthorizationCode.expires_at) < at - _DEAD_RETENTION))
    db.execute(
        update(RefreshToken)
        .where(
            col(RefreshToken.answer_sealed).is_not(None), col(RefreshToken.spent_at) < at - _ANSWER_RETENTION
        )
        .values(answer_sealed=None)
    )
    rfc7523_client_assertion.forget_old(db)
    _forget_clients(db)
    attempt_log.forget_old(db)


def _forget_clients(db: Session) -> None:
    at = clock.now()
    used = exists(
        select(1).where(col(Grant.client_id) == col(Client.client_id), col(Grant.revoked_at).is_(None))
    )
    never = col(Client.last_used_at).is_(None) & (col(Client.created_at) < at - _UNUSED_CLIENT)
    long_ago = (col(Client.last_used_at) < at - _IDLE_CLIENT) & ~used
    # Of a client with a document the row is a copy: it comes back with the client.
    db.execute(delete(Client).where(col(Client.blocked_at).is_(None), never | long_ago))
