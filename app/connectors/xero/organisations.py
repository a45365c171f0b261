"""The organisations themselves."""

from datetime import date
from typing import Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Row
from app.connectors.xero.accounting import read_one
from app.connectors.xero.identity import XeroTenant, list_tenants
from app.connectors.xero.values import CalendarDate, XeroRow, read_as
from app.errors import InvalidArguments


class Organisations(Row):
    """What the connection reaches."""

    items: list[XeroTenant]


class Organisation(XeroRow):
    """An organisation's own settings."""

    organisation_id: str = Field(validation_alias="OrganisationID")
    name: str | None = Field(None, validation_alias="Name")
    legal_name: str | None = Field(None, validation_alias="LegalName")
    country: str | None = Field(None, validation_alias="CountryCode", description="ISO 3166 code.")
    base_currency: str | None = Field(
        None, validation_alias="BaseCurrency", description="Reports are in this currency."
    )
    financial_year_end_day: int | None = Field(None, validation_alias="FinancialYearEndDay")
    financial_year_end_month: int | None = Field(None, validation_alias="FinancialYearEndMonth")
    timezone: str | None = Field(None, validation_alias="Timezone", description="Xero's own name of it.")
    is_demo_company: bool | None = Field(None, validation_alias="IsDemoCompany")
    short_code: str | None = Field(None, validation_alias="ShortCode", description="Used in links into Xero.")
    locked_until: CalendarDate | None = Field(
        None, description="No approved document may be dated on or before this day."
    )
    period_lock: CalendarDate | None = Field(None, validation_alias="PeriodLockDate", exclude=True)
    year_lock: CalendarDate | None = Field(None, validation_alias="EndOfYearLockDate", exclude=True)

    def model_post_init(self, _context: Any) -> None:
        """Either date locks the days up to it: the later one counts."""
        self.locked_until = max(filter(None, (self.period_lock, self.year_lock)), default=None)


@tool(title="List Xero organisations", reads_only=True, one_business=False)
def list_organisations(api: Api) -> Organisations:
    """List the organisations this connection reaches, with the `organisation_id` that other tools take.

    Their settings are in xero_get_organisation.
    """
    return Organisations(
        items=[
            entry for entry in list_tenants(api) if api.reach is None or entry.organisation_id in api.reach
        ]
    )


@tool(
    title="Get a Xero organisation",
    reads_only=True,
    needs_scopes=("accounting.settings.read", "accounting.settings"),
)
def get_organisation(api: Api) -> Organisation:
    """Get an organisation's settings: base currency, country, financial year end, lock date, whether it is a
    demo company.
    """
    return organisation(api)


def organisation(api: Api) -> Organisation:
    """The organisation this call works in."""
    return read_as(Organisation, read_one(api, "/Organisation", "Organisations"))


def check_unlocked(own: Organisation | None, day: date | None) -> None:
    """Raises InvalidArguments for a day in a locked period. An unknown organisation or day passes."""
    if own and own.locked_until and day and day <= own.locked_until:
        raise InvalidArguments(
            f"date: Xero is locked up to {own.locked_until.isoformat()}. Use a later date, or have the lock "
            "date changed in Xero.",
            details={"fields": ["date"]},
        )
