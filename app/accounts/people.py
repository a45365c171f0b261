"""People: finding them by address, making them, and what ends their sessions."""

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from app import audit, clock, crypto
from app.accounts import operators, sessions
from app.accounts.models import LoginSession, User


def find_by_email(db: Session, email: str) -> User | None:
    """The person of a normalised address who may sign in. None when unknown or disabled."""
    return db.exec(select(User).where(col(User.email) == email, col(User.disabled_at).is_(None))).first()


def is_known(db: Session, email: str) -> bool:
    """True when somebody has this address, disabled or not."""
    return db.exec(select(User.id).where(col(User.email) == email)).first() is not None


def create(
    db: Session, email: str, *, password_hash: str | None = None, is_operator: bool = False
) -> User | None:
    """Make a person. None when somebody has this address already, also when both came at the same moment."""
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {
        "id": crypto.new_id("usr"),
        "email": email,
        "name": "",
        "password_hash": password_hash,
        "is_operator": is_operator,
        "created_at": clock.now(),
    }
    made = db.execute(
        insert(User).values(row).on_conflict_do_nothing(index_elements=["email"]).returning(col(User.id))
    ).scalar_one_or_none()
    return db.get_one(User, made) if made else None


def set_password(db: Session, user: User, password_hash: str, *, keep: LoginSession | None = None) -> None:
    """Give a person a new password; every session of theirs ends, but for `keep`, the one they do it in."""
    db.execute(update(User).where(col(User.id) == user.id).values(password_hash=password_hash))
    sessions.end_all(db, user.id, keep=keep)
    audit.record(db, "person.password_changed", user_id=user.id, subject=user.id)


def move(db: Session, user: User, email: str, *, keep: LoginSession) -> bool:
    """Give a person another address; every session but `keep` ends. False, and nothing changed, when
    somebody has it.
    """
    if is_known(db, email):
        return False
    db.execute(update(User).where(col(User.id) == user.id).values(email=email))
    sessions.end_all(db, user.id, keep=keep)
    audit.record(db, "person.email_changed", user_id=user.id, subject=user.id)
    return True


def rename(db: Session, user: User, name: str) -> None:
    """Give a person the name others see. "" for none."""
    db.execute(update(User).where(col(User.id) == user.id).values(name=name))
    audit.record(db, "person.renamed", user_id=user.id, subject=user.id)


def disable(db: Session, user: User, *, by: str | None = None) -> None:
    """Keep a person out; every session of theirs ends. Raises LastOperator. `by` is who does it, for the
    audit trail.
    """
    operators.check_may_go(db, user.id)
    db.execute(update(User).where(col(User.id) == user.id).values(disabled_at=clock.now()))
    sessions.end_all(db, user.id)
    audit.record(db, "person.disabled", user_id=by, subject=user.id)


def make_operator(db: Session, email: str) -> bool:
    """Let the person of an address operate the installation, making the person if need be. True when one
    was made.
    """
    made = create(db, email, is_operator=True)
    user = made or db.exec(select(User).where(col(User.email) == email)).one()
    db.execute(update(User).where(col(User.id) == user.id).values(is_operator=True, disabled_at=None))
    audit.record(db, "person.made_operator", subject=user.id)
    return made is not None
