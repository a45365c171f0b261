"""Creating an account after Google sign-in: the address is proved, only the company is missing."""

from app import audit
from app.accounts import google_sign_in, linked_logins, people, signing_in
from app.accounts.browsers import Browser
from app.accounts.google_provider import Provider
from app.accounts.google_sign_in import AttemptGone
from app.accounts.linked_logins import GOOGLE
from app.accounts.models import GoogleAttempt, User
from app.database import reading, transaction
from app.workspaces import members

_TO_AN_INVITATION = "/invitations"


def find(browser: Browser, attempt_id: str) -> GoogleAttempt | None:
    """Return the Google attempt of this browser that still needs a company, or None."""
    with reading() as db:
        attempt = google_sign_in.find_unfinished(db, browser, attempt_id)
    return attempt if attempt is not None and attempt.address_proved else None


def needs_company(attempt: GoogleAttempt) -> bool:
    """False for somebody who follows an invitation: they join that workspace and create none."""
    return attempt.next_path != _TO_AN_INVITATION


def finish(provider: Provider, browser: Browser, attempt: GoogleAttempt, company: str) -> tuple[User, str]:
    """Create the account. Returns the person and the cookie value of their new session.

    Raises AttemptGone, AccountDisabled. If the address was registered meanwhile, signs in to that account
    instead: the mailbox has proved that it is theirs.
    """
    with transaction() as db:
        result = google_sign_in.complete(db, provider, browser, attempt)
        if result.person is not None:
            return result.person, result.cookie_value
        google_sign_in.spend(db, attempt)
        user = people.create(db, attempt.email)
        if user is None:  # created at the same moment by another request
            raise AttemptGone()
        user.name = attempt.name
        db.add(user)
        linked_logins.link(
            db, user, GOOGLE, issuer=provider.issuer, subject=attempt.subject, email=attempt.email
        )
        home = members.create(db, company, user).id if company else None
        audit.record(db, "person.registered", workspace_id=home, user_id=user.id, subject=user.id)
        return user, signing_in.admit(db, browser, user, how="google", workspace_id=home)
