"""Operators: the people who run the installation. One who can sign in always remains."""

from sqlalchemy import update
from sqlmodel import Session, col, select

from app import audit
from app.accounts.models import User
from app.errors import PatchbayError


class LastOperator(PatchbayError):
    """The only operator would be gone, and nobody could administer the installation."""

    code = "LAST_OPERATOR"
    status = 409
    message = "This is the last operator of the installation. Make someone else an operator first."


def check_not_last_operator(db: Session, user_id: str) -> None:
    """Raises LastOperator if nobody else could run the installation without this person.

    Call it in the transaction that disables or deletes the person. It locks the rows of all operators until
    then, so that of two operators who go at the same time one is refused. Does nothing for other people.
    """
    # On PostgreSQL the second transaction waits here and then no longer sees the first operator. On SQLite
    # only one transaction writes at a time.
    active = (
        select(User.id)
        .where(col(User.is_operator).is_(True), col(User.disabled_at).is_(None))
        .order_by(col(User.id))
        .with_for_update()
    )
    if list(db.exec(active)) == [user_id]:
        raise LastOperator()


def revoke_operator(db: Session, user_id: str, *, by: str | None = None) -> bool:
    """Remove a person's operator right, from their next request on. Returns False if they had none.

    Raises LastOperator. `by` is the acting person, for the audit trail.
    """
    check_not_last_operator(db, user_id)
    ended = (
        update(User)
        .where(col(User.id) == user_id, col(User.is_operator).is_(True))
        .values(is_operator=False)
        .returning(col(User.id))
    )
    if db.execute(ended).scalar_one_or_none() is None:
        return False
    audit.record(db, "person.stood_down_as_operator", user_id=by, subject=user_id)
    return True
