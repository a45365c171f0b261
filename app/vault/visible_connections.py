"""The connections a caller may use, looked up on the path of every tool call: `store.visible` without a
session.
"""

from sqlalchemy import bindparam, or_, select

from app.fast_queries import Prepared, detached
from app.vault.models import Connection

_columns = Connection.__table__.c  # type: ignore[attr-defined]
_NAMES = tuple(_columns.keys())
_SEEN = Prepared(
    select(*_columns)
    .where(
        _columns.workspace_id == bindparam("workspace_id"),
        or_(_columns.visibility == "shared", _columns.owner_id == bindparam("user_id")),
    )
    .order_by(_columns.connected_at, _columns.id)
)


def seen_by(workspace_id: str, user_id: str) -> list[Connection]:
    """The workspace's shared connections and this person's own, oldest first. For reading: changes to them
    are not saved.
    """
    rows = _SEEN.rows(workspace_id=workspace_id, user_id=user_id)
    return [detached(Connection, dict(zip(_NAMES, row, strict=True))) for row in rows]
