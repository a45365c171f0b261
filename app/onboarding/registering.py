"""The first two steps: mail a code, and exchange code and registration for a setup token."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app import audit, clock, crypto
from app.accounts import budgets, codes, passwords, people
from app.accounts.browsers import Browser
from app.accounts.budgets import Rule
from app.accounts.codes import CodeGone, CodeRefused, WrongCode
from app.accounts.keyed_hash import keyed_digest
from app.accounts.models import MailedCode
from app.config import Settings
from app.database import reading, transaction
from app.mail import Mailer
from app.onboarding import letters
from app.onboarding.models import SetupToken

PURPOSE = "api_register"
SETUP_PREFIX = "pbi_"
LIFETIME = timedelta(hours=1)
_RETENTION = timedelta(days=1)
_CONFIRMED_PER_SOURCE = Rule("api-confirm-source", 300, 3_600)


class CodeNotRight(CodeRefused):
    """The code is wrong, used, expired, spent, or was never mailed. The message does not say which."""

    code = "CODE_REFUSED"
    message = (
        "That code isn't right or has expired. A code allows five tries within ten minutes. Check it, or "
        "register again for a new one."
    )


@dataclass(frozen=True)
class Setup:
    """A setup token in clear, the only time it exists."""

    token: str
    seconds: int


def register(settings: Settings, mailer: Mailer, caller: Browser, *, company: str, email: str) -> None:
    """Mail a code to the address. Creates nothing else yet. Raises BudgetSpent.

    Where the mail is held back, no code is stored either: the newest one is what `confirm` compares with.
    """
    if not codes.reserve(settings, caller, email, PURPOSE):
        passwords.hash_secret(crypto.new_token())  # takes as long as issuing a code
        return
    with reading() as db:
        user = people.find_by_email(db, email)
        known = people.is_known(db, email)
    may_enter = user is not None or not known
    payload = {"company": company, "source": _source_digest(settings, caller)}
    code = codes.issue(settings, caller, email=email, purpose=PURPOSE, payload=payload, mailed=may_enter)
    if may_enter:
        mailer.send(email, *(letters.confirm_known if known else letters.confirm)(settings, code))


def confirm(settings: Settings, caller: Browser, *, email: str, digits: str) -> Setup:
    """Return a setup token for the code of the address that this source requested last, or else the newest.

    So nobody elsewhere can replace a code by requesting another. Raises CodeRefused, BudgetSpent.
    """
    with transaction() as db:
        budgets.take(db, settings, _CONFIRMED_PER_SOURCE, caller.source)
        pending = _latest(db, email, _source_digest(settings, caller))
    try:
        code = codes.check(settings, caller, pending.id if pending else "", digits)
    except CodeGone:
        passwords.matches(None, digits)  # takes as long as checking an existing code
        raise CodeNotRight() from None
    except WrongCode:
        raise CodeNotRight() from None
    return _exchange(code)


def _exchange(code: MailedCode) -> Setup:
    """Exchange the code for a setup token. Raises CodeNotRight if another request was faster."""
    token, at = crypto.new_token(SETUP_PREFIX), clock.now()
    row = SetupToken(
        token_digest=crypto.digest(token),
        email=code.email,
        company=code.payload["company"],
        created_at=at,
        expires_at=at + LIFETIME,
    )
    try:
        with transaction() as db:
            codes.spend(db, code)
            forget_old(db)
            db.add(row)
            audit.record(db, "setup.confirmed")
    except CodeGone:
        raise CodeNotRight() from None
    return Setup(token, int(LIFETIME.total_seconds()))


def _latest(db: Session, email: str, source: str) -> MailedCode | None:
    """Return the newest code for the address that is bound to no browser: if possible one that this source
    requested. It may be used or too old.
    """
    query = select(MailedCode).where(col(MailedCode.email) == email, col(MailedCode.purpose) == PURPOSE)
    newest = db.exec(query.order_by(col(MailedCode.created_at).desc(), col(MailedCode.id)).limit(50)).all()
    own = (code for code in newest if code.payload.get("source") == source)
    return next(own, newest[0] if newest else None)


def _source_digest(settings: Settings, caller: Browser) -> str:
    return keyed_digest(settings, "source of a code", caller.source)


def forget_old(db: Session) -> None:
    """Deletes setup tokens that expired a day ago."""
    db.execute(delete(SetupToken).where(col(SetupToken.expires_at) < clock.now() - _RETENTION))
