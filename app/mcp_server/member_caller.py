"""A member as the caller of a tool, without an AI client: what "Try it" calls with, and what prices are
counted for.
"""

from datetime import timedelta

from sqlmodel import col, select

from app import clock
from app.accounts.models import User
from app.config import Settings
from app.database import reading
from app.oauth_server import scopes
from app.oauth_server.callers import AuthenticatedCaller, find_caller_of
from app.workspaces.guard import Member
from app.workspaces.models import Membership, Workspace

_IN_THE_BROWSER = "browser:"  # begins the grant id of calls made on our own pages; no grant has such an id
_LIFE = timedelta(days=1)


def of_member(settings: Settings, member: Member) -> AuthenticatedCaller:
    """The member who is signed in, with everything an AI client of theirs may be allowed."""
    return _caller(settings, member.user, member.workspace, member.role)


def client_name(settings: Settings) -> str:
    """What usage calls the client of such calls."""
    return f"Tried in {settings.brand_name}"


def find(settings: Settings, grant_id: str, workspace_id: str) -> AuthenticatedCaller | None:
    """The caller behind a stored grant id with its current rights: an AI client's, or the member's own in the
    browser. None if it has no access any more.
    """
    if not grant_id.startswith(_IN_THE_BROWSER):
        return find_caller_of(grant_id)
    query = (
        select(User, Workspace, Membership.role)
        .join(Membership, col(Membership.user_id) == col(User.id))
        .join(Workspace, col(Workspace.id) == col(Membership.workspace_id))
        .where(
            col(User.id) == grant_id.removeprefix(_IN_THE_BROWSER),
            col(User.disabled_at).is_(None),
            col(Workspace.id) == workspace_id,
        )
    )
    with reading() as db:
        row = db.exec(query).first()
    return _caller(settings, *row) if row is not None else None


def _caller(settings: Settings, user: User, workspace: Workspace, role: str) -> AuthenticatedCaller:
    return AuthenticatedCaller(
        grant_id=_IN_THE_BROWSER + user.id,
        kind="browser",
        user_id=user.id,
        email=user.email,
        workspace_id=workspace.id,
        workspace_name=workspace.name,
        workspace_active=workspace.deactivated_at is None,
        tier=workspace.tier,
        per_minute=workspace.per_minute,
        per_day=workspace.per_day,
        role=role,
        client_id=None,
        client_name=client_name(settings),
        scopes=frozenset(scopes.DEFAULT),
        audience=settings.mcp_url,
        expires_at=clock.now() + _LIFE,
        active_businesses={},
        may_debug=settings.debug_tools,
    )
