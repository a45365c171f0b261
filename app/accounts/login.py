"""Who is looking at this page: Flask-Login, fed from our own session table.

Flask-Login's cookie session and its "remember me" cookie are not used: a copied signed cookie would
work after signing out. `current_user` is a SignedIn or Flask-Login's anonymous user.
"""

from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, Response, current_app, g, request
from flask_login import LoginManager, UserMixin

from app import database
from app.accounts import sessions
from app.accounts.models import LoginSession, User


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc]
    """The person behind this request and the session they use."""

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


def current() -> SignedIn | None:
    """Who is signed in, or None. Looked up once a request."""
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
    """What this browser shows as its session."""
    return request.cookies.get(sessions.cookie_name(current_app.extensions["patchbay"]))


def remember(signed_in: SignedIn | None) -> SignedIn | None:
    """Keep for the rest of this request what a wider query has found out."""
    g.signed_in = signed_in
    return signed_in


def install(app: Flask) -> None:
    """Make `current_user` known to routes."""
    manager = _OurSessionsOnly()
    manager.session_protection = None
    # pages read `member`; an error page must ask nothing of the database
    manager.init_app(app, add_context_processor=False)

    @manager.request_loader
    def _load(_request: Request) -> SignedIn | None:
        return current()
