"""Six-digit codes by mail: ten minutes, one use, five attempts, only in the browser that requested it.

Every request writes a row, also for an address that gets no code, so that the following pages look the same.
Codes are keyed and hashed slowly: a plain hash of six digits is cracked in a second.

Anybody can request codes for anybody's address. So a flood of requests holds back mail and refuses nobody:
the answer stays the same, and a code that was mailed earlier stays valid. Guesses are counted per address,
over all its codes: at most 30 in a day. Strangers can't use up the last of them, which are for browsers that
have signed in before; and a password still signs in.
"""

import re
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from app import clock, crypto
from app.accounts import budgets, known_browsers, passwords
from app.accounts.browsers import Browser
from app.accounts.budgets import BudgetSpent, Rule, Taken
from app.accounts.keyed_hash import keyed_digest
from app.accounts.models import MailedCode
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput

LIFETIME = timedelta(minutes=10)
TRIES = 5
# Requests. All but the first hold back the mail and are counted per purpose.
_PER_SOURCE = Rule("code-source", 10, 600, burst=100)
_PER_ADDRESS_AND_SOURCE = Rule("code-address-source", 5, 3_600)
_PER_ADDRESS = Rule("code-address", 5, 3_600, burst=20)
_PER_KNOWN_BROWSER = Rule("code-known", 10, 3_600)
# Guesses. Strangers and known browsers share one count per address, of which 5 are for the known alone.
_GUESSES = Rule("code-guess", 5, 86_400, burst=25)
_GUESSES_OF_STRANGERS = Rule("code-guess", 5, 86_400, burst=20)
_GUESSES_OF_SOURCE = Rule("code-guess-source", 5, 86_400, burst=10)


class CodeRefused(InvalidInput):
    """The code was not accepted."""

    status = 422


class WrongCode(CodeRefused):
    """The digits are not the ones in the email."""

    def __init__(self, tries_left: int) -> None:
        more = (
            f"You have {tries_left} {'attempt' if tries_left == 1 else 'attempts'} left."
            if tries_left
            else "Send a new one."
        )
        super().__init__(f"That code isn't right. {more}")


class CodeGone(CodeRefused):
    """The code was used, tried too often or is too old. The message does not say which."""

    message = "This code no longer works. Send a new one."


class TooManyGuesses(BudgetSpent):
    """Too many codes were typed for this address. A password still works."""

    def __init__(self, spent: BudgetSpent) -> None:
        super().__init__(spent.rule, spent.retry_after_seconds)
        self.message = (
            "Too many wrong codes for this email. Sign in with your password, or wait "
            f"{budgets.describe_wait(spent.retry_after_seconds)}."
        )


@dataclass(frozen=True)
class FreshCode:
    """A new code. `digits` goes into the mail and is stored nowhere; "" where the mail is held back."""

    id: str
    digits: str


def reserve(settings: Settings, browser: Browser, email: str, purpose: str) -> bool:
    """Count one more request of a code, and return whether its mail may go out; if not, call `hold_back`.

    Raises BudgetSpent for a stranger at a source that requests too many codes. Call it before `issue`.
    """
    with transaction() as db:
        if known_browsers.is_known_to(db, settings, browser, email):
            return budgets.has_room(db, settings, _PER_KNOWN_BROWSER, purpose, browser.known)
        budgets.take(db, settings, _PER_SOURCE, browser.source)
        return budgets.has_room(
            db, settings, _PER_ADDRESS_AND_SOURCE, purpose, email, browser.source
        ) and budgets.has_room(db, settings, _PER_ADDRESS, purpose, email)


def hold_back(
    settings: Settings, browser: Browser, *, email: str, purpose: str, payload: dict[str, Any]
) -> FreshCode:
    """Answer a request whose mail is held back, at the cost of `issue`.

    That is the code this browser requested before, if the right digits still open it; it now stands for
    `payload`. Otherwise it is a code that no digits match.
    """
    latest = (
        select(MailedCode.id)
        .where(
            col(MailedCode.email) == email,
            col(MailedCode.purpose) == purpose,
            col(MailedCode.holder_digest) == browser.holder_digest,
            col(MailedCode.used_at).is_(None),
            col(MailedCode.attempts) < TRIES,
            col(MailedCode.expires_at) > clock.now(),
        )
        .order_by(col(MailedCode.created_at).desc())
        .limit(1)
    )
    with transaction() as db:
        code_id = db.exec(latest).first() if browser.holder else None
        if code_id is not None:
            db.execute(update(MailedCode).where(*_usable(code_id)).values(payload=payload))
    if code_id is None:
        held = issue(settings, browser, email=email, purpose=purpose, payload=payload, mailed=False)
        return FreshCode(held.id, "")
    passwords.hash_secret(crypto.new_token())
    return FreshCode(code_id, "")


