"""Changing how one signs in: password, address, linked logins. A mail informs the address of each change."""

from sqlalchemy.exc import IntegrityError

from app.account_settings import access, letters
from app.account_settings.access import RemainingAccess
from app.accounts import codes, linked_logins, passwords, people, signing_in
from app.accounts.browsers import Browser
from app.accounts.codes import CodeGone, FreshCode
from app.accounts.linked_logins import GOOGLE
from app.accounts.login import SignedIn
from app.accounts.models import MailedCode
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput
from app.identity_exchange import identities
from app.mail import Mailer

PURPOSE = "change_email"


def change_password(
    settings: Settings, mailer: Mailer, person: SignedIn, password: str, *, ends_access: bool
) -> RemainingAccess:
    """Set a new password and sign out every other browser of the person. Returns what still acts for them.

    `ends_access`: end that as well, for somebody who does not trust it any more.
    """
    password_hash = passwords.hash_secret(password)
    with transaction() as db:
        people.set_password(db, person.user, password_hash, keep=person.session)
        if ends_access:
            access.end_all(db, person.user.id)
        remaining = access.find(db, person.user.id)
    mailer.send(person.user.email, *letters.password_changed(settings, remaining, ended=ends_access))
    return remaining


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
            identities.move(db, person.user.id)
    except IntegrityError:  # … at the same moment
        raise CodeGone() from None
    mailer.send(person.user.email, *letters.address_changed(settings))


def unlink_google(person: SignedIn) -> None:
    """Remove every Google account that signs in as this person. A mailed code still works."""
    with transaction() as db:
        linked_logins.remove(db, person.user.id, GOOGLE, by=person.user.id)


def remove_login(settings: Settings, person: SignedIn, handle: str) -> None:
    """Remove a Firebase login and end what it was exchanged for. It stays out until the person allows it.

    Raises NotFound.
    """
    user_id = person.user.id
    with transaction() as db:
        if not linked_logins.find(db, settings, user_id, handle).is_removed:
            identities.remove(db, user_id, "You removed the login it was made with.", by=user_id)


def allow_login(settings: Settings, person: SignedIn, handle: str) -> None:
    """Let a Firebase login that the person removed link itself again. Raises NotFound."""
    with transaction() as db:
        linked_logins.allow_again(db, settings, person.user.id, handle)


def sign_out_everywhere(person: SignedIn) -> None:
    """End every session of the person, and remove the logins that get access without signing in here."""
    user_id = person.user.id
    with transaction() as db:
        signing_in.sign_out_everywhere(db, person.user, by=user_id)
        identities.remove(db, user_id, "You signed out everywhere.", by=user_id)
