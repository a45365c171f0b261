"""Send what is pending for one person, by whoever holds that person's turn."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Select, and_, or_, select, update
from sqlmodel import Session, col

from app import clock
from app.accounts.letters import Letter
from app.accounts.models import User
from app.approvals import models as approvals
from app.approvals.models import Approval
from app.config import Settings
from app.database import reading, transaction
from app.mail import Mailer
from app.notifications import letters, models, preferences, turns
from app.notifications.letters import NoticeItem
from app.notifications.models import ConnectionNotice, MailTurn
from app.smtp import NotDelivered, domain_of
from app.vault import connection_state
from app.vault.models import Connection
from app.web.times import zone_of
from app.workspaces.models import Membership, Workspace

log = logging.getLogger(__name__)

# One cause often breaks several connections within seconds: wait for the last of them, but not for long.
_QUIET_FOR, _AT_MOST = timedelta(seconds=8), timedelta(seconds=20)
_MORNING = 8  # the local hour from which a digest that holds no reminder is sent
_EXPIRED_WITHIN = timedelta(days=2)
# Between two digests, besides midnight: nobody gets one before and one after it, or two by changing zones.
_BETWEEN_DIGESTS = timedelta(hours=20)


@dataclass(frozen=True)
class _Work:
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


def send_to(settings: Settings, mailer: Mailer, user_id: str) -> int:
    """Send a person what is pending, unless another process is at it. Returns how many emails left."""
    token, looked_at = turns.claim_person(user_id), clock.now()
    if token is None:
        return 0
    emails = 0
    try:
        for letter, kind, items, is_digest in _letters(settings, user_id):
            with transaction() as db:
                if not turns.renew(db, user_id, token):
                    return emails
            with reading() as db:
                person = db.get(User, user_id)
            if person is None:
                return emails
            has_left = _deliver(settings, mailer, person, letter, kind, items)
            emails += has_left
            _note(user_id, items, has_left=has_left, digest_until=looked_at if is_digest else None)
    except NotDelivered as problem:
        log.warning("notifications have to wait for another try: %s", problem)
        turns.pause(user_id, token)
        return emails
    turns.release(user_id, token)
    return emails


def may_digest(turn: MailTurn | None, zone: str, now: datetime) -> bool:
    """Whether a person got no digest yet today, by their own calendar, and none in the hours before."""
    if turn is None or turn.digested_at is None:
        return True
    last = turn.digested_at
    return now - last >= _BETWEEN_DIGESTS and _day(last, zone) < _day(now, zone)


def _letters(settings: Settings, user_id: str) -> list[tuple[Letter, str, list[NoticeItem], bool]]:
    """The emails to send: text, what unsubscribing turns off, what it is about, whether it is a digest."""
    work = _load(user_id)
    if work is None:
        return []
    person, found = work.person, []
    if work.broken:
        found.append((letters.broken(settings, person, work.broken), preferences.BROKEN, work.broken, False))
    if work.recovered:
        letter = letters.recovered(settings, person, work.recovered)
        found.append((letter, preferences.BROKEN, work.recovered, False))
    if work.ending or work.expired:
        letter = letters.digest(settings, person, work.ending, work.expired)
        kind = preferences.ENDING if work.ending else preferences.DIGEST
        found.append((letter, kind, work.ending, True))
    return found


def _load(user_id: str) -> _Work | None:
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
        return _Work(
            person,
            [item for item in true if item.notice.kind == models.BROKEN],
            [item for item in true if item.notice.kind == models.RECOVERED],
            [item for item in true if item.notice.kind in models.ENDING and is_free],
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


def _expired_of(db: Session, user_id: str, turn: MailTurn | None, now: datetime) -> list[Approval]:
    query = _expired_approvals(now).where(col(Approval.user_id) == user_id)
    rows = db.scalars(query.order_by(col(Approval.created_at)))
    return [each for each in rows if _is_news(each, turn, now)]


def _is_news(approval: Approval, turn: MailTurn | None, now: datetime) -> bool:
    """Whether it expired since the person's last digest."""
    since = turn.digested_at if turn and turn.digested_at else now - timedelta(days=1)
    return (approval.ended_at or approval.until or since) > since


def _expired_approvals(now: datetime) -> Select[Any]:
    """Expired within two days, also where nobody has looked since, of people who are still members there."""
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


def _deliver(
    settings: Settings, mailer: Mailer, person: User, letter: Letter, kind: str, items: Sequence[NoticeItem]
) -> bool:
    """Whether it left. A final refusal is logged. Raises NotDelivered if another try may help."""
    link = preferences.link_to_unsubscribe(settings, person.id, kind)
    headers = {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    try:
        mailer.deliver(
            person.email,
            letter.subject,
            letter.text,
            reference=_reference(person, letter, items),
            headers=headers,
        )
    except NotDelivered as problem:
        if not problem.is_final:
            raise
        log.error("a notification to %s was not sent: %s", domain_of(person.email), problem)
        return False
    return True


def _reference(person: User, letter: Letter, items: Sequence[NoticeItem]) -> str:
    """The same for the same email, whoever sends it."""
    parts = [person.id, *sorted(item.notice.id for item in items)] if items else [person.id, letter.text]
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def _note(
    user_id: str, items: Sequence[NoticeItem], *, has_left: bool, digest_until: datetime | None
) -> None:
    ids = [item.notice.id for item in items]
    values = {"state": models.EMAILED, "emailed_at": clock.now()} if has_left else {"state": models.SKIPPED}
    with transaction() as db:
        db.execute(update(ConnectionNotice).where(col(ConnectionNotice.id).in_(ids)).values(values))
        if digest_until:
            turns.note_digest(db, user_id, digest_until)


def _is_complete(since: Sequence[datetime], now: datetime) -> bool:
    return max(since) <= now - _QUIET_FOR or min(since) <= now - _AT_MOST


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(zone_of(zone)).date()
