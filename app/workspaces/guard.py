"""The member behind a request, with their current rights, and the decorators that require one.

One query joins session, person, membership and workspace at every request, so a removed, demoted or disabled
person is affected at the next click, in every worker.
"""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, g, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import case
from sqlmodel import Session, col, select

from app import clock, database, workspace_versions
from app.accounts import login, sessions
from app.accounts.models import LoginSession, User
from app.errors import Forbidden, PatchbayError, Unavailable, WorkspaceInactive
from app.web.fragments import htmx, local_path, redirect_whole_page, wants_fragment
from app.workspaces.models import Membership, Workspace

log = logging.getLogger(__name__)
_P = ParamSpec("_P")
# roles that may add MCP servers, by `Workspace.who_adds_servers`
_ADD_SERVERS = {"managers": ("owner", "admin"), "owners": ("owner",), "nobody": ()}
_INACTIVE_ADVICE = (
    "Nothing in it is lost. Ask them to activate it again, or switch to another of your workspaces."
)


@dataclass(frozen=True)
class Member:
    """A person in their current workspace. `session.id_digest` binds flows and handshakes to this browser."""

    user: User
    workspace: Workspace
    role: str
    session: LoginSession
    workspaces: tuple[Workspace, ...] = ()  # all of theirs, by name
    getting_started_done_at: datetime | None = None

    @property
    def manages(self) -> bool:
        """True for owners and admins."""
        return self.role in {"owner", "admin"}

    @property
    def may_add_servers(self) -> bool:
        """True if the workspace lets them add MCP servers. Its owners decide who may."""
        return self.role in _ADD_SERVERS.get(self.workspace.who_adds_servers, ())


class SignInNeeded(PatchbayError):
    """A program requested something only a signed-in person may see."""

    code = "UNAUTHENTICATED"
    status = 401
    message = "Sign in first."


class NoWorkspace(Forbidden):
    """The person is signed in, but belongs to no workspace."""

    message = (
        "You're not in a workspace yet. Ask a colleague to invite you, or create one on your account page."
    )


def current_member() -> Member | None:
    """Return the member behind this request; None if signed out or in no workspace. Cached per request."""
    if "current_member" not in g:
        g.current_member = _find()
    viewer: Member | None = g.current_member
    return viewer


def member(view: Callable[_P, ResponseReturnValue]) -> Callable[_P, ResponseReturnValue]:
    """Require a member of an active workspace, as `g.member`. Others sign in first and then return here."""

    @functools.wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
        check_active(g.member)
        return view(*args, **kwargs)

    return member_of_any(guarded)


def check_active(viewer: Member) -> None:
    """Raises WorkspaceInactive for a member of a deactivated workspace."""
    if viewer.workspace.deactivated_at is not None:
        raise WorkspaceInactive(
            f"{viewer.workspace.name} was deactivated by the operator. {_INACTIVE_ADVICE}"
        )


def member_of_any(view: Callable[_P, ResponseReturnValue]) -> Callable[_P, ResponseReturnValue]:
    """Like `member`, but also for a deactivated workspace, whose members can switch to another one."""

    @functools.wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
        viewer = current_member()
        if viewer is None:
            if login.find_signed_in() is None:
                return ask_to_sign_in()
            if request.method in {"GET", "HEAD"} and not wants_fragment():
                return redirect("/account", 303)  # that page explains it, and what to do
            raise NoWorkspace()
        g.member = viewer
        return view(*args, **kwargs)

    return guarded


def member_or_nobody() -> Member | None:
    """Return the member, for what every page displays. None also while the database is down, so that the
    error page still renders.
    """
    try:
        return current_member()
    except Unavailable:
        return None


def person_or_nobody() -> User | None:
    """Return the person who is signed in, also without a workspace. None also while the database is down."""
    try:
        signed_in = login.find_signed_in()
    except Unavailable:
        return None
    return signed_in.user if signed_in else None


def ask_to_sign_in() -> Response:
    """Redirect to the sign-in page and back here afterwards. Programs that accept JSON get a 401."""
    if wants_fragment():
        return redirect_whole_page(sign_in_path(_current_page_path()))
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        raise SignInNeeded()
    target = request.full_path.removesuffix("?") if request.method in {"GET", "HEAD"} else ""
    return make_response(redirect(sign_in_path(target), 303))


def ask_for_proof(target: str) -> Response:
    """Redirect somebody signed in to the sign-in page, to sign in again and return to a local path."""
    return redirect_whole_page("/login?" + urlencode({"again": "1", "next": target}))


def person_or_address() -> str:
    """Return whose limit a request counts against: the person, or the address of somebody unknown."""
    viewer = member_or_nobody()
    return viewer.user.id if viewer else request.remote_addr or ""


def sign_in_path(target: str = "") -> str:
    """Return the path of the sign-in page, with a local path to return to."""
    path = local_path(target, "")
    return "/login" + (f"?next={quote(path, safe='/?:@=,;!$()*~')}" if path else "")


def _current_page_path() -> str:
    """Return the path of the page that sent an htmx request, as the browser reports it."""
    try:
        url = urlsplit(htmx.current_url or "")
    except ValueError:
        return ""
    return url.path + ("?" + url.query if url.query else "")


def _find() -> Member | None:
    id_digest = sessions.digest_of(login.session_cookie())
    if id_digest is None or ("signed_in" in g and g.signed_in is None):
        return None
    with database.reading() as db:
        viewer = _query(db, id_digest)
    if viewer is None:
        return None
    login.remember(login.SignedIn(viewer.user, viewer.session))
    note_seen(viewer.session)
    return viewer


def _query(db: Session, id_digest: str) -> Member | None:
    """Return the session's person in its preferred workspace, or else in the first one they joined."""
    preferred = case((col(Membership.workspace_id) == col(LoginSession.workspace_id), 0), else_=1)
    query = (
        select(LoginSession, User, Membership, Workspace)
        .join(User, col(User.id) == col(LoginSession.user_id))
        .join(Membership, col(Membership.user_id) == col(User.id))
        .join(Workspace, col(Workspace.id) == col(Membership.workspace_id))
        .where(col(LoginSession.id_digest) == id_digest, sessions.is_alive(clock.now()))
        .order_by(preferred, col(Membership.created_at), col(Membership.workspace_id))
    )
    rows = db.exec(query).all()
    if not rows:
        return None
    session, user, membership, workspace = rows[0]
    workspace_versions.note(workspace.id, workspace.services_version)
    by_name = tuple(sorted((row[3] for row in rows), key=lambda each: (each.name.casefold(), each.id)))
    done_at = membership.getting_started_done_at
    return Member(user, workspace, membership.role, session, by_name, done_at)


def note_seen(session: LoginSession) -> None:
    """Write down that a session was used, when the last time is old enough to matter."""
    if not sessions.is_stale(session):
        return
    try:
        with database.transaction() as db:
            sessions.touch(db, session)
    except Unavailable:
        # Pages keep working while the database is read-only; the next request tries again.
        log.warning("the time a session was seen could not be written")
