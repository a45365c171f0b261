"""Who was emailed about a connection, as one sentence for its card."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.models import User
from app.notifications import models
from app.notifications.models import ConnectionNotice
from app.vault.models import Connection
from app.web.times import moment


def notified_lines(db: Session, connections: Sequence[Connection], *, viewer_id: str = "") -> dict[str, str]:
    """By connection id: "Ann was emailed today at 14:05." A connection nobody was emailed about has none.

    One query for all. Only what still holds counts: it is broken, or its access ends on the day mentioned.
    `viewer_id` is addressed as "You".
    """
    by_id = {connection.id: connection for connection in connections}
    if not by_id:
        return {}
    query = (
        select(ConnectionNotice, User)
        .join(User, col(User.id) == col(ConnectionNotice.user_id))
        .where(
            col(ConnectionNotice.connection_id).in_(by_id),
            col(ConnectionNotice.state) == models.EMAILED,
            col(ConnectionNotice.closed_at).is_(None),
        )
        .order_by(col(ConnectionNotice.emailed_at), col(User.id))
    )
    people: dict[str, dict[str, tuple[User, datetime]]] = {}
    for notice, user in db.execute(query):
        if notice.emailed_at is not None and _still_holds(notice, by_id[notice.connection_id]):
            people.setdefault(notice.connection_id, {})[user.id] = (user, notice.emailed_at)
    return {key: _sentence(list(emailed.values()), viewer_id) for key, emailed in people.items()}


def _still_holds(notice: ConnectionNotice, connection: Connection) -> bool:
    if notice.kind == models.BROKEN:
        return connection.broken_at is not None
    return (
        notice.kind in models.ENDING
        and connection.broken_at is None
        and notice.about_at == connection.signin_ends_at
    )


def _sentence(emailed: Sequence[tuple[User, datetime]], viewer_id: str) -> str:
    names = ["You" if user.id == viewer_id else user.name or user.email for user, _ in emailed]
    at = moment(max(at for _, at in emailed))
    if len(names) == 1:
        return f"{names[0]} {'were' if names[0] == 'You' else 'was'} emailed {at}."
    more = f" and {names[-1]}" if len(names) < 4 else f" and {len(names) - 2} more"
    return f"{', '.join(names[:-1] if len(names) < 4 else names[:2])}{more} were emailed {at}."
