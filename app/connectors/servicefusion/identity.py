"""The account behind the credentials."""

from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.spec import Account
from app.errors import ProviderError


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The person behind the credentials. Their company has no name or id in the API."""
    me = api.get("/v1/me")
    if not isinstance(me, Mapping) or not me.get("id"):
        raise ProviderError("ServiceFusion did not say whose account this is. Please try again.")
    names = (str(me.get(part) or "").strip() for part in ("first_name", "last_name"))
    email = str(me.get("email") or "").strip()
    return Account(
        key=str(me["id"]),
        name=email or " ".join(filter(None, names)) or str(me["id"]),
        facts={"email": email} if email else {},
    )
