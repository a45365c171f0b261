"""The connected Google account."""

from collections.abc import Mapping
from typing import Any

from app.connectors import google
from app.connectors.api import Api
from app.connectors.spec import Account


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The Google account by its `sub`, named after its mailbox. Raises a ToolError.

    Also reads the mailbox: an account without one, or a consent page with the mail box unticked, is refused
    here with the reason instead of at the first tool call.
    """
    claims = google.claims_of(token_answer)
    subject = google.subject(api, claims)
    profile = google.read(api, "/gmail/v1/users/me/profile")
    email = str(profile.get("emailAddress") or claims.get("email") or "Gmail")
    return Account(key=subject, name=email, facts={"sub": subject})
