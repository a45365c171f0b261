"""Logs authorization attempts step by step, in sentences, for /debug-oauth and the connect doctor.

A step never holds a secret: callers write their own sentences, and what a client sent is cut and redacted.
"""

import logging
import re
import threading
import time
from collections import deque
from datetime import timedelta
from typing import Any

from flask import current_app, has_request_context, request, session
from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col

from app import clock, crypto
from app.accounts.keyed_hash import keyed_digest
from app.database import transaction
from app.errors import Unavailable
from app.logs import redact
from app.oauth_server.models import AuthorizationStep
from app.web import current
from app.workspaces.models import Membership

log = logging.getLogger(__name__)
_RETENTION = timedelta(days=7)
_MAX_ROWS = 2_000
_LATEST = 200
_MARK = "attempts"  # in Flask's session cookie
_REGISTERED = "pbd_"  # a registered client belongs to whoever used it; a document's id is public


def record(
    db: Session,
    step: str,
    sentence: str,
    *,
    client_id: str = "",
    user_id: str | None = None,
    outcome: str = "ok",
) -> None:
    """Logs a step, in the transaction of what it is about."""
    db.add(
        AuthorizationStep(
            at=clock.now(),
            client_id=_client(client_id)[:512],
            user_id=user_id,
            step=step[:40],
            outcome=outcome[:40],
            sentence=_plain(sentence)[:500],
            origin=origin_of_request(),
            program=_program(),
            browser=browser_of_request() if user_id is None else "",
        )
    )


def note_refusal(
    path: str, client_id: str | None, error: Any, *, more: str = "", user_id: str | None = None
) -> None:
    """Logs that an endpoint refused a request. Rate limited: a flood is not worth a row per request."""
    if not _budgets().refusals.has_room():
        return
    sentence = f"{error.description} {more}".strip()
    with transaction() as db:
        record(
            db,
            path.rpartition("/")[2],
            sentence,
            client_id=client_id or "",
            user_id=user_id,
            outcome=str(error.error),
        )


def note_discovery(step: str, sentence: str) -> None:
    """Logs that an unknown client read the metadata, at most once a minute each. Never fails a request."""
    key = (step, origin_of_request(), _program())
    if not _budgets().is_news(key) or not _budgets().discoveries.has_room():
        return
    try:
        with transaction() as db:
            record(db, step, sentence)
    except Unavailable:
        log.warning("a step of an authorization attempt could not be written down")


def origin_of_request() -> str:
    """A keyed digest of the request's remote address; "" outside of requests."""
    if not has_request_context():
        return ""
    return keyed_digest(current.settings(), "origin", request.remote_addr or "")


def mark_browser() -> None:
    """Mark this browser, so that what it does before a sign-in is its own."""
    session.setdefault(_MARK, crypto.new_token())


def browser_of_request() -> str:
    """A digest of this browser's mark; "" for one without, for programs, and outside of requests."""
    mark = session.get(_MARK, "") if has_request_context() else ""
    return keyed_digest(current.settings(), "attempts of a browser", mark) if mark else ""


def is_registered(client_id: ColumnElement[str] | Mapped[str]) -> ColumnElement[bool]:
    """The condition that a client registered with us, so that its id belongs to whoever used it."""
    return client_id.startswith(_REGISTERED, autoescape=True)


def all_latest(db: Session) -> list[AuthorizationStep]:
    """The newest steps of the whole installation, newest first. For operators only."""
    return list(
        db.scalars(select(AuthorizationStep).order_by(col(AuthorizationStep.id).desc()).limit(_LATEST))
    )


def latest_of(db: Session, workspace_id: str) -> list[AuthorizationStep]:
    """The newest steps of a workspace's members, and of clients that registered for them before sign-in."""
    members = select(col(Membership.user_id)).where(col(Membership.workspace_id) == workspace_id)
    step = AuthorizationStep
    theirs = select(col(step.client_id)).where(
        col(step.user_id).in_(members),
        is_registered(col(step.client_id)),
        col(step.client_id).not_in(used_by(col(step.user_id).not_in(members))),
    )
    visible = col(step.user_id).in_(members) | (col(step.user_id).is_(None) & col(step.client_id).in_(theirs))
    return list(db.scalars(select(step).where(visible).order_by(col(step.id).desc()).limit(_LATEST)))


def used_by(others: ColumnElement[bool]) -> Select[str]:
    """The ids of clients that people of this condition used: what such a client did unnamed may be theirs."""
    step = AuthorizationStep
    return select(col(step.client_id)).where(col(step.user_id).is_not(None), others)


def forget_old(db: Session) -> None:
    """Retains a week and at most two thousand steps."""
    at, number = col(AuthorizationStep.at), col(AuthorizationStep.id)
    newest = db.scalar(select(number).order_by(number.desc()).limit(1)) or 0
    db.execute(
        delete(AuthorizationStep).where((at < clock.now() - _RETENTION) | (number <= newest - _MAX_ROWS))
    )


def _program() -> str:
    """The first product a User-Agent names, such as node or python-httpx, without its version."""
    if not has_request_context():
        return ""
    named = re.match(r"[\w.+-]{1,60}", request.headers.get("User-Agent", ""))
    return named[0] if named else ""


def _client(client_id: str) -> str:
    """A registered client's id is no secret, though it looks like one; anything else in its place may be, so
    it is redacted.
    """
    return client_id if re.fullmatch(_REGISTERED + r"[\w-]{43}", client_id) else _plain(client_id)


class _Budget:
    """Sixty rows a minute and process. Refusals have their own, so look-ups never crowd them out."""

    def __init__(self) -> None:
        self._noted: deque[float] = deque(maxlen=60)
        self._lock = threading.Lock()

    def has_room(self) -> bool:
        """True when one more may be written; it then counts."""
        moment = time.monotonic()
        with self._lock:
            if len(self._noted) == self._noted.maxlen and self._noted[0] > moment - 60:
                return False
            self._noted.append(moment)
        return True


class Budgets:
    """How much one process logs; created with the application."""

    def __init__(self) -> None:
        self.refusals, self.discoveries = _Budget(), _Budget()
        self._seen: dict[tuple[str, str, str], float] = {}
        self._lock = threading.Lock()

    def is_news(self, key: tuple[str, str, str]) -> bool:
        """False when the same was logged within the last minute."""
        moment = time.monotonic()
        with self._lock:
            if moment - self._seen.get(key, -60.0) < 60:
                return False
            if len(self._seen) >= 1_000:
                self._seen.clear()
            self._seen[key] = moment
        return True


def _budgets() -> Budgets:
    found: Budgets = current_app.extensions["authorization_steps"]
    return found


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in redact(text))
