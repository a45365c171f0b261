"""The connected Google account."""

from collections.abc import Mapping
from typing import Any

from app.connectors import google
from app.connectors.api import Api
from app.connectors.google_sheets.scopes import TO_READ
from app.connectors.spec import Account


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The Google account by its `sub`, named after its address. Raises a ToolError.

    A consent page with the spreadsheets box unticked is refused here with the reason. Without the Drive box
    only the list of spreadsheets is missing.
    """
    granted = token_answer.get("scope")
    if isinstance(granted, str) and granted and not set(granted.split()) & set(TO_READ):
        raise google.not_granted(api.service.name)
    subject = google.subject(api, google.claims_of(token_answer))
    # Sheets has no method that names the account
    person = google.read(api, "/v1/userinfo", host="identity")
    return Account(key=subject, name=str(person.get("email") or "Google Sheets"), facts={"sub": subject})
