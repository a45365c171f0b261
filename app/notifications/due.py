"""What is due: to whom something may be sent now, and what of it is still true."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlmodel import Session, col

from app import clock
from app.accounts.models import User
from app.approvals import models as approvals
from app.approvals.models import Approval
from app.database import reading, transaction
from app.notifications import models, preferences
from app.notifications.letters import NoticeItem
from app.notifications.models import ConnectionNotice, MailTurn
from app.vault import connection_state
from app.vault.models import Connection
from app.web.times import zone_of
from app.workspaces.models import Membership, Workspace

# One cause often breaks several connections within seconds: wait for the last of them, but not for long.
_QUIET_FOR, _AT_MOST = timedelta(seconds=8), timedelta(seconds=20)
_MORNING = 8  # the local hour from which a digest that holds no reminder is sent
_EXPIRED_WITHIN = timedelta(days=3)  # also how long mail may be away before an expired approval is old news
# Between two digests, besides midnight: nobody gets one before and one after it, or two by changing zones.
_BETWEEN_DIGESTS = timedelta(hours=20)


@dataclass(frozen=True)
class DueNotices:
    """What one person is due now."""

    person: User
    broken: list[NoticeItem]
    recovered: list[NoticeItem]
    ending: list[NoticeItem]
    expired: list[Approval]


def people_with_notices() -> list[str]:
    """The ids of people for whom a notice is pending that may be sent now. One query, by a small index."""
    now = clock.now()
    n = ConnectionNotice
    query = (
        select(col(n.user_id), col(n.kind), col(n.about_at), MailTurn, col(User.time_zone))
        .join(User, col(User.id) == col(ConnectionNotice.user_id))
        .outerjoin(MailTurn, col(MailTurn.user_id) == col(ConnectionNotice.user_id))
        .where(col(ConnectionNotice.state) == models.PENDING)
    )
    urgent: dict[str, list[datetime]] = {}
    due: dict[str, None] = {}
    with reading() as db:
        for user_id, kind, about_at, turn, zone in db.execute(query):
            if turn is not None and turn.claimed_until is not None and turn.claimed_until > now:
                continue
            if kind == models.BROKEN:
                urgent.setdefault(user_id, []).append(about_at)
            elif kind == models.RECOVERED or may_digest(turn, zone, now):
                due[user_id] = None
    due |= {user_id: None for user_id, since in urgent.items() if _is_complete(since, now)}
    return list(due)


def people_with_expired_approvals() -> list[str]:
    """The ids of people to whom a digest about expired approvals may be sent now: it is morning there."""
    now = clock.now()
    query = (
        _expired_approvals(now)
        .join(User, col(User.id) == col(Approval.user_id))
        .outerjoin(MailTurn, col(MailTurn.user_id) == col(User.id))
        .where(col(User.disabled_at).is_(None))
        .add_columns(User, MailTurn)
    )
    with reading() as db:
        found = {
            user.id: None
            for approval, user, turn in db.execute(query)
            if preferences.wants(user, preferences.DIGEST)
            and now.astimezone(zone_of(user.time_zone)).hour >= _MORNING
            and may_digest(turn, user.time_zone, now)
            and _is_news(approval, turn, now)
        }
    return list(found)


def may_digest(turn: MailTurn | None, zone: str, now: datetime) -> bool:
    """Whether a person got no digest yet today, by their own calendar, and none in the hours before."""
    if turn is None or turn.digested_at is None:
        return True
    last = turn.digested_at
    return now - last >= _BETWEEN_DIGESTS and _day(last, zone) < _day(now, zone)


def load(user_id: str) -> DueNotices | None:
    """What is pending and still true. What is not is settled here, without an email.

    A notice whose reader has left or is disabled is deleted: whoever is concerned in their place gets one.
    """
    now = clock.now()
    query = (
        select(ConnectionNotice, Connection, col(Workspace.name), col(Membership.user_id))
        .join(Connection, col(Connection.id) == col(ConnectionNotice.connection_id))
        .join(Workspace, col(Workspace.id) == col(Connection.workspace_id))
        .outerjoin(
            Membership,
            and_(col(Membership.workspace_id) == col(Workspace.id), col(Membership.user_id) == user_id),
        )
        .where(col(ConnectionNotice.user_id) == user_id, col(ConnectionNotice.state) == models.PENDING)
        .order_by(col(ConnectionNotice.about_at), col(Connection.slug), col(Connection.id))
    )
    with transaction() as db:
        person, turn = db.get(User, user_id), db.get(MailTurn, user_id)
        if person is None:
            return None
        true = []
        for notice, connection, workspace, membership in db.execute(query):
            item = NoticeItem(notice, connection, workspace)
            if membership is None or person.disabled_at is not None:
                db.delete(notice)
            elif _is_true(item, person, now):
                true.append(item)
            else:
                notice.state = models.SKIPPED
        is_free = may_digest(turn, person.time_zone, now)
        digests = is_free and preferences.wants(person, preferences.DIGEST) and person.disabled_at is None
        return DueNotices(
            person,
            [item for item in true if item.notice.kind == models.BROKEN],
            [item for item in true if item.notice.kind == models.RECOVERED],
            _latest(item for item in true if item.notice.kind in models.ENDING and is_free),
            _expired_of(db, user_id, turn, now) if digests else [],
        )


def _is_true(item: NoticeItem, person: User, now: datetime) -> bool:
    """Whether an email about it would still be right, and is wanted."""
    kind, is_connected = item.notice.kind, item.connection.state == connection_state.CONNECTED
    if kind == models.BROKEN:
        return not is_connected and preferences.wants(person, preferences.BROKEN)
    if kind == models.RECOVERED:
        return is_connected and preferences.wants(person, preferences.BROKEN)
    return (
        is_connected
        and item.connection.signin_ends_at == item.notice.about_at > now
        and preferences.wants(person, preferences.ENDING)
    )


def _latest(ending: Iterable[NoticeItem]) -> list[NoticeItem]:
    """One reminder per connection: after days without mail both are pending, and the later says it all."""
    by_connection: dict[str, NoticeItem] = {}
    for item in ending:
        other = by_connection.get(item.connection.id)
        if other is None or item.notice.kind == models.ENDS_IN_TWO_DAYS:
            by_connection[item.connection.id], item = item, other or item
        if other is not None:
            item.notice.state = models.SKIPPED
    return list(by_connection.values())


def _expired_of(db: Session, user_id: str, turn: MailTurn | None, now: datetime) -> list[Approval]:
    query = _expired_approvals(now).where(col(Approval.user_id) == user_id)
    rows = db.scalars(query.order_by(col(Approval.created_at)))
    return [each for each in rows if _is_news(each, turn, now)]


def _is_news(approval: Approval, turn: MailTurn | None, now: datetime) -> bool:
    """Whether it expired since the person's last digest."""
    since = turn.digested_at if turn and turn.digested_at else now - _EXPIRED_WITHIN
    return (approval.ended_at or approval.until or since) > since


def _expired_approvals(now: datetime) -> Select[Any]:
    """Expired within three days, also where nobody has looked since, of people who are still members."""
    since = now - _EXPIRED_WITHIN
    expired = and_(col(Approval.state) == approvals.EXPIRED, col(Approval.ended_at) > since)
    over = and_(
        col(Approval.state) == approvals.WAITING, col(Approval.until) <= now, col(Approval.until) > since
    )
    is_member = and_(
        col(Membership.workspace_id) == col(Approval.workspace_id),
        col(Membership.user_id) == col(Approval.user_id),
    )
    query: Select[Any] = select(Approval).join(Membership, is_member).where(or_(expired, over))
    return query


def _is_complete(since: Sequence[datetime], now: datetime) -> bool:
    return max(since) <= now - _QUIET_FOR or min(since) <= now - _AT_MOST


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(zone_of(zone)).date()
