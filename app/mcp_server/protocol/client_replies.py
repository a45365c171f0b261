"""Delivers a handshake-revision client's reply, posted to any worker, to the worker that waits for it.

A database row, polled in short steps, works everywhere; with Redis the wait is a BLPOP. When Redis fails, at
either end or at both, the row is used instead: the waiting worker polls it too.
"""

import json
import logging
import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import col

from app import clock, database
from app.crypto import digest
from app.mcp_server.protocol.models import ClientReply

log = logging.getLogger(__name__)
_STEP_SECONDS = (0.02, 0.05, 0.1, 0.2)
_FORGET_AFTER = timedelta(minutes=10)
_REDIS_SECONDS = 120


class ClientReplies:
    """Announces a reply, delivers it, waits for it. It is found by the unguessable id of its request."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._redis: Any = None
        self._redis_failure: type[Exception] | tuple[()] = ()
        if redis_url:
            import redis  # only where it is used: app/url_settings.py

            self._redis_failure = redis.RedisError
            # The longest read is one BLPOP slice.
            self._redis = redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=3)

    def open(self, request_id: str, principal_key: str, seconds: float = _REDIS_SECONDS) -> None:
        """Announces that a reply to this request is expected within `seconds`, from this principal only."""
        id_digest = digest(request_id)
        if self._redis is not None:
            try:
                self._redis.set(f"mcp:asked:{id_digest}", digest(principal_key), ex=math.ceil(seconds) + 1)
                return
            except self._redis_failure:
                log.warning("Redis is away: a reply is awaited through the database")
        now = clock.now()
        with database.transaction() as db:
            db.execute(delete(ClientReply).where(ClientReply.created_at < now - _FORGET_AFTER))  # type: ignore[arg-type]
            db.add(ClientReply(id_digest=id_digest, principal=digest(principal_key), created_at=now))

    def deliver(self, request_id: str, principal_key: str, body: dict[str, Any]) -> bool:
        """Delivers a posted reply to a waiting worker of the right principal. Only the first one counts.

        Returns whether it is still waited for, as far as is known.
        """
        id_digest, owner, redis_failed = digest(request_id), digest(principal_key), False
        try:
            if self._push(id_digest, owner, body):
                return True
        except self._redis_failure:
            log.warning("Redis is away: a reply is delivered through the database")
            redis_failed = True
        with database.transaction() as db:
            waiting = update(ClientReply).where(
                col(ClientReply.id_digest) == id_digest,
                col(ClientReply.principal) == owner,
                col(ClientReply.body).is_(None),
            )
            answered: int = db.execute(waiting.values(body=body)).rowcount  # type: ignore[attr-defined]
            if redis_failed and not answered and db.get(ClientReply, id_digest) is None:
                # The request may be announced in Redis only. The waiting worker polls the row too, and
                # checks its principal.
                db.add(ClientReply(id_digest=id_digest, principal=owner, body=body, created_at=clock.now()))
                return True
        return answered > 0

    def _push(self, id_digest: str, owner: str, body: dict[str, Any]) -> bool:
        if self._redis is None or self._redis.get(f"mcp:asked:{id_digest}") != owner.encode():
            return False
        pipe = self._redis.pipeline()
        pipe.delete(f"mcp:asked:{id_digest}")
        pipe.rpush(f"mcp:reply:{id_digest}", json.dumps(body))
        pipe.expire(f"mcp:reply:{id_digest}", _REDIS_SECONDS)
        pipe.execute()
        return True

    def wait(
        self, request_id: str, principal_key: str, cancelled: Callable[[], bool], seconds: float
    ) -> dict[str, Any] | None:
        """The reply's body, or None if it did not come within `seconds` or the wait was cancelled."""
        id_digest, end, step = digest(request_id), time.monotonic() + seconds, 0
        while not cancelled() and (left := end - time.monotonic()) > 0:
            if self._redis is not None and (body := self._pop(id_digest)) is not None:
                return body
            if (body := self._look(id_digest, digest(principal_key))) is not None:
                self._close(id_digest)
                return body
            time.sleep(min(left, _STEP_SECONDS[min(step, 3)] if self._redis is None else 0.01))
            step += 1
        self._close(id_digest)
        return None

    def _pop(self, id_digest: str) -> dict[str, Any] | None:
        if self._redis is None:
            return None
        try:
            found: Any = self._redis.blpop([f"mcp:reply:{id_digest}"], timeout=1)
        except self._redis_failure:
            time.sleep(0.2)
            return None
        body: dict[str, Any] | None = json.loads(found[1]) if found else None
        return body

    @staticmethod
    def _look(id_digest: str, owner: str) -> dict[str, Any] | None:
        with database.reading() as db:
            row = db.get(ClientReply, id_digest)
            return row.body if row is not None and row.principal == owner else None

    @staticmethod
    def _close(id_digest: str) -> None:
        with database.transaction() as db:
            db.execute(delete(ClientReply).where(ClientReply.id_digest == id_digest))  # type: ignore[arg-type]
