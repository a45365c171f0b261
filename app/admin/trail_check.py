"""Whether SECRET_KEY is the one that signs the audit trail: with another one nothing more is linked to it."""

from sqlalchemy.exc import DBAPIError

from app.activity import verifying
from app.admin.health_checks import Check
from app.config import Settings
from app.errors import Unavailable


def check(_settings: Settings) -> Check:
    """Compare the newest signatures of the trail with SECRET_KEY and SECRET_KEY_FALLBACKS."""
    try:
        ours = verifying.is_signed_by_us()
    except (Unavailable, DBAPIError):
        return Check("Audit trail", "bad", "Unknown", advice="The database is unavailable.")
    if ours:
        return Check("Audit trail", "good", "Signed with SECRET_KEY")
    return Check(
        "Audit trail",
        "bad",
        "Signed with another key",
        "SECRET_KEY has changed, so new entries are not linked to the earlier ones.",
        "Put the old key into SECRET_KEY_FALLBACKS. If it is lost, run: "
        "flask --app wsgi audit verify --sign-anew",
    )
