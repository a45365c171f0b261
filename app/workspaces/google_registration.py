"""Creating an account for somebody Google has named and whose address is proved: all that is missing is
their company.
"""

from app import audit
from app.accounts import google_identities, google_sign_in, people, signing_in
from app.accounts.browsers import Browser
from app.accounts.google_provider import Provider
from app.accounts.google_sign_in import AttemptGone
from app.accounts.models import GoogleAttempt, User
from app.database import reading, transaction
from app.workspaces import members

_TO_AN_INVITATION = "/invitations"


def find(browser: Browser, attempt_id: str) -> GoogleAttempt | None:
    """The trip to Google that waits for a company in this browser, or None."""
    with reading() as db:
        attempt = google_sign_in.find_unfinished(db, browser, attempt_id)
    return attempt if attempt is not None and attempt.address_proved else None


def needs_company(attempt: GoogleAttempt) -> bool:
    """False for somebody on the way to an invitation: they join that workspace and make none."""
    return attempt.next_path != _TO_AN_INVITATION


def finish(provider: Provider, browser: Browser, attempt: GoogleAttempt, company: str) -> tuple[User, str]:
    """Make the account. Gives the person and the value of their new session's cookie. Raises AttemptGone,
    AccountDisabled.

    Whoever has registered the address meanwhile is signed in instead: it is theirs, as the mailbox has shown.
    """
    with transaction() as db:
        settled = google_sign_in.settle(db, provider, browser, attempt)
        if settled.person is not None:
            return settled.person, settled.cookie_value
        google_sign_in.spend(db, attempt)
        user = people.create(db, attempt.email)
        if user is None:  # made at this very moment
            raise AttemptGone()
        user.name = attempt.name
        db.add(user)
        google_identities.link(db, user, issuer=provider.issuer, subject=attempt.subject, email=attempt.email)
        home = members.found(db, company, user).id if company else None
        audit.record(db, "person.registered", workspace_id=home, user_id=user.id, subject=user.id)
        return user, signing_in.admit(db, browser, user, how="google", workspace_id=home)
