"""Logins, businesses and memberships, and the demo tokens and keys."""

from dataclasses import dataclass
from typing import Any

from app.sandbox.current import Here
from app.sandbox.rules import Access, DemoKey
from app.sandbox.service import DemoCompany

ONLY = "only:"  # in a key's scopes: the prefix of the only business it opens
OPERATOR = "operator"
READS = ("pos:read", "reports:read", "psa:read")
EVERYTHING = ("pos:read", "pos:write", "reports:read", "psa:read", "pos:intents")


@dataclass(frozen=True)
class DemoBusiness:
    """A business with its currency and time zone."""

    id: str
    name: str
    currency: str
    timezone: str


@dataclass(frozen=True)
class FlowposLogin:
    """A login. `businesses` are its first memberships."""

    uid: str
    email: str
    businesses: tuple[str, ...]


BUSINESSES = {
    business.id: business
    for business in (
        DemoBusiness("b1a0-0001", "Corner Café", "EUR", "Europe/Berlin"),
        DemoBusiness("b1a0-0002", "Harbour Kiosk", "NZD", "Pacific/Auckland"),
        DemoBusiness("b1a0-0003", "Quay Books", "USD", "America/New_York"),
    )
}
PEOPLE = {
    "mara": FlowposLogin("fb-uid-mara-7F3k", "mara@corner.example", ("b1a0-0001", "b1a0-0002")),
    "tom": FlowposLogin("fb-uid-tom-9Qx2", "tom@quay.example", ("b1a0-0003",)),
    "zoe": FlowposLogin("fb-uid-zoe-1Lw8", "zoe@corner.example", ()),
}
CHOICES = (
    DemoCompany(
        "mara", "Corner Café and Harbour Kiosk", PEOPLE["mara"].email, "Two businesses, half a world apart"
    ),
    DemoCompany("tom", "Quay Books", PEOPLE["tom"].email, "One business"),
)
KEYS = {
    "sandbox-flowpos-mara": DemoKey("mara", PEOPLE["mara"].email, EVERYTHING),
    "sandbox-flowpos-tom": DemoKey("tom", PEOPLE["tom"].email, EVERYTHING),
    "sandbox-flowpos-reader": DemoKey("mara", PEOPLE["mara"].email, READS),
    "fp_mcp_sandbox_corner": DemoKey("mara", PEOPLE["mara"].email, (*EVERYTHING, f"{ONLY}b1a0-0001")),
    "fp_mcp_sandbox_reader": DemoKey("mara", PEOPLE["mara"].email, ("pos:read", f"{ONLY}b1a0-0001")),
    "fp_mcp_sandbox_operator": DemoKey(OPERATOR, "platform@flowpos.example", (OPERATOR,)),
}
_WITHDRAWN = "withdrawn"


def find_by_uid(uid: str) -> str | None:
    """The name of the login, or None."""
    return next((name for name, person in PEOPLE.items() if person.uid == uid), None)


def memberships(at: Here, name: str) -> list[DemoBusiness]:
    """The present memberships of a person."""
    person = PEOPLE.get(name)
    ids = person.businesses if person else ()
    return [BUSINESSES[id_] for id_ in ids if at.grants.book.find(_WITHDRAWN, f"{name}/{id_}") is None]


def reached(at: Here, access: Access) -> list[DemoBusiness]:
    """The businesses that a token or key opens."""
    only = next((scope.removeprefix(ONLY) for scope in access.scopes if scope.startswith(ONLY)), None)
    return [business for business in memberships(at, access.company) if only in {None, business.id}]


def withdraw(at: Here, given: dict[str, Any]) -> None:
    """End a membership."""
    at.grants.book.put(_WITHDRAWN, _membership(given), {})


def restore(at: Here, given: dict[str, Any]) -> None:
    """Renew a membership."""
    at.grants.book.remove(_WITHDRAWN, _membership(given))


def _membership(given: dict[str, Any]) -> str:
    name, business = given["person"], given["business"]
    if business not in PEOPLE[name].businesses:
        raise ValueError(f"{name} never belonged to {business}")
    return f"{name}/{business}"
