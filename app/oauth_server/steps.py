"""What happened in the last authorization attempts, in words, for /debug-oauth.

A step never holds a secret: callers write sentences of their own, and what a client sent is cut and redacted.
"""

import re
import threading
import time
from collections import deque
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import clock
from app.database import transaction
from app.logs import redact
from app.oauth_server.models import AuthorizationStep
from app.workspaces.models import Membership

_KEPT = timedelta(days=7)
_KEPT_ROWS = 2_000
_SHOWN = 200
_REGISTERED = "pbd_"  # a registered client belongs to whoever used it; the id of a document is everybody's


def record(db: Session, step: str, sentence: str, *, client_id: str = "", user_id: str | None = None, outcome: str = "ok") -> None:
    """Write a step down, in the transaction of what it tells about."""
    db.add(
        AuthorizationStep(
            at=clock.now(),
            client_id=_client(client_id)[:512],
            user_id=user_id,
            step=step[:40],
            outcome=outcome[:40],
            sentence=_plain(sentence)[:500],
        )
    )


def note_refusal(path: str, client_id: str | None, error: Any) -> None:
    """Write down that an endpoint refused a request. Floods of bad requests are not worth a row each."""
    if not _has_budget():
        return
    with transaction() as db:
        record(db, path.rpartition("/")[2], str(error.description), client_id=client_id or "", outcome=str(error.error))


def all_latest(db: Session) -> list[AuthorizationStep]:
    """The newest steps of the whole installation, newest first. For operators only."""
    return list(db.scalars(select(AuthorizationStep).order_by(col(AuthorizationStep.id).desc()).limit(_SHOWN)))


def latest_of(db: Session, workspace_id: str) -> list[AuthorizationStep]:
    """The newest steps of a workspace's members, and what clients that registered for them did before signing in."""
    members = select(col(Membership.user_id)).where(col(Membership.workspace_id) == workspace_id)
    step = AuthorizationStep
    theirs = select(col(step.client_id)).where(col(step.user_id).in_(members), col(step.client_id).startswith(_REGISTERED, autoescape=True))
    wanted = col(step.user_id).in_(members) | (col(step.user_id).is_(None) & col(step.client_id).in_(theirs))
    return list(db.scalars(select(step).where(wanted).order_by(col(step.id).desc()).limit(_SHOWN)))


def forget_old(db: Session) -> None:
    """Keep a week and at most two thousand steps."""
    at, number = col(AuthorizationStep.at), col(AuthorizationStep.id)
    newest = db.scalar(select(number).order_by(number.desc()).limit(1)) or 0
    db.execute(delete(AuthorizationStep).where((at < clock.now() - _KEPT) | (number <= newest - _KEPT_ROWS)))


def _client(client_id: str) -> str:
    """A client's id is no secret, though it looks like one; whatever else was sent in its place may be."""
    return client_id if re.fullmatch(_REGISTERED + r"[\w-]{43}", client_id) else _plain(client_id)


_noted: deque[float] = deque(maxlen=60)
_noted_lock = threading.Lock()


def _has_budget() -> bool:
    """True at most sixty times a minute in this process."""
    moment = time.monotonic()
    with _noted_lock:
        if len(_noted) == _noted.maxlen and _noted[0] > moment - 60:
            return False
        _noted.append(moment)
    return True


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in redact(text))
