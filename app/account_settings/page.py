"""What the account page shows, read at once."""

from dataclasses import dataclass

from app.account_settings import account_deletion, browsers
from app.account_settings.browsers import Seen
from app.accounts import google_identities, sessions
from app.accounts.login import SignedIn
from app.accounts.models import GoogleIdentity
from app.config import Settings
from app.database import reading


@dataclass(frozen=True)
class Shown:
    """The page. `proved`: the sign-in is recent enough for what matters most. `blocked_by`: workspaces to
    hand over first.
    """

    person: SignedIn
    browsers: list[Seen]
    google: list[GoogleIdentity]
    blocked_by: list[str]
    proved: bool


def load(settings: Settings, person: SignedIn) -> Shown:
    """The page of a person."""
    with reading() as db:
        return Shown(
            person,
            browsers.list_of(db, settings, person.session),
            google_identities.list_of(db, person.user.id),
            account_deletion.blocked_by(db, person.user.id),
            sessions.is_proved(person.session),
        )
