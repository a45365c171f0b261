"""Where a handshake-era client's reply, posted to any worker, meets the worker that asked.

A row in the database, looked at in short steps, works everywhere; with Redis the waiting is a BLPOP.
When Redis is away, at either end or at both, the row is used instead: the waiting side looks there too.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import redis
from sqlalchemy import delete, update
from sqlmodel import col

from app import clock, database
from app.crypto import digest
from app.mcp_server.protocol.models import Reply

log = logging.getLogger(__name__)
_STEP_SECONDS = (0.02, 0.05, 0.1, 0.2)
_FORGET_AFTER = timedelta(minutes=10)
_REDIS_SECONDS = 120


class Rendezvous:
    """Open a place for a reply, deliver it there, wait for it. Places are found by the unguessable id of
    the request.
    """

    def __init__(self, redis_url: str | None = None) -> None:
        # The longest read is one BLPOP slice.
        self._redis = (
            redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=3) if redis_url else None
        )

    def open(self, request_id: str, principal_key: str) -> None:
        """Expect a reply to this request, from this principal only."""
        place = digest(request_id)
        if self._redis is not None:
            try:
                self._redis.set(f"mcp:asked:{place}", digest(principal_key), ex=_REDIS_SECONDS)
                return
            except redis.RedisError:
                log.warning("Redis is away: a reply is awaited through the database")
        now = clock.now()
        with database.transaction() as db:
            db.execute(delete(Reply).where(Reply.created_at < now - _FORGET_AFTER))  # type: ignore[arg-type]
            db.add(Reply(id_digest=place, principal=digest(principal_key), created_at=now))

    def deliver(self, request_id: str, principal_key: str, body: dict[str, Any]) -> None:
        """Hand a posted reply over, if somebody waits for it and it comes from the right one. The first
        one counts.
        """
        place, owner, out_of_sight = digest(request_id), digest(principal_key), False
        try:
            if self._push(place, owner, body):
                return
        except redis.RedisError:
            log.warning("Redis is away: a reply is delivered through the database")
            out_of_sight = True
        with database.transaction() as db:
            waiting = update(Reply).where(
                col(Reply.id_digest) == place, col(Reply.principal) == owner, col(Reply.body).is_(None)
            )
            answered = db.execute(waiting.values(body=body)).rowcount  # type: ignore[attr-defined]
            if out_of_sight and not answered and db.get(Reply, place) is None:
                # Asked through Redis, perhaps. The one who waits looks at the row too, and checks whose it
                # is.
                db.add(Reply(id_digest=place, principal=owner, body=body, created_at=clock.now()))

    def _push(self, place: str, owner: str, body: dict[str, Any]) -> bool:
        if self._redis is None or self._redis.get(f"mcp:asked:{place}") != owner.encode():
            return False
        pipe = self._redis.pipeline()
        pipe.delete(f"mcp:asked:{place}")
        pipe.rpush(f"mcp:reply:{place}", json.dumps(body))
        pipe.expire(f"mcp:reply:{place}", _REDIS_SECONDS)
        pipe.execute()
        return True

    def wait(
        self, request_id: str, principal_key: str, cancelled: Callable[[], bool], seconds: float
    ) -> dict[str, Any] | None:
        """The reply's body, or None when it did not come in time or the wait was cancelled."""
        place, end, step = digest(request_id), time.monotonic() + seconds, 0
        while not cancelled() and (left := end - time.monotonic()) > 0:
            if self._redis is not None and (body := self._pop(place)) is not None:
                return body
            if (body := self._look(place, digest(principal_key))) is not None:
                self._close(place)
                return body
            time.sleep(min(left, _STEP_SECONDS[min(step, 3)] if self._redis is None else 0.01))
            step += 1
        self._close(place)
        return None

    def _pop(self, place: str) -> dict[str, Any] | None:
        if self._redis is None:
            return None
        try:
            found: Any = self._redis.blpop([f"mcp:reply:{place}"], timeout=1)
        except redis.RedisError:
            time.sleep(0.2)
            return None
        body: dict[str, Any] | None = json.loads(found[1]) if found else None
        return body

    @staticmethod
    def _look(place: str, owner: str) -> dict[str, Any] | None:
        with database.reading() as db:
            row = db.get(Reply, place)
            return row.body if row is not None and row.principal == owner else None

    @staticmethod
    def _close(place: str) -> None:
        with database.transaction() as db:
            db.execute(delete(Reply).where(Reply.id_digest == place))  # type: ignore[arg-type]
