"""People: finding, creating and changing them, and ending their sessions."""

from sqlalchemy import update
from sqlmodel import Session, col, select

from app import audit, clock, crypto
from app.accounts import known_browsers, operators, sessions
from app.accounts.models import LoginSession, User
from app.database import upsert_into


def find_by_email(db: Session, email: str) -> User | None:
    """Return the person of a normalised address who may sign in. None if unknown or disabled."""
    return db.exec(select(User).where(col(User.email) == email, col(User.disabled_at).is_(None))).first()


def is_known(db: Session, email: str) -> bool:
    """True if somebody has this address, disabled or not."""
    return db.exec(select(User.id).where(col(User.email) == email)).first() is not None


def create(
    db: Session,
    email: str,
    *,
    password_hash: str | None = None,
    is_operator: bool = False,
    email_unproved: bool = False,
) -> User | None:
    """Create a person. Returns None if the address is taken (race-safe).

    `email_unproved`: nobody has read a code from this mailbox yet.
    """
    row = {
        "id": crypto.new_id("usr"),
        "email": email,
        "name": "",
        "password_hash": password_hash,
        "is_operator": is_operator,
        "email_unproved": email_unproved,
        "browser_epoch": 0,
        "created_at": clock.now(),
    }
    created = db.execute(
        upsert_into(User).values(row).on_conflict_do_nothing(index_elements=["email"]).returning(col(User.id))
    ).scalar_one_or_none()
    return db.get_one(User, created) if created else None


def set_password(db: Session, user: User, password_hash: str, *, keep: LoginSession | None = None) -> None:
    """Set a person's password and end every session of theirs except `keep`, the current one. Browsers that
    were signed in before are strangers again.
    """
    db.execute(update(User).where(col(User.id) == user.id).values(password_hash=password_hash))
    sessions.end_all(db, user.id, keep=keep)
    known_browsers.forget_all(db, user)
    audit.record(db, "person.password_changed", user_id=user.id, subject=user.id)


def change_email(db: Session, user: User, email: str, *, keep: LoginSession) -> bool:
    """Change a person's address and end every session but `keep`. Returns False if the address is taken."""
    if is_known(db, email):
        return False
    db.execute(update(User).where(col(User.id) == user.id).values(email=email, email_unproved=False))
    sessions.end_all(db, user.id, keep=keep)
    audit.record(db, "person.email_changed", user_id=user.id, subject=user.id)
    return True


def prove_address(db: Session, user: User) -> None:
    """Note that the person has read their mailbox."""
    if user.email_unproved:
        db.execute(update(User).where(col(User.id) == user.id).values(email_unproved=False))


def rename(db: Session, user: User, name: str) -> None:
    """Set the name others see. "" for none."""
    db.execute(update(User).where(col(User.id) == user.id).values(name=name))
    audit.record(db, "person.renamed", user_id=user.id, subject=user.id)


def set_time_zone(db: Session, user: User, name: str) -> None:
    """Set the zone a person reads times in, an IANA name."""
    db.execute(update(User).where(col(User.id) == user.id).values(time_zone=name))


def disable(db: Session, user: User, *, by: str | None = None) -> None:
    """Disable a person and end every session of theirs. Raises LastOperator.

    `by` is the acting person, for the audit trail.
    """
    operators.check_not_last_operator(db, user.id)
    db.execute(update(User).where(col(User.id) == user.id).values(disabled_at=clock.now()))
    sessions.end_all(db, user.id)
    audit.record(db, "person.disabled", user_id=by, subject=user.id)


def make_operator(db: Session, email: str) -> bool:
    """Make the person of an address an operator. Returns True if the person was created for it."""
    created = create(db, email, is_operator=True, email_unproved=True)
    user = created or db.exec(select(User).where(col(User.email) == email)).one()
    db.execute(update(User).where(col(User.id) == user.id).values(is_operator=True, disabled_at=None))
    audit.record(db, "person.made_operator", subject=user.id)
    return created is not None
