"""The data of the account page, read in one go."""

from dataclasses import dataclass

from app.account_settings import account_deletion, browsers
from app.account_settings.browsers import SignedInBrowser
from app.accounts import linked_logins, sessions
from app.accounts.linked_logins import GOOGLE, LinkedLogin, StoredLogin
from app.accounts.login import SignedIn
from app.config import Settings
from app.database import reading
from app.notifications import preferences


@dataclass(frozen=True)
class AccountPage:
    """The page. `proved`: a recent sign-in, for sensitive actions. `blocked_by`: workspaces to hand over."""

    person: SignedIn
    browsers: list[SignedInBrowser]
    google: list[StoredLogin]
    logins: list[LinkedLogin]  # of Firebase
    blocked_by: list[str]
    proved: bool
    choices: dict[str, tuple[str, bool]]  # of notifications: label, and whether it is on


def load(settings: Settings, person: SignedIn) -> AccountPage:
    """Load the page of a person."""
    with reading() as db:
        return AccountPage(
            person,
            browsers.list_of(db, settings, person.session),
            linked_logins.list_of(db, GOOGLE, person.user.id),
            linked_logins.list_firebase(db, settings, person.user.id),
            account_deletion.blocked_by(db, person.user.id),
            sessions.is_proved(person.session),
            {
                kind: (label, preferences.wants(person.user, kind))
                for kind, label in preferences.CHOICES.items()
            },
        )
