"""The browsers a person is signed in with. A page names a session by a handle, never by its id digest, by
which sessions are found.
"""

import hmac
from dataclasses import dataclass

from sqlmodel import Session

from app import audit
from app.accounts import sessions
from app.accounts.keyed_hash import keyed_digest
from app.accounts.models import LoginSession
from app.config import Settings
from app.errors import NotFound


@dataclass(frozen=True)
class SignedInBrowser:
    """A browser as its owner sees it. `is_current`: the one that sent this request."""

    handle: str
    session: LoginSession
    is_current: bool


def list_of(db: Session, settings: Settings, current: LoginSession) -> list[SignedInBrowser]:
    """Return the person's valid sessions: the current one first, then the most recently used."""
    rows = sessions.list_for(db, current.user_id)
    browsers = [
        SignedInBrowser(_handle(settings, row), row, row.id_digest == current.id_digest) for row in rows
    ]
    return sorted(browsers, key=lambda each: not each.is_current)


def sign_out(db: Session, settings: Settings, current: LoginSession, handle: str) -> SignedInBrowser:
    """End one of the person's sessions, from its next request on. Raises NotFound for any other handle."""
    for browser in list_of(db, settings, current):
        if hmac.compare_digest(browser.handle.encode(), handle.encode()):
            sessions.end(db, browser.session)
            audit.record(db, "person.signed_out_elsewhere", user_id=current.user_id, subject=current.user_id)
            return browser
    raise NotFound("That browser is signed out already. Reload the page to see the others.")


def _handle(settings: Settings, session: LoginSession) -> str:
    return "ses_" + keyed_digest(settings, "session handle", session.id_digest)[:20]
