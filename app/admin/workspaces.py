"""What operators do with workspaces: list them, set tier and limits, deactivate and activate."""

from dataclasses import dataclass

from sqlmodel import Session

from app import audit, clock
from app.admin import queries, sparkline
from app.admin.queries import RowPage
from app.admin.sparkline import Sparkline
from app.database import reading, transaction
from app.errors import InvalidInput, NotFound
from app.usage.tiers import TIERS, Limits, limits_of
from app.workspaces.models import Workspace

_MOST = {"per_minute": 1_000_000, "per_day": 1_000_000_000}
_WORDS = {"per_minute": "Calls per minute", "per_day": "Calls per day"}


@dataclass(frozen=True)
class WorkspaceRow:
    """A workspace as operators see it."""

    workspace: Workspace
    members: int
    usage: Sparkline
    limits: Limits
    tier: Limits  # the tier's own limits


def load_page(search: str, after: str) -> RowPage[WorkspaceRow]:
    """The workspaces behind `after` that match the search."""
    with reading() as db:
        return queries.every_workspace_unsafe(db, search, after).map(lambda found: _rows(db, found))


def load(workspace_id: str) -> WorkspaceRow:
    """One workspace. Raises NotFound."""
    with reading() as db:
        return _rows(db, [get(db, workspace_id)])[0]


def get(db: Session, workspace_id: str, *, lock: bool = False) -> Workspace:
    """The workspace of that id, in any company. Raises NotFound."""
    found = (
        db.get(Workspace, workspace_id, with_for_update=lock or None) if workspace_id.isprintable() else None
    )
    if found is None:
        raise NotFound()
    return found


def set_limits(workspace_id: str, by: str, *, tier: str, per_minute: str, per_day: str) -> None:
    """Sets a tier, and own limits where not empty, from the next call on. Raises NotFound, InvalidInput."""
    if tier not in TIERS:
        raise InvalidInput(f"Choose one of the tiers: {', '.join(TIERS)}.")
    limits = {
        "tier": tier,
        "per_minute": _number("per_minute", per_minute),
        "per_day": _number("per_day", per_day),
    }
    with transaction() as db:
        workspace = get(db, workspace_id, lock=True)
        before = {name: getattr(workspace, name) for name in limits}
        if before == limits:
            return
        for name, value in limits.items():
            setattr(workspace, name, value)
        audit.record(
            db,
            "workspace.limits_changed",
            workspace_id=workspace.id,
            user_id=by,
            subject=workspace.id,
            before=before,
            after=limits,
        )


def set_active(workspace_id: str, by: str, active: bool) -> None:
    """Activates or deactivates a workspace, from the next request on. Raises NotFound."""
    with transaction() as db:
        workspace = get(db, workspace_id, lock=True)
        if (workspace.deactivated_at is None) == active:
            return
        workspace.deactivated_at = None if active else clock.now()
        deed = "workspace.activated" if active else "workspace.deactivated"
        audit.record(db, deed, workspace_id=workspace.id, user_id=by, subject=workspace.id)


def _number(name: str, text: str) -> int | None:
    """An override, None for the tier's own."""
    text = text.strip().replace(",", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 12 or not 1 <= int(text) <= _MOST[name]:
        sentence = (
            f"{_WORDS[name]} must be a whole number from 1 to {_MOST[name]:,}, or empty for the tier default."
        )
        raise InvalidInput(sentence, details={"field": name})
    return int(text)


def _rows(db: Session, found: list[Workspace]) -> list[WorkspaceRow]:
    ids = [workspace.id for workspace in found]
    today = clock.now().date()
    members, calls = queries.members_of_unsafe(db, ids), queries.calls_by_day_unsafe(db, ids, today)
    return [
        WorkspaceRow(
            workspace,
            members.get(workspace.id, 0),
            sparkline.draw(calls[workspace.id], today),
            limits_of(workspace.tier, workspace.per_minute, workspace.per_day),
            limits_of(workspace.tier),
        )
        for workspace in found
    ]
