"""The demo companies. Both belong to one login; each consent opens one company."""

from dataclasses import dataclass

from app.sandbox.service import DemoCompany

_OWNER = "ada@example.com"


@dataclass(frozen=True)
class CompanySettings:
    """A company's settings."""

    key: str
    realm: str
    name: str
    legal_name: str
    country: str
    city: str
    state: str
    currency: str
    currency_name: str
    several_currencies: bool
    fiscal_year_start: int  # month
    mails_per_day: int
    tax_name: str  # as in "a GST/HST rate"; empty: US, where lines need no tax code


COMPANIES = {
    company.key: company
    for company in (
        CompanySettings(
            key="maple",
            realm="9341454816381446",
            name="Maple & Pine Landscaping",
            legal_name="Maple & Pine Landscaping LLC",
            country="US",
            city="San Pablo",
            state="CA",
            currency="USD",
            currency_name="United States Dollar",
            several_currencies=False,
            fiscal_year_start=1,
            mails_per_day=40,
            tax_name="",
        ),
        CompanySettings(
            key="northern",
            realm="9130357849302146",
            name="Northern Lights Events",
            legal_name="Northern Lights Events Inc.",
            country="CA",
            city="Ottawa",
            state="ON",
            currency="CAD",
            currency_name="Canadian Dollar",
            several_currencies=True,
            fiscal_year_start=4,
            mails_per_day=40,
            tax_name="GST/HST",
        ),
    )
}

CHOICES = (
    DemoCompany("maple", COMPANIES["maple"].name, _OWNER, "Landscaping, California, one currency: USD"),
    DemoCompany("northern", COMPANIES["northern"].name, _OWNER, "Events, Canada, CAD with customers in USD"),
)
