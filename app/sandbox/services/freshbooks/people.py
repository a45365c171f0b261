"""The logins of the imitated FreshBooks and their businesses."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DemoBusiness:
    """A business. `hides_account`: its account_id in users/me is null although the account exists.

    `timezone` is null in users/me for some businesses; `names_timezone=False` leaves the member out.
    """

    id: int
    uuid: str
    name: str
    account_id: str
    currency: str
    role: str = "owner"
    hides_account: bool = False
    timezone: str | None = None
    names_timezone: bool = True


@dataclass(frozen=True)
class FreshBooksIdentity:
    """An identity of FreshBooks."""

    email: str
    id: int
    first_name: str
    last_name: str
    businesses: tuple[DemoBusiness, ...]


NORTHWIND = DemoBusiness(
    88101,
    "6f2c1a90-5d1e-4c55-9b0d-2a7f3c1e8801",
    "Northwind Studio",
    "nW7kQ",
    "USD",
    timezone="US/Pacific",
)
HARBOUR = DemoBusiness(
    88202,
    "0b9e7d34-11aa-4f0e-8a66-9d2b5e4f8802",
    "Harbour Plumbing",
    "hB3vR",
    "CAD",
    timezone="America/Halifax",
)
BYRD = DemoBusiness(
    98765,
    "a81bc81b-dead-4e5d-abff-90865d1e13b1",
    "Byrd Consulting",
    "zDmNq",
    "USD",
    names_timezone=False,
)
WORKSHOPS = DemoBusiness(
    98770, "c3f0a2d7-77b1-4d4e-9a51-6a0f1be59870", "Byrd Workshops", "wRk8s", "EUR", hides_account=True
)
HOOLI = DemoBusiness(
    55012, "e55012aa-3c9b-4a1d-8e0f-1b2c3d4e5501", "Hooli Ltd", "h0oLi", "USD", role="client"
)

PEOPLE = {
    person.email: person
    for person in (
        FreshBooksIdentity("nora@northwind.example", 701001, "Nora", "Winter", (NORTHWIND,)),
        FreshBooksIdentity("sam@harbour.example", 701002, "Sam", "Okafor", (HARBOUR,)),
        # Several memberships: an ordinary one, one whose account_id is null, one as a customer.
        FreshBooksIdentity("ada@byrd.example", 712052, "Ada", "Byrd", (BYRD, WORKSHOPS, HOOLI)),
    )
}
BUSINESSES = {b.account_id: b for person in PEOPLE.values() for b in person.businesses}


def profile(person: FreshBooksIdentity) -> dict[str, Any]:
    """The `response` of users/me."""
    return {
        "id": person.id,
        "identity_id": person.id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "business_memberships": [
            {
                "id": 1_000_000 + b.id,
                "role": b.role,
                "business": {
                    "id": b.id,
                    "business_uuid": b.uuid,
                    "name": b.name,
                    "account_id": None if b.hides_account else b.account_id,
                    "date_format": "mm/dd/yyyy",
                    **({"timezone": b.timezone} if b.names_timezone else {}),
                },
            }
            for b in person.businesses
        ],
        "roles": [
            {
                "id": 600_000 + b.id,
                "role": "client" if b.role == "client" else "admin",
                "systemid": 1_900_000 + b.id,
                "userid": 1,
                "accountid": b.account_id,
            }
            for b in person.businesses
        ],
        "groups": [
            {"id": n, "role": b.role, "business_id": b.id} for n, b in enumerate(person.businesses, 1)
        ],
    }
