"""Operators: the people who run the installation. There is always one left who can sign in."""

from sqlalchemy import update
from sqlmodel import Session, col, select

from app import audit
from app.accounts.models import User
from app.errors import PatchbayError


class LastOperator(PatchbayError):
    """The only operator would be gone, and with them the way to administer the installation."""

    code = "LAST_OPERATOR"
    status = 409
    message = (
        "This is the last operator of the installation. Make somebody else an operator first, then try again."
    )


def check_may_go(db: Session, user_id: str) -> None:
    """Before a person is disabled or deleted: raises LastOperator when nobody else could run the
    installation.

    Call it in the transaction that lets them go. It holds the rows of all operators until then, so that of
    two operators who go at the same moment one is refused. Does nothing for somebody who is no operator.
    """
    # On PostgreSQL the second one waits here and then no longer sees the first; on SQLite the transaction is
    # alone anyway.
    active = (
        select(User.id)
        .where(col(User.is_operator).is_(True), col(User.disabled_at).is_(None))
        .order_by(col(User.id))
        .with_for_update()
    )
    if list(db.exec(active)) == [user_id]:
        raise LastOperator()


def stand_down(db: Session, user_id: str, *, by: str | None = None) -> bool:
    """Let a person operate the installation no longer, from their next request on. False when they did not
    anyway.

    Raises LastOperator. `by` is who does it, for the audit trail.
    """
    check_may_go(db, user_id)
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
