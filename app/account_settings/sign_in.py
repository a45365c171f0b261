"""Changing how one signs in: password, address, Google. A mail informs the address of each change."""

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
    """Set a new password and sign out every other browser of the person."""
    password_hash = passwords.hash_secret(password)
    with transaction() as db:
        people.set_password(db, person.user, password_hash, keep=person.session)
    mailer.send(person.user.email, *letters.password_changed(settings))


def begin_move(
    settings: Settings, mailer: Mailer, browser: Browser, person: SignedIn, email: str
) -> FreshCode:
    """Mail a code to the new address, or a hint if it has an account. Changes nothing yet.

    Raises InvalidInput for one's own address, BudgetSpent.
    """
    if email == person.user.email:
        raise InvalidInput("This is your email already. Enter the new one.")
    payload = {"person": person.user.id}
    if not codes.reserve(settings, browser, email, PURPOSE):
        return codes.hold_back(settings, browser, email=email, purpose=PURPOSE, payload=payload)
    with reading() as db:
        known = people.is_known(db, email)
    code = codes.issue(settings, browser, email=email, purpose=PURPOSE, payload=payload, mailed=not known)
    letter = letters.address_in_use(settings) if known else letters.new_address(settings, code)
    mailer.send(email, *letter)
    return code


def find_pending(browser: Browser, person: SignedIn, code_id: str) -> MailedCode | None:
    """Return the code this browser and person wait for, or None if there is none or it was used."""
    with reading() as db:
        code = codes.find_pending(db, browser, code_id, (PURPOSE,))
    return (
        code
        if code is not None and code.used_at is None and code.payload.get("person") == person.user.id
        else None
    )


def finish_move(
    settings: Settings, mailer: Mailer, browser: Browser, person: SignedIn, code: MailedCode, digits: str
) -> None:
    """Change the address once the code proves it, and sign out every other browser. Raises CodeRefused."""
    codes.check(settings, browser, code.id, digits)
    try:
        with transaction() as db:
            codes.spend(db, code)
            if not people.change_email(db, person.user, code.email, keep=person.session):
                raise CodeGone()  # somebody took the address before the code was entered
    except IntegrityError:  # … at the same moment
        raise CodeGone() from None
    mailer.send(person.user.email, *letters.address_changed(settings))


def unlink_google(person: SignedIn) -> None:
    """Remove every Google account that signs in as this person. A mailed code still works."""
    with transaction() as db:
        google_identities.unlink_all(db, person.user)
