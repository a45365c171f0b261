"""The connected FreshBooks person and the businesses they work in."""

from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.freshbooks.values import unreadable
from app.connectors.spec import Account, Business
from app.errors import NothingReached

_CUSTOMER = "client"  # a login to a supplier's customer portal, which may write nothing


def identify(api: Api, _token_answer: Mapping[str, Any]) -> Account:
    """The FreshBooks person as the account, and the businesses they work in.

    The account is named after the first business, which people recognise. Raises NothingReached without one.
    """
    me = _me(api)
    key = me.get("identity_id") or me.get("id")
    if not isinstance(key, int):
        raise unreadable()
    businesses = tuple(_businesses(me))
    if not businesses:
        raise NothingReached(
            "This FreshBooks login has no business. Connect FreshBooks again with another login."
        )
    email = me.get("email")
    facts = {"email": email} if isinstance(email, str) else {}
    return Account(key=str(key), name=businesses[0].name, businesses=businesses, facts=facts)


def timezone_of(api: Api, business_id: str) -> str | None:
    """The time zone of one of the person's businesses, or None (https://www.freshbooks.com/api/me_endpoint)."""
    business = next((each for each in _businesses(_me(api)) if each.id == business_id), None)
    found = business.facts["timezone"] if business else None
    return found if isinstance(found, str) else None


def _me(api: Api) -> Mapping[str, Any]:
    body = api.get("/auth/api/v1/users/me")
    me = body.get("response") if isinstance(body, Mapping) else None
    if not isinstance(me, Mapping):
        raise unreadable()
    return me


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _businesses(me: Mapping[str, Any]) -> list[Business]:
    memberships = [
        m
        for m in _listed(me.get("business_memberships"))
        if isinstance(m, Mapping) and isinstance(m.get("business"), Mapping)
    ]
    spare = _spare_account(me, memberships)
    found = []
    for membership in memberships:
        business = membership["business"]
        if membership.get("role") == _CUSTOMER or not isinstance(business.get("id"), int):
            continue
        facts = {
            "account_id": _account_id(business) or spare,
            "business_uuid": business.get("business_uuid"),
            "role": membership.get("role"),
            "timezone": business.get("timezone"),
        }
        found.append(Business(str(business["id"]), str(business.get("name") or "FreshBooks business"), facts))
    return found


def _account_id(business: Mapping[str, Any]) -> str | None:
    found = business.get("account_id")
    return found if isinstance(found, str) and found else None


def _spare_account(me: Mapping[str, Any], memberships: list[Mapping[str, Any]]) -> str | None:
    """The account id of a business without one: `roles` names it when exactly one is left over."""
    listed = {_account_id(m["business"]) for m in memberships}
    without = [m for m in memberships if m.get("role") != _CUSTOMER and not _account_id(m["business"])]
    roles = [r for r in _listed(me.get("roles")) if isinstance(r, Mapping) and r.get("role") != _CUSTOMER]
    spare = {r["accountid"] for r in roles if isinstance(r.get("accountid"), str)} - listed
    return spare.pop() if len(spare) == 1 and len(without) == 1 else None
