"""Signing in, by password or by a mailed code, and what both have in common.

Responses and their timing are the same for known and unknown addresses: the same hashing, the same rows, the
same page. Attempts are counted before the password is checked.
"""

from collections.abc import Callable

from flask import Response, make_response, redirect
from sqlalchemy import update
from sqlmodel import Session, col

from app import audit, metrics
from app.accounts import budgets, codes, known_browsers, letters, passwords, people, sessions
from app.accounts.browsers import Browser
from app.accounts.budgets import BudgetSpent, Rule
from app.accounts.codes import FreshCode
from app.accounts.models import LoginSession, MailedCode, User
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput
from app.mail import Mailer

PURPOSE = "sign_in"
HomeFinder = Callable[[Session, str], str | None]
_home_finders: list[HomeFinder] = []
_PER_SOURCE = Rule("password-source", 50, 600, burst=100)
_PER_ACCOUNT_AND_SOURCE = Rule("password-account-source", 10, 900)
_PER_ACCOUNT = Rule("password-account", 100, 86_400)
_PER_KNOWN_BROWSER = Rule("password-known", 10, 900)


class WrongCredentials(InvalidInput):
    """Address and password do not match. The message does not say whether the address is known."""

    status = 422
    message = "Email and password don't match. Try again, or have a code emailed to you."


class TooManyTries(BudgetSpent):
    """The password was tried too often. A mailed code still works."""

    def __init__(self, spent: BudgetSpent) -> None:
        super().__init__(spent.rule, spent.retry_after_seconds)
        self.message = (
            "Too many attempts. Have a code emailed to you, or wait "
            f"{budgets.describe_wait(spent.retry_after_seconds)}."
        )


def by_password(settings: Settings, browser: Browser, email: str, password: str) -> tuple[User, str]:
    """Return the person and the cookie value of a new session. Raises WrongCredentials or TooManyTries."""
    try:
        with transaction() as db:
            rules = _rules(db, settings, browser, email)
            taken = [budgets.take(db, settings, rule, *who) for rule, who in rules]
            user = people.find_by_email(db, email)
    except BudgetSpent as spent:
        raise TooManyTries(spent) from None
    if not passwords.matches(user.password_hash if user else None, password) or user is None:
        note_failure(browser, user, how="password")
        raise WrongCredentials()
    stronger = (
        passwords.hash_secret(password)
        if user.password_hash and passwords.is_outdated(user.password_hash)
        else None
    )
    with transaction() as db:
        for each in taken:
            (
                budgets.forget
                if each.rule in {_PER_ACCOUNT_AND_SOURCE, _PER_KNOWN_BROWSER}
                else budgets.give_back
            )(db, each)
        if stronger:
            db.execute(update(User).where(col(User.id) == user.id).values(password_hash=stronger))
        return user, admit(db, browser, user, how="password")


def send_code(settings: Settings, mailer: Mailer, browser: Browser, email: str, next_path: str) -> FreshCode:
    """Mail a sign-in code to a known address, a hint to an unknown one. Raises BudgetSpent."""
    payload = {"next": next_path}
    if not codes.reserve(settings, browser, email, PURPOSE):
        return codes.hold_back(settings, browser, email=email, purpose=PURPOSE, payload=payload)
    with reading() as db:
        user = people.find_by_email(db, email)
        known = people.is_known(db, email)
    code = codes.issue(
        settings, browser, email=email, purpose=PURPOSE, payload=payload, mailed=user is not None
    )
    if user is not None:
        mailer.send(email, *letters.sign_in_code(settings, code))
    elif not known:
        mailer.send(email, *letters.not_registered(settings))
    return code


def by_code(db: Session, browser: Browser, code: MailedCode) -> tuple[User, str]:
    """Return the person of a code just spent, and a new session's cookie value. Raises CodeGone."""
    user = people.find_by_email(db, code.email)
    if user is None:
        raise codes.CodeGone()
    people.prove_address(db, user)
    return user, admit(db, browser, user, how="code")


def admit(db: Session, browser: Browser, user: User, *, how: str, workspace_id: str | None = None) -> str:
    """Start a session for somebody who has proved who they are. Ends the browser's previous session.

    Returns the cookie value. Somebody who was signed in and did it again stays in their workspace.
    """
    before = sessions.find(db, browser.session)
    if workspace_id is None and before is not None and before.user_id == user.id:
        workspace_id = before.workspace_id
    sessions.end_cookie(db, browser.session)
    if browser.time_zone and not user.time_zone:  # what the person chose on the account page stays
        db.execute(update(User).where(col(User.id) == user.id).values(time_zone=browser.time_zone))
    home = workspace_id or _home_of(db, user.id)
    audit.record(
        db,
        "person.signed_in",
        workspace_id=home,
        user_id=user.id,
        subject=user.id,
        how=how,
        address=browser.address,
    )
    return sessions.start(
        db, user, workspace_id=workspace_id, user_agent=browser.user_agent, address=browser.address
    )


def note_failure(browser: Browser, user: User | None, *, how: str) -> None:
    """Record a failed attempt in the trail of the person's workspace, or of the installation if unknown.

    The input is not stored: it may be a password in the wrong field.
    """
    metrics.SIGN_INS_FAILED.labels(how).inc()
    user_id = user.id if user else ""
    with transaction() as db:
        home = _home_of(db, user_id)
        details = {"how": how, "address": browser.address}
        audit.record(
            db,
            "person.sign_in_failed",
            workspace_id=home,
            user_id=user_id or None,
            subject=user_id,
            **details,
        )


def sign_out(session: LoginSession) -> None:
    """End the current session."""
    with transaction() as db:
        sessions.end(db, session)
        home = session.workspace_id or _home_of(db, session.user_id)
        audit.record(
            db, "person.signed_out", workspace_id=home, user_id=session.user_id, subject=session.user_id
        )


def sign_out_everywhere(db: Session, user: User, *, by: str) -> None:
    """End every session of a person; their browsers are strangers again. `by` is who does it."""
    sessions.end_all(db, user.id)
    known_browsers.forget_all(db, user)
    home = _home_of(db, user.id) if by == user.id else None
    audit.record(db, "person.signed_out_everywhere", workspace_id=home, user_id=by, subject=user.id)


def welcome(settings: Settings, user: User, cookie_value: str, location: str) -> Response:
    """Redirect somebody who has just signed in, and set their cookies."""
    response = make_response(redirect(location, 303))
    sessions.set_cookie(response, settings, cookie_value)
    known_browsers.remember(response, settings, user.email, user.browser_epoch)
    return response


def register_home_finder(find_home: HomeFinder) -> None:
    """Register the function that returns the workspace in whose trail a person's sign-ins are recorded.

    A hook, because `workspaces` imports this package. It takes the person's id.
    """
    _home_finders[:] = [find_home]


def _home_of(db: Session, user_id: str) -> str | None:
    return _home_finders[0](db, user_id) if _home_finders else None


def _rules(
    db: Session, settings: Settings, browser: Browser, email: str
) -> list[tuple[Rule, tuple[str, ...]]]:
    """Return the budgets an attempt counts against. A browser that signed in before has its own alone, which
    nobody else can spend, also where many share one address.
    """
    if known_browsers.is_known_to(db, settings, browser, email):
        return [(_PER_KNOWN_BROWSER, (browser.known,))]
    return [
        (_PER_SOURCE, (browser.source,)),
        (_PER_ACCOUNT_AND_SOURCE, (email, browser.source)),
        (_PER_ACCOUNT, (email,)),
    ]
