"""The demo organisations, and the choices of the consent page.

Two logins: kim has the demo company and, with one consent for both, the trading one; robin has only the
trading one. This covers several organisations in one connection as well as several connections.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.sandbox.service import DemoCompany
from app.sandbox.services.xero.wire import guid


@dataclass(frozen=True)
class DemoOrganisation:
    """An organisation's settings. `tax` maps tax types to percentages."""

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
    mails_per_day: int

    @property
    def tenant_id(self) -> str:
        """Its id in requests."""
        return guid("tenant", self.key)


ORGANISATIONS = {
    organisation.key: organisation
    for organisation in (
        DemoOrganisation(
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
            mails_per_day=0,
        ),
        DemoOrganisation(
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
            mails_per_day=1000,
        ),
    )
}

COMPANIES = (
    DemoCompany(
        "demo",
        "Demo Company (AU)",
        "kim@example.com",
        "A try-out organisation, Australia, AUD",
        books=("demo",),
    ),
    DemoCompany(
        "harbour",
        "Harbour Street Trading",
        "robin@example.com",
        "Wholesale, New Zealand, NZD",
        books=("harbour",),
    ),
    DemoCompany(
        "both",
        "Both organisations",
        "kim@example.com",
        "The two above with one consent",
        books=("demo", "harbour"),
    ),
)


def by_tenant(tenant_id: str) -> DemoOrganisation | None:
    """The organisation of that tenant id, or None."""
    return next((each for each in ORGANISATIONS.values() if each.tenant_id == tenant_id.lower()), None)
