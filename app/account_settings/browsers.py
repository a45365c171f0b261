"""The browsers a person is signed in with. A session is named by a handle, so that no page shows what
sessions are found by.
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
class Seen:
    """A browser as its owner sees it. `here`: the one in front of them."""

    handle: str
    session: LoginSession
    here: bool


def list_of(db: Session, settings: Settings, current: LoginSession) -> list[Seen]:
    """The person's living sessions, this one first, then the one used last."""
    rows = sessions.list_for(db, current.user_id)
    seen = [Seen(_handle(settings, row), row, row.id_digest == current.id_digest) for row in rows]
    return sorted(seen, key=lambda each: not each.here)


def sign_out(db: Session, settings: Settings, current: LoginSession, handle: str) -> Seen:
    """End one of the person's sessions, from its next request on. Raises NotFound for any other handle."""
    for seen in list_of(db, settings, current):
        if hmac.compare_digest(seen.handle.encode(), handle.encode()):
            sessions.end(db, seen.session)
            audit.record(db, "person.signed_out_elsewhere", user_id=current.user_id, subject=current.user_id)
            return seen
    raise NotFound("That browser is signed out already. Reload the page to see the others.")


def _handle(settings: Settings, session: LoginSession) -> str:
    return "ses_" + keyed_digest(settings, "session handle", session.id_digest)[:20]
