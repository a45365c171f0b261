"""Which Google account signed in."""

from collections.abc import Mapping
from typing import Any

from app.connectors import google
from app.connectors.api import Api
from app.connectors.google_sheets.scopes import TO_READ
from app.connectors.spec import Account


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The Google account by its `sub`, named by its address. Raises a ToolError.

    A consent with the box for spreadsheets unticked is refused here with the reason. The one for Drive
    may be missing: then only the list of spreadsheets is.
    """
    granted = token_answer.get("scope")
    if isinstance(granted, str) and granted and not set(granted.split()) & set(TO_READ):
        raise google.not_granted(api.service.name)
    subject = google.subject(api, google.claims_of(token_answer))
    # Sheets itself has no method that says who we are
    person = google.read(api, "/v1/userinfo", host="identity")
    return Account(key=subject, name=str(person.get("email") or "Google Sheets"), facts={"sub": subject})
