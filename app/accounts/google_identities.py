"""Which Google account signs in as whom. The identity is issuer and subject, never the address alone."""

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app import audit, clock
from app.accounts.models import GoogleIdentity, User
from app.database import upsert_into


def find_person(db: Session, issuer: str, subject: str) -> User | None:
    """Return the person a Google account signs in as, disabled or not. None if it is linked to nobody."""
    query = (
        select(User)
        .join(GoogleIdentity, col(GoogleIdentity.user_id) == col(User.id))
        .where(col(GoogleIdentity.issuer) == issuer, col(GoogleIdentity.subject) == subject)
    )
    return db.exec(query).first()


def list_of(db: Session, user_id: str) -> list[GoogleIdentity]:
    """Return the Google accounts that sign in as a person, the first linked first."""
    query = select(GoogleIdentity).where(col(GoogleIdentity.user_id) == user_id)
    return list(db.exec(query.order_by(col(GoogleIdentity.linked_at), col(GoogleIdentity.subject))))


def link(db: Session, user: User, *, issuer: str, subject: str, email: str) -> bool:
    """Let a Google account sign in as a person. Returns False if it already does (race-safe)."""
    row = {"issuer": issuer, "subject": subject, "user_id": user.id, "email": email, "linked_at": clock.now()}
    inserted = (
        upsert_into(GoogleIdentity).values(row).on_conflict_do_nothing(index_elements=["issuer", "subject"])
    )
    if db.execute(inserted.returning(col(GoogleIdentity.subject))).scalar_one_or_none() is None:
        return False
    audit.record(db, "person.google_linked", user_id=user.id, subject=user.id)
    return True


def unlink_all(db: Session, user: User) -> None:
    """Remove every Google account that signs in as this person."""
    removed = (
        delete(GoogleIdentity)
        .where(col(GoogleIdentity.user_id) == user.id)
        .returning(col(GoogleIdentity.subject))
    )
    if list(db.execute(removed).scalars()):
        audit.record(db, "person.google_unlinked", user_id=user.id, subject=user.id)
