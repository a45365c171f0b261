"""Who may come in: the member behind a request, with the rights they have at this moment.

One query joins session, person, membership and workspace at every request, so a removed, demoted or
disabled person is out on the next click, in every worker.
"""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, g, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import case
from sqlmodel import Session, col, select

from app import clock, database
from app.accounts import login, sessions
from app.accounts.models import LoginSession, User
from app.errors import Forbidden, PatchbayError, Unavailable, WorkspaceInactive
from app.web.fragments import local_path, wants_fragment
from app.workspaces.models import Membership, Workspace

log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_INACTIVE_ADVICE = (
    "Nothing in it is lost. Ask them to activate it again, or switch to another of your workspaces."
)


@dataclass(frozen=True)
class Member:
    """A person in the workspace they are working in. `session.id_digest` binds flows and handshakes to
    this browser.
    """

    user: User
    workspace: Workspace
    role: str
    session: LoginSession
    workspaces: tuple[Workspace, ...] = ()  # all they belong to, by name

    @property
    def manages(self) -> bool:
        """True for owners and admins."""
        return self.role in {"owner", "admin"}


class SignInNeeded(PatchbayError):
    """A program asked for something only a signed-in person may see."""

    code = "UNAUTHENTICATED"
    status = 401
    message = "Sign in first."


class NoWorkspace(Forbidden):
    """The person is signed in, but belongs to no workspace."""

    message = (
        "You are not a member of any workspace. Ask a colleague to invite you, or create a workspace "
        "on your account page."
    )


def current_member() -> Member | None:
    """The member behind this request; None when signed out or in no workspace. Looked up once a request."""
    if "current_member" not in g:
        g.current_member = _find()
    found: Member | None = g.current_member
    return found


def member(view: Callable[_P, ResponseReturnValue]) -> Callable[_P, ResponseReturnValue]:
    """Let only members of an active workspace in, as `g.member`. Others sign in first and come back to
    where they wanted to go.
    """

    @functools.wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
        check_active(g.member)
        return view(*args, **kwargs)

    return member_of_any(guarded)


def check_active(found: Member) -> None:
    """Raises WorkspaceInactive for a member of a workspace that operators have deactivated."""
    if found.workspace.deactivated_at is not None:
        raise WorkspaceInactive(f"{found.workspace.name} was deactivated by the operator. {_INACTIVE_ADVICE}")


def member_of_any(view: Callable[_P, ResponseReturnValue]) -> Callable[_P, ResponseReturnValue]:
    """The same, where also members of a deactivated workspace have something to do: going to another one."""

    @functools.wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
        found = current_member()
        if found is None:
            if login.current() is None:
                return ask_to_sign_in()
            if request.method in {"GET", "HEAD"} and not wants_fragment():
                return redirect("/account", 303)  # which says so, and what to do
            raise NoWorkspace()
        g.member = found
        return view(*args, **kwargs)

    return guarded


def member_or_nobody() -> Member | None:
    """The member, for what every page shows. None also while the database is away: the error page must
    still be drawn.
    """
    try:
        return current_member()
    except Unavailable:
        return None


def person_or_nobody() -> User | None:
    """Who is signed in, also somebody in no workspace, for what every page shows. None also while the
    database is away.
    """
    try:
        signed_in = login.current()
    except Unavailable:
        return None
    return signed_in.user if signed_in else None


def ask_to_sign_in() -> Response:
    """To the sign-in page, and from there back to this one. Programs that ask for JSON get a 401."""
    if wants_fragment():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = sign_in_path(_page_shown())
        return response
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        raise SignInNeeded()
    target = request.full_path.removesuffix("?") if request.method in {"GET", "HEAD"} else ""
    return make_response(redirect(sign_in_path(target), 303))


def ask_for_proof(target: str) -> Response:
    """To the sign-in page of somebody who is signed in: they prove once more who they are, and come back
    to a local path.
    """
    return make_response(redirect("/login?" + urlencode({"again": "1", "next": target}), 303))


def person_or_address() -> str:
    """Whose limit a request counts against: the person's, or of somebody unknown the address."""
    found = member_or_nobody()
    return found.user.id if found else request.remote_addr or ""


def sign_in_path(target: str = "") -> str:
    """The sign-in page's path, remembering a local path to come back to."""
    wanted = local_path(target, "")
    return "/login" + (f"?next={quote(wanted, safe='/?:@=,;!$()*~')}" if wanted else "")


def _page_shown() -> str:
    """The path of the page that htmx asked from, as the browser tells it."""
    try:
        shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return ""
    return shown.path + ("?" + shown.query if shown.query else "")


def _find() -> Member | None:
    id_digest = sessions.digest_of(login.session_cookie())
    if id_digest is None or ("signed_in" in g and g.signed_in is None):
        return None
    with database.reading() as db:
        found = _query(db, id_digest)
    if found is None:
        return None
    login.remember(login.SignedIn(found.user, found.session))
    if sessions.is_stale(found.session):
        _touch(found.session)
    return found


def _query(db: Session, id_digest: str) -> Member | None:
    """The session's person in the workspace it works in, or else in the first one they joined."""
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
    by_name = tuple(sorted((row[3] for row in rows), key=lambda each: (each.name.casefold(), each.id)))
    return Member(user, workspace, membership.role, session, by_name)


def _touch(session: LoginSession) -> None:
    try:
        with database.transaction() as db:
            sessions.touch(db, session)
    except Unavailable:
        # Reading goes on while the database takes no writes; the next request tries again.
        log.warning("the time a session was seen could not be written")
