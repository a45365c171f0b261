"""The account behind the credentials."""

from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.spec import Account
from app.errors import ProviderError


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The person behind the credentials. Their company has no name or id in the API."""
    me = api.get("/v1/me")
    id_ = _text(me, "id")
    if not id_:
        raise ProviderError("ServiceFusion did not say whose account this is. Please try again.")
    email = _text(me, "email")
    names = " ".join(filter(None, (_text(me, "first_name"), _text(me, "last_name"))))
    return Account(key=id_, name=email or names or id_, facts={"email": email} if email else {})


def _text(me: Any, name: str) -> str:
    """A member as text; "" for a missing one or one that is no text or number."""
    value = me.get(name) if isinstance(me, Mapping) else None
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
