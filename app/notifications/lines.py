"""Who was emailed about a connection, or why nobody could be, as sentences for its card."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, true
from sqlmodel import Session, col

from app.accounts.models import User
from app.notifications import models
from app.notifications.models import ConnectionNotice, MailHealth, MailTurn
from app.vault.models import Connection
from app.web.times import moment

_NOT_SET_UP = "mail is not set up"
_FAILS = "the mail server doesn't accept our mail at the moment"
_PUT_OFF = "the mail server put it off"
_REFUSED = "the mail server refused the address"


def notified_lines(db: Session, connections: Sequence[Connection], *, viewer_id: str = "") -> dict[str, str]:
    """By connection id: "Ann was emailed today at 14:05." or "We couldn't email ann@… (mail is not set up)."

    One query for all. Only what still holds counts: it is broken, or its access ends on the day mentioned. A
    connection nobody is to be emailed about has none. `viewer_id` is addressed as "You".
    """
    by_id = {connection.id: connection for connection in connections}
    if not by_id:
        return {}
    n = ConnectionNotice
    failed = or_(col(MailTurn.failures) > 0, col(MailHealth.failing_since).is_not(None))
    query = (
        select(n, User, MailHealth)
        .join(User, col(User.id) == col(n.user_id))
        .outerjoin(MailTurn, col(MailTurn.user_id) == col(n.user_id))
        .outerjoin(MailHealth, true())
        .where(
            col(n.connection_id).in_(by_id),
            or_(
                col(n.state).in_((models.EMAILED, models.REFUSED)),
                and_(col(n.state) == models.PENDING, failed),
            ),
            col(n.closed_at).is_(None),
        )
        .order_by(col(n.emailed_at), col(User.id))
    )
    emailed: dict[str, dict[str, tuple[User, datetime]]] = {}
    missed: dict[str, dict[str, dict[str, User]]] = {}
    for notice, user, health in db.execute(query):
        if not _still_holds(notice, by_id[notice.connection_id]):
            continue
        if notice.emailed_at is not None:
            emailed.setdefault(notice.connection_id, {})[user.id] = (user, notice.emailed_at)
        else:
            by_cause = missed.setdefault(notice.connection_id, {})
            by_cause.setdefault(_cause(notice, health), {})[user.id] = user
    lines: dict[str, list[str]] = {
        key: [_emailed_line(list(people.values()), viewer_id)] for key, people in emailed.items()
    }
    for key, by_cause in missed.items():
        for cause, people in by_cause.items():
            lines.setdefault(key, []).append(_missed_line(list(people.values()), cause, viewer_id))
    return {key: " ".join(sentences) for key, sentences in lines.items()}


def _still_holds(notice: ConnectionNotice, connection: Connection) -> bool:
    if notice.kind == models.BROKEN:
        return connection.broken_at is not None
    return (
        notice.kind in models.ENDING
        and connection.broken_at is None
        and notice.about_at == connection.signin_ends_at
    )


def _cause(notice: ConnectionNotice, health: MailHealth | None) -> str:
    if notice.state == models.REFUSED:
        return _REFUSED
    if health is None or health.failing_since is None:
        return _PUT_OFF
    return _FAILS if health.is_set_up else _NOT_SET_UP


def _emailed_line(emailed: Sequence[tuple[User, datetime]], viewer_id: str) -> str:
    names = ["You" if user.id == viewer_id else user.name or user.email for user, _ in emailed]
    at = moment(max(at for _, at in emailed))
    verb = "was" if len(names) == 1 and names[0] != "You" else "were"
    return f"{_joined(names)} {verb} emailed {at}."


def _missed_line(people: Sequence[User], cause: str, viewer_id: str) -> str:
    names = _joined(["you" if user.id == viewer_id else user.email for user in people])
    return f"We couldn't email {names} ({cause})."


def _joined(names: Sequence[str]) -> str:
    """Ann; Ann and Ben; Ann, Ben and Cem; Ann, Ben and 4 more."""
    if len(names) == 1:
        return names[0]
    if len(names) < 4:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{', '.join(names[:2])} and {len(names) - 2} more"
