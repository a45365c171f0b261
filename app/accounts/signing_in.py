"""Signing in, by password or by a mailed code, and what both have in common.

Answers and their timing are the same whether an address is known or not: the same hashing, the same
rows, the same page. Tries are counted before the password is looked at.
"""

from collections.abc import Callable

from flask import Response, make_response, redirect
from sqlalchemy import update
from sqlmodel import Session, col

from app import audit
from app.accounts import browsers, budgets, codes, letters, passwords, people, sessions
from app.accounts.browsers import Browser, is_known_to
from app.accounts.budgets import BudgetSpent, Rule
from app.accounts.codes import FreshCode
from app.accounts.models import LoginSession, MailedCode, User
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput
from app.mail import Mailer

PURPOSE = "sign_in"
FindHome = Callable[[Session, str], str | None]
_ways_home: list[FindHome] = []
_PER_SOURCE = Rule("password-source", 300, 3_600)
_PER_ACCOUNT_AND_SOURCE = Rule("password-account-source", 10, 900)
_PER_ACCOUNT = Rule("password-account", 100, 86_400)
_PER_KNOWN_BROWSER = Rule("password-known", 10, 900)


class WrongCredentials(InvalidInput):
    """Address and password do not belong together. Whether the address is known, is not said."""

    status = 422
    message = "Email and password do not match. Try again, or have a code mailed to you."


class TooManyTries(BudgetSpent):
    """The password was tried too often. A mailed code still works."""

    def __init__(self, spent: BudgetSpent) -> None:
        super().__init__(spent.rule, spent.retry_after_seconds)
        self.message = (
            "Too many tries. Have a code mailed to you, or wait "
            f"{budgets.in_words(spent.retry_after_seconds)}."
        )


def by_password(settings: Settings, browser: Browser, email: str, password: str) -> tuple[User, str]:
    """The person and the value of a new session's cookie. Raises WrongCredentials or TooManyTries."""
    rules = _rules(settings, browser, email)
    try:
        with transaction() as db:
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
    codes.reserve(settings, browser, email)
    with reading() as db:
        user = people.find_by_email(db, email)
        known = people.is_known(db, email)
    code = codes.issue(
        settings, browser, email=email, purpose=PURPOSE, payload={"next": next_path}, mailed=user is not None
    )
    if user is not None:
        letter = letters.sign_in_code(settings, code)
        mailer.send(email, letter.subject, letter.text)
    elif not known:
        letter = letters.not_registered(settings)
        mailer.send(email, letter.subject, letter.text)
    return code


def by_code(db: Session, browser: Browser, code: MailedCode) -> tuple[User, str]:
    """The person of a code that was just spent, and the value of a new session's cookie. Raises CodeGone."""
    user = people.find_by_email(db, code.email)
    if user is None:
        raise codes.CodeGone()
    return user, admit(db, browser, user, how="code")


def admit(db: Session, browser: Browser, user: User, *, how: str, workspace_id: str | None = None) -> str:
    """Begin a session for somebody who has proved who they are, in place of the one this browser had. Gives
    the cookie's value.

    Somebody who was signed in and proved it again goes on in the workspace they were in.
    """
    before = sessions.find(db, browser.session)
    if workspace_id is None and before is not None and before.user_id == user.id:
        workspace_id = before.workspace_id
    sessions.end_cookie(db, browser.session)
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
    """Put a refused try into the trail: of the person's workspace, or the installation's when nobody has the
    address.

    What was typed is not kept: it may be a password in the wrong field.
    """
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
    """End the session in front of us."""
    with transaction() as db:
        sessions.end(db, session)
        home = session.workspace_id or _home_of(db, session.user_id)
        audit.record(
            db, "person.signed_out", workspace_id=home, user_id=session.user_id, subject=session.user_id
        )


def sign_out_everywhere(user_id: str) -> None:
    """End every session of a person."""
    with transaction() as db:
        sessions.end_all(db, user_id)
        audit.record(
            db,
            "person.signed_out_everywhere",
            workspace_id=_home_of(db, user_id),
            user_id=user_id,
            subject=user_id,
        )


def welcome(settings: Settings, user: User, cookie_value: str, location: str) -> Response:
    """Send somebody who has just signed in on their way, with their cookies."""
    response = make_response(redirect(location, 303))
    sessions.set_cookie(response, settings, cookie_value)
    browsers.set_known(response, settings, user.email)
    return response


def expect_workspaces(find_home: FindHome) -> None:
    """Let `find_home` say in whose trail a person's coming and going stands: the workspace they come into,
    by the person's id.
    """
    _ways_home[:] = [find_home]


def _home_of(db: Session, user_id: str) -> str | None:
    return _ways_home[0](db, user_id) if _ways_home else None


def _rules(settings: Settings, browser: Browser, email: str) -> list[tuple[Rule, tuple[str, ...]]]:
    """Whose budgets a try counts against. A browser that has signed in before has its own, which nobody
    else can spend.
    """
    if is_known_to(settings, browser, email):
        return [(_PER_SOURCE, (browser.source,)), (_PER_KNOWN_BROWSER, (browser.known,))]
    return [
        (_PER_SOURCE, (browser.source,)),
        (_PER_ACCOUNT_AND_SOURCE, (email, browser.source)),
        (_PER_ACCOUNT, (email,)),
    ]
