"""Logins at other companies that stand for a person: Google accounts, which sign in, and Firebase logins,
whose ID tokens are exchanged for access.

Decided: issuer and subject identify a login. The address alone links nothing: it must be proved, and the
person is mailed when it happens. Removing a Firebase login bars it: no person takes part when its ID token is
exchanged, so it would link itself again at once. It stays out until the person allows it again, signed in.
A Google account needs no such bar: it links only while the person in the browser proves the mailbox.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, literal, select, union_all
from sqlmodel import Session, col

from app import audit, clock
from app.accounts.keyed_hash import keyed_digest
from app.accounts.models import FirebaseIdentity, GoogleIdentity, RemovedLogin, User
from app.config import Settings
from app.database import upsert_into
from app.errors import NotFound

StoredLogin = GoogleIdentity | FirebaseIdentity


@dataclass(frozen=True)
class LoginKind:
    """Where a login comes from. `linked` and `removed` are its actions in the audit trail."""

    table: type[GoogleIdentity] | type[FirebaseIdentity]
    linked: str
    removed: str
    is_barred_when_removed: bool = False


GOOGLE = LoginKind(GoogleIdentity, "person.google_linked", "person.google_unlinked")
FIREBASE = LoginKind(FirebaseIdentity, "identity.linked", "identity.removed", is_barred_when_removed=True)


@dataclass(frozen=True)
class LinkedLogin:
    """A Firebase login as its person sees it; a page names it by its handle.

    `at`: when it was linked, or if `is_removed`, when it was removed and barred.
    """

    handle: str
    issuer: str
    subject: str
    email: str
    at: datetime
    is_removed: bool


def find_person(db: Session, kind: LoginKind, issuer: str, subject: str) -> User | None:
    """Return the person a login stands for, disabled or not. None if it is linked to nobody."""
    query = (
        select(User)
        .join(kind.table, col(kind.table.user_id) == col(User.id))
        .where(col(kind.table.issuer) == issuer, col(kind.table.subject) == subject)
    )
    return db.scalars(query).first()


def list_of(db: Session, kind: LoginKind, user_id: str) -> list[StoredLogin]:
    """Return the logins of a kind that stand for a person, the first linked first."""
    table = kind.table
    query = select(table).where(col(table.user_id) == user_id)
    return list(db.scalars(query.order_by(col(table.linked_at), col(table.subject))))


def is_barred(db: Session, user_id: str, issuer: str, subject: str) -> bool:
    """True if the person removed this login and has not allowed it again."""
    return db.get(RemovedLogin, (issuer, subject, user_id)) is not None


def link(db: Session, user: User, kind: LoginKind, *, issuer: str, subject: str, email: str) -> bool:
    """Let a login stand for a person who has proved its address. Mail them after the commit.

    Returns False if it does already, or if the person has another login where one is all they may have
    (race-safe).
    """
    row = {"issuer": issuer, "subject": subject, "user_id": user.id, "email": email, "linked_at": clock.now()}
    inserted = upsert_into(kind.table).values(row).on_conflict_do_nothing()
    if db.execute(inserted.returning(col(kind.table.subject))).scalar_one_or_none() is None:
        return False
    audit.record(db, kind.linked, user_id=user.id, subject=user.id)
    return True


def remove(db: Session, user_id: str, kind: LoginKind, *, by: str) -> int:
    """Remove the logins of a kind that stand for a person, and bar them if the kind says so.

    `by` is who does it, for the audit trail. Returns how many were removed.
    """
    removed = forget(db, user_id, kind)
    if kind.is_barred_when_removed:
        for login in removed:
            row = {
                "issuer": login.issuer,
                "subject": login.subject,
                "user_id": user_id,
                "email": login.email,
                "removed_at": clock.now(),
            }
            db.execute(upsert_into(RemovedLogin).values(row).on_conflict_do_nothing())
    if removed:
        audit.record(db, kind.removed, user_id=by, subject=user_id)
    return len(removed)


def forget(db: Session, user_id: str, kind: LoginKind) -> list[StoredLogin]:
    """Unlink the logins of a kind from a person, and return them. They may be linked again as if new."""
    found = list_of(db, kind, user_id)
    db.execute(delete(kind.table).where(col(kind.table.user_id) == user_id))
    return found


def list_firebase(db: Session, settings: Settings, user_id: str) -> list[LinkedLogin]:
    """Return a person's Firebase logins for their account page: the linked ones, then those they removed."""
    linked = _rows_of(FirebaseIdentity, FirebaseIdentity.linked_at, user_id, is_removed=False)
    removed = _rows_of(RemovedLogin, RemovedLogin.removed_at, user_id, is_removed=True)
    rows = db.execute(union_all(linked, removed).order_by("is_removed", "at", "subject"))
    return [
        LinkedLogin(
            _handle(settings, row.issuer, row.subject),
            row.issuer,
            row.subject,
            row.email,
            row.at,
            is_removed=bool(row.is_removed),
        )
        for row in rows
    ]


def _rows_of(
    table: type[FirebaseIdentity] | type[RemovedLogin], at: Any, user_id: str, *, is_removed: bool
) -> Any:
    return select(
        col(table.issuer),
        col(table.subject),
        col(table.email),
        col(at).label("at"),
        literal(int(is_removed)).label("is_removed"),
    ).where(col(table.user_id) == user_id)


def find(db: Session, settings: Settings, user_id: str, handle: str) -> LinkedLogin:
    """Return one of a person's Firebase logins. Raises NotFound for any other handle."""
    for each in list_firebase(db, settings, user_id):
        if hmac.compare_digest(each.handle.encode(), handle.encode()):
            return each
    raise NotFound("That login is no longer in your list. Reload the page to see what is.")


def allow_again(db: Session, settings: Settings, user_id: str, handle: str) -> None:
    """Let a login that the person removed be linked again, at its next exchange. Raises NotFound."""
    found = find(db, settings, user_id, handle)
    if not found.is_removed:
        return
    db.execute(
        delete(RemovedLogin).where(
            col(RemovedLogin.user_id) == user_id,
            col(RemovedLogin.issuer) == found.issuer,
            col(RemovedLogin.subject) == found.subject,
        )
    )
    audit.record(db, "identity.allowed", user_id=user_id, subject=user_id)


def _handle(settings: Settings, issuer: str, subject: str) -> str:
    return "lgn_" + keyed_digest(settings, "login handle", issuer, subject)[:20]
