"""Six-digit codes by mail: ten minutes, one use, five attempts, only in the browser that requested it.

Every request writes a row, also for an address that gets no code, so that the following pages look the same.
Codes are keyed and hashed slowly: a plain hash of six digits is cracked in a second.
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
from app.accounts import budgets, passwords
from app.accounts.browsers import Browser, is_known_to
from app.accounts.budgets import Rule
from app.accounts.keyed_hash import keyed_digest
from app.accounts.models import MailedCode
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput

LIFETIME = timedelta(minutes=10)
TRIES = 5
_PER_SOURCE = Rule("code-source", 500, 86_400)
_PER_ADDRESS_AND_SOURCE = Rule("code-address-source", 10, 3_600)
_PER_ADDRESS = Rule("code-address", 20, 86_400)
_PER_KNOWN_BROWSER = Rule("code-known", 10, 86_400)


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


@dataclass(frozen=True)
class FreshCode:
    """A new code. `digits` goes into the mail and is stored nowhere."""

    id: str
    digits: str


def reserve(settings: Settings, browser: Browser, email: str) -> None:
    """Count one more code for an address. Raises BudgetSpent. Call it before `issue`."""
    with transaction() as db:
        _spend_budgets(db, settings, browser, email)


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
    attempts. The caller then spends the code in the same transaction as the change it allows.
    """
    digits = (
        "".join(unicodedata.normalize("NFKC", typed).split()).replace("-", "") if len(typed) <= 40 else ""
    )
    if not re.fullmatch(r"[0-9]{6}", digits):
        raise CodeRefused("Enter the 6-digit code from the email.")
    with transaction() as db:
        attempts = db.execute(
            update(MailedCode)
            .where(
                *_usable(code_id),
                col(MailedCode.holder_digest) == browser.holder_digest,
                col(MailedCode.attempts) < TRIES,
            )
            .values(attempts=col(MailedCode.attempts) + 1)
            .returning(col(MailedCode.attempts))
        ).scalar_one_or_none()
    if attempts is None:
        raise CodeGone()
    with reading() as db:
        code = db.get(MailedCode, code_id)
    if code is None:
        raise CodeGone()
    if not passwords.matches(code.code_hash, _keyed(settings, code_id, digits)):
        raise WrongCode(TRIES - attempts)
    if code.used_at is not None:  # by a request that came between; its payload is gone, too
        raise CodeGone()
    return code


def spend(db: Session, code: MailedCode) -> None:
    """Mark the code as used. Raises CodeGone if another request was faster: one of parallel uses wins."""
    # A second click still needs the redirect target; the rest is no longer needed.
    remaining = {"next": code.payload.get("next", "")}
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


def _spend_budgets(db: Session, settings: Settings, browser: Browser, email: str) -> None:
    budgets.take(db, settings, _PER_SOURCE, browser.source)
    if is_known_to(settings, browser, email):
        budgets.take(db, settings, _PER_KNOWN_BROWSER, browser.known)
    else:
        budgets.take(db, settings, _PER_ADDRESS_AND_SOURCE, email, browser.source)
        budgets.take(db, settings, _PER_ADDRESS, email)


def _keyed(settings: Settings, code_id: str, digits: str) -> str:
    return keyed_digest(settings, "mailed code", code_id, digits)
