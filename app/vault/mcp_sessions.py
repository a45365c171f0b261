"""The sessions of connections with MCP servers: rows, and in memory what this process has read of them.

A call reads no row while the session is in memory. Of two processes that open a session at once, the first
to store it wins and both use that one. A session that another process replaced is noticed as the server
refuses the old one: `forget` then drops the memory, and the row only if it still holds that session.
"""

import threading
from collections import OrderedDict
from datetime import timedelta

from mcp_types.version import LATEST_MODERN_VERSION
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session as DatabaseSession
from sqlmodel import col, delete, select

from app import clock, database
from app.crypto import KeyRing
from app.errors import Undecipherable
from app.mcp_client import ServerSession
from app.vault.models import Connection, McpSession
from app.vault.seal import seal, unseal

# A server that spoke an older revision is asked again after a day whether it speaks the newest by now.
_OLDER_REVISION_LASTS = timedelta(days=1)
_MOST_IN_MEMORY = 10_000

_lock = threading.Lock()
_memory: OrderedDict[tuple[str, str], tuple[ServerSession, McpSession]] = OrderedDict()


class ConnectionSessions:
    """The session of one connection for one purpose: the `ServerSessions` of its MCP client."""

    def __init__(self, keys: KeyRing, connection: Connection, purpose: str) -> None:
        self._keys = keys
        self._workspace_id = connection.workspace_id
        self._place = (connection.id, purpose)

    def load(self) -> ServerSession | None:
        """The session to use, or None."""
        with _lock:
            known = _memory.get(self._place)
        if known is not None and _is_current(known[1]):
            return known[0]
        with database.reading() as db:
            row = self._row(db)
        return self._remember(row) if row is not None and _is_current(row) else None

    def save(self, session: ServerSession) -> ServerSession:
        """Stores a new session; returns the one that another process stored meanwhile, if there is one."""
        try:
            with database.transaction() as db:
                row = self._stored(db, session)
        except IntegrityError:  # the connection was removed meanwhile
            return session
        return self._remember(row) or session

    def _stored(self, db: DatabaseSession, session: ServerSession) -> McpSession:
        row = self._row(db, lock=True)
        if row is not None and _is_current(row) and self._opened(row) is not None:
            return row
        if row is None:
            values = self._filled(self._empty(), session).model_dump()
            db.execute(database.upsert_into(McpSession).values(**values).on_conflict_do_nothing())
            return self._row(db) or self._empty()
        return self._filled(row, session)

    def _empty(self) -> McpSession:
        connection_id, purpose = self._place
        return McpSession(
            connection_id=connection_id,
            purpose=purpose,
            workspace_id=self._workspace_id,
            revision="",
            updated_at=clock.now(),
        )

    def _filled(self, row: McpSession, session: ServerSession) -> McpSession:
        row.revision, row.updated_at, row.session_id_sealed = session.revision, clock.now(), None
        if session.session_id is not None:
            seal(self._keys, row, "session_id_sealed", session.session_id)
        return row

    def forget(self, session: ServerSession) -> None:
        """Drops that session, unless another has replaced it."""
        with _lock:
            _memory.pop(self._place, None)
        with database.transaction() as db:
            row = self._row(db, lock=True)
            if row is not None and self._opened(row) in {session, None}:
                connection_id, purpose = self._place
                db.execute(
                    delete(McpSession).where(
                        col(McpSession.connection_id) == connection_id, col(McpSession.purpose) == purpose
                    )
                )

    def _row(self, db: DatabaseSession, *, lock: bool = False) -> McpSession | None:
        connection_id, purpose = self._place
        found = select(McpSession).where(
            McpSession.connection_id == connection_id, McpSession.purpose == purpose
        )
        return db.exec(found.with_for_update() if lock else found).one_or_none()

    def _remember(self, row: McpSession) -> ServerSession | None:
        session = self._opened(row)
        if session is not None:
            with _lock:
                _put(self._place, session, row)
        return session

    def _opened(self, row: McpSession) -> ServerSession | None:
        """The row's session; None if it cannot be unsealed: then a new one is opened."""
        if row.session_id_sealed is None:
            return ServerSession(row.revision)
        try:
            return ServerSession(row.revision, unseal(self._keys, row, "session_id_sealed"))
        except Undecipherable:
            return None


def _is_current(row: McpSession) -> bool:
    return row.revision == LATEST_MODERN_VERSION or clock.now() - row.updated_at < _OLDER_REVISION_LASTS


def _put(place: tuple[str, str], session: ServerSession, row: McpSession) -> None:
    _memory[place] = (session, row)
    _memory.move_to_end(place)
    while len(_memory) > _MOST_IN_MEMORY:
        _memory.popitem(last=False)
