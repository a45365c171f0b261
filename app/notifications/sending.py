"""Send what is due to one person, by whoever holds that person's turn."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import update
from sqlmodel import col

from app import clock, metrics
from app.accounts.letters import Letter
from app.accounts.models import User
from app.config import Settings
from app.database import reading, transaction
from app.mail import Mailer
from app.notifications import due, letters, mail_health, models, preferences, turns
from app.notifications.letters import NoticeItem
from app.notifications.models import ConnectionNotice, MailTurn
from app.smtp import NotDelivered, domain_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DueLetter:
    """One email with all that is due to a person. `kind` is what its link to unsubscribe turns off."""

    letter: Letter
    kind: str
    items: list[NoticeItem]
    is_digest: bool


def send_due(settings: Settings, mailer: Mailer, people: Sequence[str]) -> int:
    """Send to each what is pending. Returns how many emails left.

    Stops at the first failure that would be everybody's, such as a refused password. A refusal by a rule is
    everybody's if nobody was sent anything.
    """
    emails, refusal = 0, None
    for user_id in people:
        sent, problem = _send_to(settings, mailer, user_id)
        emails += sent
        if problem is not None and problem.fault in {"setup", "server"}:
            mail_health.note_failure(problem)
            return emails
        refusal = problem if problem is not None and problem.fault == "policy" else refusal
    if refusal is not None and refusal.is_final and not emails:
        mail_health.note_failure(refusal)
    return emails


def _send_to(settings: Settings, mailer: Mailer, user_id: str) -> tuple[int, NotDelivered | None]:
    """Send a person what is pending, unless another process is at it.

    Returns how many emails left, and why the rest has to wait for another try.
    """
    token, looked_at = turns.claim_person(user_id), clock.now()
    if token is None:
        return 0, None
    try:
        found = _letter_for(settings, user_id)
        has_left = found is not None and _send_letter(settings, mailer, user_id, token, looked_at, found)
    except NotDelivered as problem:
        metrics.MAILS.labels("retried").inc()
        log.info("notifications to one person have to wait for another try: %s", problem)
        turns.fail(user_id, token, pause=problem.fault in {"policy", "recipient"})
        return 0, problem
    turns.release(user_id, token)
    return int(has_left), None


def _send_letter(
    settings: Settings, mailer: Mailer, user_id: str, token: str, looked_at: datetime, found: DueLetter
) -> bool:
    """Whether it left. Raises NotDelivered if another try may help."""
    with transaction() as db:
        if not turns.renew(db, user_id, token):
            return False
    with reading() as db:
        person, turn = db.get(User, user_id), db.get(MailTurn, user_id)
    if person is None or turn is None:
        return False
    has_left = _deliver(settings, mailer, person, turn, found)
    _note(user_id, found.items, has_left=has_left, digest_until=looked_at if found.is_digest else None)
    return has_left


def _letter_for(settings: Settings, user_id: str) -> DueLetter | None:
    work = due.load(user_id)
    if work is None:
        return None
    parts, kinds, person = [], [], work.person
    if work.broken:
        parts.append(letters.broken(settings, person, work.broken))
        kinds.append(preferences.BROKEN)
    if work.recovered:
        parts.append(letters.recovered(settings, person, work.recovered))
        kinds.append(preferences.BROKEN)
    is_digest = bool(work.ending or work.expired)
    if is_digest:
        parts.append(letters.digest(settings, person, work.ending, work.expired))
        kinds.append(preferences.ENDING if work.ending else preferences.DIGEST)
    if not parts:
        return None
    items = [*work.broken, *work.recovered, *work.ending]
    return DueLetter(letters.joined(parts), kinds[0], items, is_digest)


def _deliver(settings: Settings, mailer: Mailer, person: User, turn: MailTurn, found: DueLetter) -> bool:
    """Whether it left. A refusal of this address is logged. Raises NotDelivered if another try may help."""
    link = preferences.link_to_unsubscribe(settings, person.id, found.kind)
    headers = {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    try:
        mailer.deliver(
            person.email,
            found.letter.subject,
            found.letter.text,
            reference=_reference(person, found.letter, found.items),
            headers=headers,
        )
    except NotDelivered as problem:
        if not _ends_it(problem, turn):
            raise
        metrics.MAILS.labels("failed").inc()
        log.error("a notification to %s was not sent: %s", domain_of(person.email), problem)
        return False
    return True


def _ends_it(problem: NotDelivered, turn: MailTurn) -> bool:
    """Whether the refusal is about this address. One by a rule is, if mail to others left meanwhile."""
    if not problem.is_final or problem.fault in {"setup", "server"}:
        return False
    if problem.fault == "recipient":
        return True
    return turn.failed_at is not None and mail_health.delivered_since(turn.failed_at)


def _reference(person: User, letter: Letter, items: Sequence[NoticeItem]) -> str:
    """The same for the same email, whoever sends it."""
    parts = [person.id, *sorted(item.notice.id for item in items)] if items else [person.id, letter.text]
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def _note(
    user_id: str, items: Sequence[NoticeItem], *, has_left: bool, digest_until: datetime | None
) -> None:
    ids = [item.notice.id for item in items]
    values = {"state": models.EMAILED, "emailed_at": clock.now()} if has_left else {"state": models.REFUSED}
    with transaction() as db:
        db.execute(update(ConnectionNotice).where(col(ConnectionNotice.id).in_(ids)).values(values))
        works_again = has_left and mail_health.note_delivery(db)
        if digest_until:
            turns.note_digest(db, user_id, digest_until)
    if works_again:
        mail_health.log_recovery()
