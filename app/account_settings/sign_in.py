"""Changing how one signs in: the password, the address, Google. All of it tells the address that it
happened.
"""

from sqlalchemy.exc import IntegrityError

from app.account_settings import letters
from app.accounts import codes, google_identities, passwords, people
from app.accounts.browsers import Browser
from app.accounts.codes import CodeGone, FreshCode
from app.accounts.login import SignedIn
from app.accounts.models import MailedCode
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput
from app.mail import Mailer

PURPOSE = "change_email"


def change_password(settings: Settings, mailer: Mailer, person: SignedIn, password: str) -> None:
    """Give the person a new password. Every other browser of theirs is signed out."""
    password_hash = passwords.hash_secret(password)
    with transaction() as db:
        people.set_password(db, person.user, password_hash, keep=person.session)
    letter = letters.password_changed(settings)
    mailer.send(person.user.email, letter.subject, letter.text)


def begin_move(
    settings: Settings, mailer: Mailer, browser: Browser, person: SignedIn, email: str
) -> FreshCode:
    """Mail a code to the new address; to one that has an account, a word about that instead. Nothing is
    changed yet.

    Raises InvalidInput for one's own address, BudgetSpent.
    """
    if email == person.user.email:
        raise InvalidInput("This is your email already. Enter the new one.")
    codes.reserve(settings, browser, email)
    with reading() as db:
        known = people.is_known(db, email)
    code = codes.issue(
        settings, browser, email=email, purpose=PURPOSE, payload={"person": person.user.id}, mailed=not known
    )
    letter = letters.address_in_use(settings) if known else letters.new_address(settings, code)
    mailer.send(email, letter.subject, letter.text)
    return code


def find_waiting(browser: Browser, person: SignedIn, code_id: str) -> MailedCode | None:
    """The code this browser and person wait for, or None. One that was used is gone."""
    with reading() as db:
        code = codes.find_waiting(db, browser, code_id, (PURPOSE,))
    return (
        code
        if code is not None and code.used_at is None and code.payload.get("person") == person.user.id
        else None
    )


def finish_move(
    settings: Settings, mailer: Mailer, browser: Browser, person: SignedIn, code: MailedCode, digits: str
) -> None:
    """Change the address, once the code proves the new one. Every other browser is signed out. Raises
    CodeRefused.
    """
    codes.check(settings, browser, code.id, digits)
    try:
        with transaction() as db:
            codes.spend(db, code)
            if not people.move(db, person.user, code.email, keep=person.session):
                raise CodeGone()  # somebody took the address while the code was on its way
    except IntegrityError:  # … at this very moment
        raise CodeGone() from None
    letter = letters.address_changed(settings)
    mailer.send(person.user.email, letter.subject, letter.text)


def unlink_google(person: SignedIn) -> None:
    """Let no Google account sign in as this person any more. A mailed code always does."""
    with transaction() as db:
        google_identities.unlink_all(db, person.user)
