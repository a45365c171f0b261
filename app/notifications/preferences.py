"""Which emails a person wants, and the signed links that turn one off without signing in (RFC 8058)."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import update
from sqlmodel import Session, col

from app import audit
from app.accounts.keyed_hash import keyed_digest
from app.accounts.models import User
from app.config import Settings
from app.errors import NotFound

BROKEN, ENDING, DIGEST = "broken", "ending", "digest"
# What a person may turn off, in the words of the account page.
CHOICES = {
    BROKEN: "Email me when a connection breaks",
    ENDING: "Reminders before access ends",
    DIGEST: "Daily digest",
}


class LinkInvalid(NotFound):
    """The link in an email was cut or changed."""

    message = "This link doesn't work. Change what we email you on your account page."


@dataclass(frozen=True)
class Unsubscribing:
    """A valid link: whose emails of which kind it turns off."""

    user_id: str
    kind: str

    @property
    def words(self) -> str:
        """The emails, as the account page names them."""
        return CHOICES[self.kind]


def wants(user: User, kind: str) -> bool:
    """Whether a person wants emails of that kind. Everybody does until they turn it off."""
    return (user.notifications or {}).get(kind) is not False


def choose(db: Session, user: User, wanted: Collection[str]) -> None:
    """Set which kinds a person wants; the others are off."""
    _store(db, user, {kind: kind in wanted for kind in CHOICES})


def unsubscribe(db: Session, link: Unsubscribing) -> None:
    """Turn off one kind of email. Idempotent."""
    user = db.get(User, link.user_id)
    if user is not None and wants(user, link.kind):
        _store(db, user, {**(user.notifications or {}), link.kind: False})


def link_to_unsubscribe(settings: Settings, user_id: str, kind: str) -> str:
    """The URL that turns off one kind of email. It never expires, and nobody else can make one."""
    signature = _signature(settings, user_id, kind)
    return f"{settings.public_url}/notifications/unsubscribe/{user_id}.{kind}.{signature}"


def read_link(settings: Settings, token: str) -> Unsubscribing:
    """What such a link says. Raises LinkInvalid unless we signed it, also with an earlier SECRET_KEY."""
    user_id, _, rest = token.partition(".")
    kind, _, signature = rest.partition(".")
    for key in (settings.secret_key, *settings.secret_key_fallbacks):
        expected = _signature(replace(settings, secret_key=key), user_id, kind)
        if hmac.compare_digest(expected.encode(), signature.encode()) and kind in CHOICES:
            return Unsubscribing(user_id, kind)
    raise LinkInvalid()


def _signature(settings: Settings, user_id: str, kind: str) -> str:
    return keyed_digest(settings, "unsubscribe", user_id, kind)[:32]


def _store(db: Session, user: User, choices: dict[str, bool]) -> None:
    db.execute(update(User).where(col(User.id) == user.id).values(notifications=choices))
    off = sorted(kind for kind, wanted in choices.items() if not wanted)
    audit.record(db, "person.notifications_changed", user_id=user.id, subject=user.id, off=off)
