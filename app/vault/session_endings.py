"""The sessions that connections leave behind at MCP servers: ended there when the connection is gone.

Once, within a moment each, and before the tokens are revoked. A server that does not hear of it forgets the
session by itself, so nothing waits for an answer and nothing is tried again.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import event, select
from sqlmodel import Session, col

from app.config import Settings
from app.connectors import endpoints as addresses
from app.connectors.mcp import end_session
from app.connectors.services import services_of
from app.errors import Undecipherable
from app.mcp_client import ServerSession
from app.vault import binding, seal
from app.vault.models import Connection, Credential, McpSession

_MOST = 1_000  # that wait in this process


@dataclass(frozen=True)
class _LeftSession:
    """A session and the token it was used with, as they were stored."""

    slug: str
    row: McpSession
    credential: Credential


_left: deque[_LeftSession] = deque(maxlen=_MOST)


def note(db: Session, connections: Iterable[Connection], credentials: Mapping[str, Credential]) -> None:
    """Note the sessions of connections that this transaction deletes; they count once it has committed.

    `credentials` are by connection. One query. Call `revocation.run_soon` after the commit.
    """
    slugs = {
        each.id: each.slug for each in connections if each.id in credentials and binding.is_current(each)
    }
    if not slugs:
        return
    found = select(McpSession).where(
        col(McpSession.connection_id).in_(slugs), col(McpSession.session_id_sealed).is_not(None)
    )
    left = [
        _LeftSession(
            slugs[row.connection_id],
            McpSession(**row.model_dump()),
            Credential(**credentials[row.connection_id].model_dump()),
        )
        for row in db.execute(found).scalars()
    ]
    if left:
        event.listen(db, "after_commit", lambda _db: _left.extend(left), once=True)


def end_noted(settings: Settings) -> None:
    """End what was noted in this process. Raises nothing."""
    while True:
        try:
            left = _left.popleft()
        except IndexError:
            return
        _end(settings, left)


def _end(settings: Settings, left: _LeftSession) -> None:
    connector = services_of(left.row.workspace_id).find(left.slug)
    where = addresses.resolve(connector, settings) if connector is not None else None
    if connector is None or where is None:
        return
    keys = settings.vault_keys
    try:
        session_id = seal.unseal(keys, left.row, "session_id_sealed")
        token = seal.unseal(keys, left.credential, "access_token_sealed")
    except Undecipherable:
        return
    end_session(connector, where.base_url, token, ServerSession(left.row.revision, session_id))
