"""Login sessions: rows in a table; the browser's cookie holds only an opaque id.

A session ends 14 days after its last use, 30 days after its start, and at once when the person signs out,
changes the password or is disabled. Its workspace is only a preference: rights are read from memberships at
every request (`app.workspaces.guard`).
"""

from datetime import datetime, timedelta

from flask import Response
from sqlalchemy import ColumnElement, and_, delete, update
from sqlmodel import Session, col, select

from app import clock, crypto
from app.accounts.models import LoginSession, User
from app.config import Settings

ABSOLUTE = timedelta(days=30)
IDLE = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=1)
PROOF_LASTS = timedelta(minutes=30)
_LONGEST_COOKIE = 100


def cookie_name(settings: Settings) -> str:
    """Return the name of the session cookie; over https with the __Host- prefix (RFC 6265bis, 4.1.3.2)."""
    return "__Host-session" if settings.secure else "session"


def start(
    db: Session, user: User, *, workspace_id: str | None = None, user_agent: str = "", address: str = ""
) -> str:
    """Start a session for a person who has just proved who they are. Returns the cookie's value, which is not
    stored.

    Without `workspace_id` the session uses the person's first workspace.
    """
    cookie_value = crypto.new_token()
    at = clock.now()
    db.add(
        LoginSession(
            id_digest=crypto.digest(cookie_value),
            user_id=user.id,
            workspace_id=workspace_id,
            created_at=at,
            proved_at=at,
            last_seen_at=at,
            expires_at=at + ABSOLUTE,
            user_agent=printable(user_agent)[:300],
            address=address[:64],
        )
    )
    db.flush()
    return cookie_value


def digest_of(cookie_value: str | None) -> str | None:
    """Return the digest a cookie is looked up by. None if it cannot be a cookie of ours."""
    if not cookie_value or len(cookie_value) > _LONGEST_COOKIE:
        return None
    return crypto.digest(cookie_value)


def is_alive(at: datetime) -> ColumnElement[bool]:
    """Return the condition of a valid session and person at `at`, for a query that joins both."""
    return and_(
        col(LoginSession.expires_at) > at,
        col(LoginSession.last_seen_at) > at - IDLE,
        col(User.disabled_at).is_(None),
    )


def find_with_person(db: Session, cookie_value: str | None) -> tuple[LoginSession, User] | None:
    """Return the valid session of a cookie and its person, or None."""
    id_digest = digest_of(cookie_value)
    if id_digest is None:
        return None
    query = (
        select(LoginSession, User)
        .join(User, col(User.id) == col(LoginSession.user_id))
        .where(col(LoginSession.id_digest) == id_digest, is_alive(clock.now()))
    )
    row = db.exec(query).first()
    return (row[0], row[1]) if row else None


def find(db: Session, cookie_value: str | None) -> LoginSession | None:
    """Return the valid session of a cookie. None if unknown, ended, expired, or the person is disabled."""
    found = find_with_person(db, cookie_value)
    return found[0] if found else None


def list_for(db: Session, user_id: str) -> list[LoginSession]:
    """Return the person's valid sessions, the most recently used first (at most 100)."""
    query = (
        select(LoginSession)
        .join(User, col(User.id) == col(LoginSession.user_id))
        .where(col(LoginSession.user_id) == user_id, is_alive(clock.now()))
        .order_by(col(LoginSession.last_seen_at).desc(), col(LoginSession.id_digest))
        .limit(100)
    )
    return list(db.exec(query))


def is_proved(session: LoginSession) -> bool:
    """True if the last sign-in is recent enough for sensitive actions, such as making a token."""
    return clock.now() - session.proved_at <= PROOF_LASTS


def is_stale(session: LoginSession) -> bool:
    """True if the last-seen time should be stored again."""
    return clock.now() - session.last_seen_at >= SEEN_EVERY


def touch(db: Session, session: LoginSession) -> None:
    """Store that the session was seen now. Never revives a session that ended meanwhile."""
    at = clock.now()
    db.execute(
        update(LoginSession).where(col(LoginSession.id_digest) == session.id_digest).values(last_seen_at=at)
    )


def switch(db: Session, session: LoginSession, workspace_id: str) -> None:
    """Switch the session to another workspace. The caller has checked the membership."""
    db.execute(
        update(LoginSession)
        .where(col(LoginSession.id_digest) == session.id_digest)
        .values(workspace_id=workspace_id)
    )


def end(db: Session, session: LoginSession) -> None:
    """End one session, everywhere, from its next request on."""
    db.execute(delete(LoginSession).where(col(LoginSession.id_digest) == session.id_digest))


def end_cookie(db: Session, cookie_value: str) -> None:
    """End the session of a cookie, if there is one."""
    db.execute(delete(LoginSession).where(col(LoginSession.id_digest) == (digest_of(cookie_value) or "")))


def end_all(db: Session, user_id: str, *, keep: LoginSession | None = None) -> None:
    """End every session of a person except `keep`, the current one."""
    query = delete(LoginSession).where(col(LoginSession.user_id) == user_id)
    db.execute(query.where(col(LoginSession.id_digest) != keep.id_digest) if keep else query)


def set_cookie(response: Response, settings: Settings, cookie_value: str) -> None:
    """Set the session cookie."""
    response.set_cookie(
        cookie_name(settings),
        cookie_value,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="Lax",
    )


def forget_cookie(response: Response, settings: Settings) -> None:
    """Delete the session cookie."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.secure, httponly=True, samesite="Lax"
    )


def printable(text: str) -> str:
    """Return the text without control characters, which a database or a page would reject."""
    return "".join(c for c in text if c.isprintable())
