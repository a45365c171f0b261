"""The account of a key or token, in test or live mode."""

import re
from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.spec import Account
from app.errors import PermissionDenied, ProviderError


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The Stripe account of a key or token. Test and live mode are two accounts that share nothing.

    A restricted key often may not read the account. It is accepted if it may read the balance; the refusal
    itself names the account. Raises PermissionDenied when it may read neither.
    """
    try:
        record = api.get("/v1/account")
        record = record if isinstance(record, Mapping) else {}
        id_, name = _text(record.get("id")), _name(record)
    except PermissionDenied as refused:
        api.get("/v1/balance")
        id_ = str(
            refused.details.get("account")
            or token_answer.get("stripe_user_id")
            or api.facts.get("account")
            or ""
        )
        name = id_
    if not id_:
        raise ProviderError("Stripe did not say whose account this is. Please try again.")
    live = is_live(api, token_answer)
    mode = "live" if live else "test"
    return Account(
        key=f"{id_}/{mode}",
        name=(name or id_) if live else f"{name or id_} (test mode)",
        facts={"account": id_, "livemode": live},
    )


def is_live(api: Api, token_answer: Mapping[str, Any] | None = None) -> bool:
    """Whether real money moves, by the token's answer, the key, what was known before, or the balance.

    The token of a Stripe App does not say it, and neither does the answer to a refresh.
    """
    from_token = (token_answer or {}).get("livemode")
    if isinstance(from_token, bool):
        return from_token
    if key := re.match(r"(?:rk|sk)_(test|live)_", api.tokens.bearer()):
        return key[1] == "live"
    known = api.facts.get("livemode")
    if isinstance(known, bool):
        return known
    try:
        balance = api.get("/v1/balance")
    except PermissionDenied:
        return True
    livemode = balance.get("livemode") if isinstance(balance, Mapping) else None
    return livemode if isinstance(livemode, bool) else True


def _name(account: Mapping[str, Any]) -> str:
    settings, profile = account.get("settings"), account.get("business_profile")
    dashboard = settings.get("dashboard") if isinstance(settings, Mapping) else None
    candidates = (
        dashboard.get("display_name") if isinstance(dashboard, Mapping) else None,
        profile.get("name") if isinstance(profile, Mapping) else None,
        account.get("email"),
    )
    return next((text for text in candidates if isinstance(text, str) and text.strip()), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
