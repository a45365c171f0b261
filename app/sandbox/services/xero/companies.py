"""The demo organisations, and the choices of the consent page.

Two logins: kim has the demo company and, with one consent for several organisations, the trading one
as well; robin has the trading one alone. So both several organisations in one connection and several
connections can be tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.sandbox.service import Company
from app.sandbox.services.xero.wire import guid


@dataclass(frozen=True)
class Organisation:
    """An organisation's settings. Tax types give the percentage."""

    key: str
    name: str
    legal_name: str
    country: str
    currency: str
    timezone: str
    year_end: tuple[int, int]  # day, month
    is_demo: bool
    short_code: str
    tax: Mapping[str, int]
    sales_tax: str
    purchase_tax: str
    mails_a_day: int

    @property
    def tenant_id(self) -> str:
        """What requests name it by."""
        return guid("tenant", self.key)


ORGANISATIONS = {
    organisation.key: organisation
    for organisation in (
        Organisation(
            key="demo",
            name="Demo Company (AU)",
            legal_name="Demo Company (AU)",
            country="AU",
            currency="AUD",
            timezone="AUSEASTERNSTANDARDTIME",
            year_end=(30, 6),
            is_demo=True,
            short_code="!23Dd4",
            tax={"OUTPUT": 10, "INPUT": 10, "EXEMPTOUTPUT": 0, "EXEMPTEXPENSES": 0, "BASEXCLUDED": 0},
            sales_tax="OUTPUT",
            purchase_tax="INPUT",
            mails_a_day=0,
        ),
        Organisation(
            key="harbour",
            name="Harbour Street Trading",
            legal_name="Harbour Street Trading Limited",
            country="NZ",
            currency="NZD",
            timezone="NEWZEALANDSTANDARDTIME",
            year_end=(31, 3),
            is_demo=False,
            short_code="!hB7kQ",
            tax={"OUTPUT2": 15, "INPUT2": 15, "ZERORATEDOUTPUT": 0, "NONE": 0},
            sales_tax="OUTPUT2",
            purchase_tax="INPUT2",
            mails_a_day=1000,
        ),
    )
}

COMPANIES = (
    Company(
        "demo",
        "Demo Company (AU)",
        "kim@example.com",
        "A try-out organisation, Australia, AUD",
        books=("demo",),
    ),
    Company(
        "harbour",
        "Harbour Street Trading",
        "robin@example.com",
        "Wholesale, New Zealand, NZD",
        books=("harbour",),
    ),
    Company(
        "both",
        "Both organisations",
        "kim@example.com",
        "The two above with one consent",
        books=("demo", "harbour"),
    ),
)


def by_tenant(tenant_id: str) -> Organisation | None:
    """The organisation of that tenant id, or None."""
    return next(
        (
            organisation
            for organisation in ORGANISATIONS.values()
            if organisation.tenant_id == tenant_id.lower()
        ),
        None,
    )
