"""The connections a caller may use, read on every tool call: `store.visible` without a session."""

from sqlalchemy import bindparam, func, or_, select

from app import database
from app.fast_queries import PreparedStatement, detached
from app.vault import claims
from app.vault.claims import Snapshot
from app.vault.models import Connection, Credential

_columns, _credential = Connection.__table__.c, Credential.__table__.c  # type: ignore[attr-defined]
_NAMES = tuple(_columns.keys())
_VISIBLE = (
    _columns.workspace_id == bindparam("workspace_id"),
    or_(_columns.visibility == "shared", _columns.owner_id == bindparam("user_id")),
)
_ORDER = (_columns.connected_at, _columns.id)
_SEEN = PreparedStatement(select(*_columns).where(*_VISIBLE).order_by(*_ORDER))
_of_service = (
    select(*claims.COLUMNS)
    .select_from(Connection)
    .join(Credential, _credential.connection_id == _columns.id)
    .where(*_VISIBLE, _columns.slug == bindparam("slug"))
    .order_by(*_ORDER)
)
_OF_SERVICE, _OF_SERVICE_WITH_CLOCK = (
    PreparedStatement(_of_service),
    PreparedStatement(_of_service.add_columns(func.clock_timestamp())),
)


def visible_to(workspace_id: str, user_id: str) -> list[Connection]:
    """The workspace's shared connections and this person's own, oldest first. Changes are not saved."""
    rows = _SEEN.rows(workspace_id=workspace_id, user_id=user_id)
    return [detached(Connection, dict(zip(_NAMES, row, strict=True))) for row in rows]


def visible_of_service(workspace_id: str, user_id: str, slug: str) -> list[Snapshot]:
    """Those of one service with their tokens, in one query: a call of a service needs both."""
    find = _OF_SERVICE if database.current().is_sqlite else _OF_SERVICE_WITH_CLOCK
    rows = find.rows(workspace_id=workspace_id, user_id=user_id, slug=slug)
    return [claims.snapshot_of(row) for row in rows]
