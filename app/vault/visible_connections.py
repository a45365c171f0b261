"""The connections a caller may use, read on every tool call: `store.visible` without a session."""

from sqlalchemy import bindparam, or_, select

from app.fast_queries import PreparedStatement, detached
from app.vault.models import Connection

_columns = Connection.__table__.c  # type: ignore[attr-defined]
_NAMES = tuple(_columns.keys())
_SEEN = PreparedStatement(
    select(*_columns)
    .where(
        _columns.workspace_id == bindparam("workspace_id"),
        or_(_columns.visibility == "shared", _columns.owner_id == bindparam("user_id")),
    )
    .order_by(_columns.connected_at, _columns.id)
)


def visible_to(workspace_id: str, user_id: str) -> list[Connection]:
    """The workspace's shared connections and this person's own, oldest first. Changes are not saved."""
    rows = _SEEN.rows(workspace_id=workspace_id, user_id=user_id)
    return [detached(Connection, dict(zip(_NAMES, row, strict=True))) for row in rows]