def issue(
    settings: Settings, browser: Browser, *, email: str, purpose: str, payload: dict[str, Any], mailed: bool
) -> FreshCode:
    """Create a code for an address. If `mailed` is false, the work is the same, but no digits match it."""
    code_id, digits, at = crypto.new_id("cod"), f"{secrets.randbelow(1_000_000):06d}", clock.now()
    code_hash = passwords.hash_secret(_keyed(settings, code_id, digits if mailed else crypto.new_token()))
    with transaction() as db:
        db.add(
            MailedCode(
                id=code_id,
                email=email,
                purpose=purpose,
                holder_digest=browser.holder_digest,
                code_hash=code_hash,
                payload=payload,
                created_at=at,
                expires_at=at + LIFETIME,
            )
        )
    return FreshCode(code_id, digits)


def find_pending(db: Session, browser: Browser, code_id: str, purposes: Collection[str]) -> MailedCode | None:
    """Return the code this browser waits for: the named one, else its latest. It may be expired or used.

    Returns None if there is none for these purposes: a code works only for the purpose it was mailed for.
    """
    if not browser.holder:
        return None
    query = select(MailedCode).where(
        col(MailedCode.holder_digest) == browser.holder_digest, col(MailedCode.purpose).in_(purposes)
    )
    if code_id:
        query = query.where(col(MailedCode.id) == code_id)
    return db.exec(query.order_by(col(MailedCode.created_at).desc()).limit(1)).first()


def is_open(code: MailedCode) -> bool:
    """True while the right digits would still be accepted."""
    return code.used_at is None and code.attempts < TRIES and code.expires_at > clock.now()


def check(settings: Settings, browser: Browser, code_id: str, typed: str) -> MailedCode:
    """Return the code if the digits are right. Raises CodeRefused, WrongCode or CodeGone.

    The attempt is counted and committed before anything is compared, so parallel guesses share the five
    attempts. The caller then spends the code in the same transaction as the change it allows. Raises
    TooManyGuesses once too many codes were typed for its address.
    """
    digits = (
        "".join(unicodedata.normalize("NFKC", typed).split()).replace("-", "") if len(typed) <= 40 else ""
    )
    if not re.fullmatch(r"[0-9]{6}", digits):
        raise CodeRefused("Enter the 6-digit code from the email.")
    try:
        with transaction() as db:
            attempts, guesses = _count_attempt(db, settings, browser, code_id)
    except BudgetSpent as spent:
        raise TooManyGuesses(spent) from None
    with reading() as db:
        code = db.get(MailedCode, code_id)
    if code is None:
        raise CodeGone()
    if not passwords.matches(code.code_hash, _keyed(settings, code_id, digits)):
        raise WrongCode(TRIES - attempts)
    if code.used_at is not None:  # by a request that came between; its payload is gone, too
        raise CodeGone()
    with transaction() as db:
        for each in (*guesses, *_requests_of(settings, browser, code)):
            budgets.give_back(db, each)
    return code


def _count_attempt(
    db: Session, settings: Settings, browser: Browser, code_id: str
) -> tuple[int, list[Taken]]:
    """Count an attempt at a code and at its address; returns the code's attempts and what it took.

    Raises CodeGone, BudgetSpent; the transaction then counts neither.
    """
    attempt = (
        update(MailedCode)
        .where(
            *_usable(code_id),
            col(MailedCode.holder_digest) == browser.holder_digest,
            col(MailedCode.attempts) < TRIES,
        )
        .values(attempts=col(MailedCode.attempts) + 1)
    )
    row = db.execute(attempt.returning(col(MailedCode.attempts), col(MailedCode.email))).first()
    if row is None:
        raise CodeGone()
    if known_browsers.is_known_to(db, settings, browser, row.email):
        return row.attempts, [budgets.take(db, settings, _GUESSES, row.email)]
    return row.attempts, [
        budgets.take(db, settings, _GUESSES_OF_SOURCE, row.email, browser.source),
        budgets.take(db, settings, _GUESSES_OF_STRANGERS, row.email),
    ]


def _requests_of(settings: Settings, browser: Browser, code: MailedCode) -> list[Taken]:
    """Return what the request of this code counted against its address: the person has the mailbox."""
    return [
        budgets.of(settings, _PER_ADDRESS_AND_SOURCE, code.purpose, code.email, browser.source),
        budgets.of(settings, _PER_ADDRESS, code.purpose, code.email),
    ]


def spend(db: Session, code: MailedCode) -> None:
    """Mark the code as used. Raises CodeGone if another request was faster: one of parallel uses wins."""
    # A second click still needs the redirect target, and a program's next code its source.
    remaining = {"next": "", **{k: v for k, v in code.payload.items() if k in {"next", "source"}}}
    spent = (
        update(MailedCode)
        .where(*_usable(code.id))
        .values(used_at=clock.now(), payload=remaining)
        .returning(col(MailedCode.id))
    )
    if db.execute(spent).scalar_one_or_none() is None:
        raise CodeGone()


def withdraw(db: Session, code: MailedCode) -> None:
    """Invalidate a code that another one replaces."""
    db.execute(update(MailedCode).where(*_usable(code.id)).values(expires_at=clock.now()))


def _usable(code_id: str) -> tuple[Any, ...]:
    return (
        col(MailedCode.id) == code_id,
        col(MailedCode.used_at).is_(None),
        col(MailedCode.expires_at) > clock.now(),
    )


def _keyed(settings: Settings, code_id: str, digits: str) -> str:
    return keyed_digest(settings, "mailed code", code_id, digits)
