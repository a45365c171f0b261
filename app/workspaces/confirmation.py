"""The step in which a mailed code is given: it creates an account or signs in, whichever it was mailed
for.
"""

from app.accounts import codes, people, signing_in
from app.accounts.browsers import Browser
from app.accounts.codes import FreshCode
from app.accounts.models import MailedCode, User
from app.config import Settings
from app.database import reading, transaction
from app.mail import Mailer
from app.workspaces import registration


def find_waiting(browser: Browser, code_id: str) -> MailedCode | None:
    """The code to come in with that this browser waits for, or None."""
    with reading() as db:
        return codes.find_waiting(db, browser, code_id, (registration.PURPOSE, signing_in.PURPOSE))


def give(settings: Settings, browser: Browser, code_id: str, digits: str) -> tuple[User, str]:
    """Do what the code was mailed for. Gives the person and the value of their new session's cookie.

    Raises CodeRefused. Using the code up and what it is good for are one transaction.
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
    waiting = find_waiting(browser, code_id)
    if waiting is not None and waiting.purpose == signing_in.PURPOSE:
        with reading() as db:
            user = people.find_by_email(db, waiting.email)
        signing_in.note_failure(browser, user, how="code")


def send_again(settings: Settings, mailer: Mailer, browser: Browser, code: MailedCode) -> FreshCode:
    """Mail a new code in place of one that did not arrive or no longer works. Raises BudgetSpent."""
    if code.purpose == registration.PURPOSE and code.used_at is None:
        fresh = registration.send_again(settings, mailer, browser, code)
    else:
        fresh = signing_in.send_code(settings, mailer, browser, code.email, code.payload.get("next", ""))
    with transaction() as db:
        codes.withdraw(db, code)
    return fresh
