"""The connections a caller may use, read on every tool call: `store.visible` without a session."""

import time
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select

from app.fast_queries import PreparedStatement, detached
from app.vault import claims
from app.vault.claims import Snapshot
from app.vault.models import Connection, Credential

_columns, _credential = Connection.__table__.c, Credential.__table__.c  # type: ignore[attr-defined]
_NAMES = tuple(_columns.keys())
_SLUG = len(_credential) + _NAMES.index("slug")  # its place among the columns of a snapshot
_ORDER = (_columns.connected_at, _columns.id)


def are_visible(workspace_id: Any, user_id: Any) -> ColumnElement[bool]:
    """The condition for the workspace's shared connections and this person's own: of values or columns."""
    return and_(
        _columns.workspace_id == workspace_id,
        or_(_columns.visibility == "shared", _columns.owner_id == user_id),
    )


_VISIBLE = are_visible(bindparam("workspace_id"), bindparam("user_id"))
_ALL = PreparedStatement(select(*_columns).where(_VISIBLE).order_by(*_ORDER))
_OF_SERVICE = PreparedStatement(
    select(*claims.COLUMNS)
    .select_from(Connection)
    .join(Credential, _credential.connection_id == _columns.id)
    .where(_VISIBLE, _columns.slug == bindparam("slug"))
    .order_by(*_ORDER)
)


class Prefetched:
    """The connections of a caller, read together with the caller: all, or those of one tool's service.

    They serve one use, at once. A call that has waited reads them again, and so does every further use:
    somebody may have disconnected one, or changed its level, meanwhile.
    """

    __slots__ = ("_of", "_read_at", "_rows", "_tool")

    def __init__(self, workspace_id: str, user_id: str, tool: str, rows: list[tuple[Any, ...]]) -> None:
        """`rows` are of `with_all`, or of `with_service_of` the tool of that full name."""
        self._of = (workspace_id, user_id)
        self._tool = tool
        self._rows: list[tuple[Any, ...]] | None = [row for row in rows if row[0] is not None]
        self._read_at = time.monotonic()

    def forget(self) -> None:
        """The call has waited."""
        self._rows = None

    def all_of(self, workspace_id: str, user_id: str) -> list[tuple[Any, ...]] | None:
        """The rows of all, once; None if these are others or too old."""
        return None if self._tool else self._taken(workspace_id, user_id)

    def of_service(self, workspace_id: str, user_id: str, slug: str) -> list[Snapshot] | None:
        """Those of one service with their tokens, once; None if these are others or too old."""
        if not self._tool.startswith(f"{slug}_"):
            return None
        rows = self._taken(workspace_id, user_id)
        if rows is None:
            return None
        return [claims.snapshot_of(row, self._read_at) for row in rows if row[_SLUG] == slug]

    def _taken(self, *of: str) -> list[tuple[Any, ...]] | None:
        rows, self._rows = self._rows, None
        return rows if of == self._of and claims.is_fresh(self._read_at) else None


def with_all(callers: Any, workspace_id: Any, user_id: Any) -> PreparedStatement:
    """A query of callers that also returns each one's visible connections, or NULL for none."""
    return PreparedStatement(
        callers.add_columns(*_columns)
        .outerjoin(Connection, are_visible(workspace_id, user_id))
        .order_by(*_ORDER)
    )


def with_service_of(callers: Any, workspace_id: Any, user_id: Any) -> PreparedStatement:
    """A query of callers that also returns, with their tokens, each one's visible connections of the service
    whose tool has the full name `:tool`. Every such name begins with the slug of its service.
    """
    begins = func.substr(bindparam("tool"), 1, func.length(_columns.slug) + 1) == _columns.slug + "_"
    return PreparedStatement(
        callers.add_columns(*claims.COLUMNS)
        .outerjoin(Connection, and_(are_visible(workspace_id, user_id), begins))
        .outerjoin(Credential, _credential.connection_id == _columns.id)
        .order_by(*_ORDER)
    )


def visible_to(workspace_id: str, user_id: str, prefetched: Prefetched | None = None) -> list[Connection]:
    """The workspace's shared connections and this person's own, oldest first. Changes are not saved."""
    rows = prefetched.all_of(workspace_id, user_id) if prefetched is not None else None
    if rows is None:
        rows = _ALL.rows(workspace_id=workspace_id, user_id=user_id)
    return [detached(Connection, dict(zip(_NAMES, row, strict=True))) for row in rows]


def visible_of_service(
    workspace_id: str, user_id: str, slug: str, prefetched: Prefetched | None = None
) -> list[Snapshot]:
    """Those of one service with their tokens, in one query: a call of a service needs both."""
    found = prefetched.of_service(workspace_id, user_id, slug) if prefetched is not None else None
    if found is not None:
        return found
    rows = _OF_SERVICE.rows(workspace_id=workspace_id, user_id=user_id, slug=slug)
    return [claims.snapshot_of(row) for row in rows]
