"""Who is signed in: Flask-Login, loaded from our own session table.

Flask-Login's cookie session and its "remember me" cookie are not used: a copied signed cookie would still
work after signing out. `current_user` is a SignedIn or Flask-Login's anonymous user.
"""

from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, Response, g, request
from flask_login import LoginManager, UserMixin

from app import database
from app.accounts import sessions
from app.accounts.models import LoginSession, User
from app.web import current, times


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc]
    """The person behind this request and their session."""

    user: User
    session: LoginSession

    def get_id(self) -> str:
        """The person's id."""
        return self.user.id


class _OurSessionsOnly(LoginManager):  # type: ignore[misc]
    """A LoginManager that neither reads nor writes cookies of its own."""

    def _load_user_from_remember_cookie(self, cookie: str) -> Any:
        return self._load_user_from_request(request)

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


def find_signed_in() -> SignedIn | None:
    """Returns who is signed in, or None. Looked up once per request."""
    if "signed_in" not in g:
        cookie_value = session_cookie()
        if cookie_value is None:
            return remember(None)
        with database.reading() as db:
            found = sessions.find_with_person(db, cookie_value)
        remember(SignedIn(found[1], found[0]) if found else None)
    signed_in: SignedIn | None = g.signed_in
    return signed_in


def session_cookie() -> str | None:
    """Return the value of this browser's session cookie, or None."""
    return request.cookies.get(sessions.cookie_name(current.settings()))


def remember(signed_in: SignedIn | None) -> SignedIn | None:
    """Cache, for the rest of this request, who is signed in, for queries that already loaded it."""
    g.signed_in = signed_in
    times.use_zone(signed_in.user.time_zone if signed_in else "")
    return signed_in


def install(app: Flask) -> None:
    """Make `current_user` available to routes."""
    manager = _OurSessionsOnly()
    manager.session_protection = None
    # pages read `member`; an error page must not query the database
    manager.init_app(app, add_context_processor=False)

    @manager.request_loader
    def _load(_request: Request) -> SignedIn | None:
        return find_signed_in()
