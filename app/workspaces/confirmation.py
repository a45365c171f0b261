"""Entering a mailed code: it creates an account or signs in, depending on its purpose."""

from app.accounts import codes, people, signing_in
from app.accounts.browsers import Browser
from app.accounts.codes import FreshCode
from app.accounts.models import MailedCode, User
from app.config import Settings
from app.database import reading, transaction
from app.mail import Mailer
from app.workspaces import registration


def find_pending(browser: Browser, code_id: str) -> MailedCode | None:
    """Return the code this browser waits for, or None."""
    with reading() as db:
        return codes.find_pending(db, browser, code_id, (registration.PURPOSE, signing_in.PURPOSE))


def give(settings: Settings, browser: Browser, code_id: str, digits: str) -> tuple[User, str]:
    """Do what the code was mailed for. Returns the person and the cookie value of their new session.

    Raises CodeRefused. Spending the code and its effect are one transaction.
    """
    try:
        code = codes.check(settings, browser, code_id, digits)
    except codes.WrongCode:
        _note_failure(browser, code_id)
        raise
    with transaction() as db:
        codes.spend(db, code)
        enter = registration.finish if code.purpose == registration.PURPOSE else signing_in.by_code
        return enter(db, browser, code)


def _note_failure(browser: Browser, code_id: str) -> None:
    pending = find_pending(browser, code_id)
    if pending is not None and pending.purpose == signing_in.PURPOSE:
        with reading() as db:
            user = people.find_by_email(db, pending.email)
        signing_in.note_failure(browser, user, how="code")


def send_again(settings: Settings, mailer: Mailer, browser: Browser, code: MailedCode) -> FreshCode:
    """Mail a new code to replace one that did not arrive or is no longer valid. Raises BudgetSpent.

    While mail is held back, the code that was mailed before stays valid.
    """
    if code.purpose == registration.PURPOSE and code.used_at is None:
        fresh = registration.send_again(settings, mailer, browser, code)
    else:
        fresh = signing_in.send_code(settings, mailer, browser, code.email, code.payload.get("next", ""))
    if fresh.digits:
        with transaction() as db:
            codes.withdraw(db, code)
    return fresh
