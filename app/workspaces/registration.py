"""Creating an account: a person and their company's workspace, once the mailed code proves the address.

The page is the same for an address that has an account; only its mail differs. Somebody who was invited makes
no company of their own, but joins the one that invited them; what an invitation is, `team` knows and tells
with `expect_invitations`.
"""

from collections.abc import Callable

from sqlmodel import Session

from app import audit
from app.accounts import codes, letters, passwords, people, signing_in
from app.accounts.browsers import Browser
from app.accounts.codes import FreshCode
from app.accounts.models import MailedCode, User
from app.config import Settings
from app.database import reading
from app.mail import Mailer
from app.workspaces import members
from app.workspaces.models import Workspace

PURPOSE = "register"
Join = Callable[[Session, str, User], Workspace]
_ways_to_join: list[Join] = []


def expect_invitations(join: Join) -> None:
    """Let `join` take in somebody who registers with the id of an invitation. It raises when the
    invitation is good no longer.
    """
    _ways_to_join[:] = [join]


def begin_invited(
    settings: Settings,
    mailer: Mailer,
    browser: Browser,
    *,
    invitation: str,
    email: str,
    password: str,
    next_path: str,
) -> FreshCode:
    """Like `begin`, for somebody who was invited: they join that workspace instead of making one."""
    codes.reserve(settings, browser, email)
    payload = {"invitation": invitation, "password_hash": passwords.hash_secret(password), "next": next_path}
    return _send(settings, mailer, browser, email, payload)


def begin(
    settings: Settings,
    mailer: Mailer,
    browser: Browser,
    *,
    company: str,
    email: str,
    password: str,
    next_path: str,
) -> FreshCode:
    """Mail a code to a new address, a hint to a known one. Nothing is created yet. Raises BudgetSpent."""
    codes.reserve(settings, browser, email)
    payload = {"company": company, "password_hash": passwords.hash_secret(password), "next": next_path}
    return _send(settings, mailer, browser, email, payload)


def send_again(settings: Settings, mailer: Mailer, browser: Browser, code: MailedCode) -> FreshCode:
    """Mail another code for the same account to be created. Raises BudgetSpent."""
    codes.reserve(settings, browser, code.email)
    return _send(settings, mailer, browser, code.email, code.payload)


def finish(db: Session, browser: Browser, code: MailedCode) -> tuple[User, str]:
    """Make what a code was mailed for, once it was spent. Gives the person and the value of their new
    session's cookie.

    Two registrations of one address may both be waiting; the second finds the account of the first and
    signs in to it, since the code proves the address. Raises CodeGone when that account is disabled.
    """
    user = people.create(db, code.email, password_hash=code.payload["password_hash"])
    if "invitation" in code.payload:
        return _join(db, browser, code, user)
    if user is None:
        return signing_in.by_code(db, browser, code)
    workspace = members.found(db, code.payload["company"], user)
    audit.record(db, "person.registered", workspace_id=workspace.id, user_id=user.id, subject=user.id)
    return user, signing_in.admit(db, browser, user, how="registration", workspace_id=workspace.id)


def _join(db: Session, browser: Browser, code: MailedCode, made: User | None) -> tuple[User, str]:
    user = made or people.find_by_email(db, code.email)
    if user is None:
        raise codes.CodeGone()
    workspace = _ways_to_join[0](db, code.payload["invitation"], user)
    if made:
        audit.record(db, "person.registered", workspace_id=workspace.id, user_id=user.id, subject=user.id)
    return user, signing_in.admit(
        db, browser, user, how="registration" if made else "code", workspace_id=workspace.id
    )


def _send(
    settings: Settings, mailer: Mailer, browser: Browser, email: str, payload: dict[str, str]
) -> FreshCode:
    with reading() as db:
        known = people.is_known(db, email)
    code = codes.issue(settings, browser, email=email, purpose=PURPOSE, payload=payload, mailed=not known)
    letter = (
        letters.already_registered(settings, invited="invitation" in payload)
        if known
        else letters.confirm_address(settings, code)
    )
    mailer.send(email, letter.subject, letter.text)
    return code
