"""Login sessions: rows in a table; the browser's cookie holds only an opaque id.

A session ends 14 days after it was last used, 30 days after it began, and at once when the person
signs out, changes the password or is disabled. Which workspace it works in is a preference: rights
are read from memberships at every request (`app.workspaces.guard`).
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
    """The name of the session cookie; over https it carries the __Host- promise (RFC 6265bis, 4.1.3.2)."""
    return "__Host-session" if settings.secure else "session"


def start(
    db: Session, user: User, *, workspace_id: str | None = None, user_agent: str = "", address: str = ""
) -> str:
    """Begin a session for a person who has just proved who they are. Gives the cookie's value, which is not
    stored.

    Without `workspace_id` the session works in the person's first workspace.
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
    """The digest a cookie is looked up by. None for what can be no cookie of ours."""
    if not cookie_value or len(cookie_value) > _LONGEST_COOKIE:
        return None
    return crypto.digest(cookie_value)


def is_alive(at: datetime) -> ColumnElement[bool]:
    """The condition a session and its person meet at the moment `at`, for a query that joins both."""
    return and_(
        col(LoginSession.expires_at) > at,
        col(LoginSession.last_seen_at) > at - IDLE,
        col(User.disabled_at).is_(None),
    )


def find_with_person(db: Session, cookie_value: str | None) -> tuple[LoginSession, User] | None:
    """The living session of a cookie and whose it is, or None."""
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
    """The living session of a cookie. None when unknown, ended, idle too long, too old, or the person is
    disabled.
    """
    found = find_with_person(db, cookie_value)
    return found[0] if found else None


def list_for(db: Session, user_id: str) -> list[LoginSession]:
    """The person's living sessions, the one used last first."""
    query = (
        select(LoginSession)
        .join(User, col(User.id) == col(LoginSession.user_id))
        .where(col(LoginSession.user_id) == user_id, is_alive(clock.now()))
        .order_by(col(LoginSession.last_seen_at).desc(), col(LoginSession.id_digest))
        .limit(100)
    )
    return list(db.exec(query))


def is_proved(session: LoginSession) -> bool:
    """True while the password or code that began the session is recent enough for what matters most, such
    as making a token.
    """
    return clock.now() - session.proved_at <= PROOF_LASTS


def is_stale(session: LoginSession) -> bool:
    """True when it is time to write down again that the session was seen."""
    return clock.now() - session.last_seen_at >= SEEN_EVERY


def touch(db: Session, session: LoginSession) -> None:
    """Write down that the session was seen now. Never revives one that ended meanwhile."""
    at = clock.now()
    db.execute(
        update(LoginSession).where(col(LoginSession.id_digest) == session.id_digest).values(last_seen_at=at)
    )


def switch(db: Session, session: LoginSession, workspace_id: str) -> None:
    """Let the session work in another workspace. The caller has checked the membership."""
    db.execute(
        update(LoginSession)
        .where(col(LoginSession.id_digest) == session.id_digest)
        .values(workspace_id=workspace_id)
    )


def end(db: Session, session: LoginSession) -> None:
    """End one session, everywhere, from the next request on."""
    db.execute(delete(LoginSession).where(col(LoginSession.id_digest) == session.id_digest))


def end_cookie(db: Session, cookie_value: str) -> None:
    """End the session of a cookie, if there is one."""
    db.execute(delete(LoginSession).where(col(LoginSession.id_digest) == (digest_of(cookie_value) or "")))


def end_all(db: Session, user_id: str, *, keep: LoginSession | None = None) -> None:
    """End every session of a person; `keep` spares the one in front of them."""
    query = delete(LoginSession).where(col(LoginSession.user_id) == user_id)
    db.execute(query.where(col(LoginSession.id_digest) != keep.id_digest) if keep else query)


def set_cookie(response: Response, settings: Settings, cookie_value: str) -> None:
    """Give the browser its session."""
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
    """Take the session from the browser."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.secure, httponly=True, samesite="Lax"
    )


def printable(text: str) -> str:
    """The text without control characters, which a database or a page would choke on."""
    return "".join(c for c in text if c.isprintable())
