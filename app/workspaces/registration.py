"""Creating an account: a person and their company's workspace, once the mailed code proves the address.

The page is the same for an address that has an account; only its mail differs. People who were invited create
no company, but join the workspace that invited them. `team` implements invitations and registers with
`register_joiner`.
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
Joiner = Callable[[Session, str, User], Workspace]
_joiners: list[Joiner] = []


def register_joiner(join: Joiner) -> None:
    """Register the function that joins a new person by an invitation id. It raises if the invitation is
    invalid.

    A hook, because `team` imports this package.
    """
    _joiners[:] = [join]


def begin(
    settings: Settings,
    mailer: Mailer,
    browser: Browser,
    *,
    email: str,
    password: str,
    next_path: str,
    **joins: str,
) -> FreshCode:
    """Mail a code to a new address, a hint to a known one. Creates nothing yet. Raises BudgetSpent."""
    payload = {**joins, "password_hash": passwords.hash_secret(password), "next": next_path}
    return _send(settings, mailer, browser, email, payload)


def send_again(settings: Settings, mailer: Mailer, browser: Browser, code: MailedCode) -> FreshCode:
    """Mail another code for the same registration. Raises BudgetSpent."""
    return _send(settings, mailer, browser, code.email, code.payload)


def finish(db: Session, browser: Browser, code: MailedCode) -> tuple[User, str]:
    """Create what a spent code was mailed for. Returns the person and the cookie value of their new session.

    Two registrations of one address may both be pending. The second finds the account of the first and signs
    in to it, since the code proves the address. Raises CodeGone if that account is disabled.
    """
    user = people.create(db, code.email, password_hash=code.payload["password_hash"])
    if "invitation" in code.payload:
        return _join(db, browser, code, user)
    if user is None:
        return signing_in.by_code(db, browser, code)
    workspace = members.create(db, code.payload["company"], user)
    audit.record(db, "person.registered", workspace_id=workspace.id, user_id=user.id, subject=user.id)
    return user, signing_in.admit(db, browser, user, how="registration", workspace_id=workspace.id)


def _join(db: Session, browser: Browser, code: MailedCode, created: User | None) -> tuple[User, str]:
    user = created or people.find_by_email(db, code.email)
    if user is None:
        raise codes.CodeGone()
    workspace = _joiners[0](db, code.payload["invitation"], user)
    if created:
        audit.record(db, "person.registered", workspace_id=workspace.id, user_id=user.id, subject=user.id)
    return user, signing_in.admit(
        db, browser, user, how="registration" if created else "code", workspace_id=workspace.id
    )


def _send(
    settings: Settings, mailer: Mailer, browser: Browser, email: str, payload: dict[str, str]
) -> FreshCode:
    if not codes.reserve(settings, browser, email, PURPOSE):
        return codes.hold_back(settings, browser, email=email, purpose=PURPOSE, payload=payload)
    with reading() as db:
        known = people.is_known(db, email)
    code = codes.issue(settings, browser, email=email, purpose=PURPOSE, payload=payload, mailed=not known)
    letter = (
        letters.already_registered(settings, invited="invitation" in payload)
        if known
        else letters.confirm_address(settings, code)
    )
    mailer.send(email, *letter)
    return code
