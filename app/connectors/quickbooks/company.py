"""The company of a connection, and its settings."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.quickbooks.accounting import find, home_currency, read
from app.connectors.quickbooks.values import QuickBooksRow, inside, read_as
from app.connectors.spec import Account, Business
from app.errors import ObjectNotFound, PermissionDenied, ProviderError, ReconnectNeeded

_REALM = re.compile(r"[0-9]{1,30}")


class Company(QuickBooksRow):
    """The company's own settings."""

    name: str | None = Field(None, validation_alias="CompanyName", min_length=1)
    legal_name: str | None = Field(None, validation_alias="LegalName")
    country: str | None = Field(None, validation_alias="Country")
    email: str | None = Field(None, validation_alias=AliasPath("Email", "Address"))
    fiscal_year_start_month: str | None = Field(None, validation_alias="FiscalYearStartMonth")
    home_currency: str | None = None


def identify(api: Api, _token_answer: Mapping[str, Any]) -> Account:
    """The company as the account. Reads it with the new token, so that only a company it opens is stored.

    Raises ProviderError when the callback named no company, ReconnectNeeded when the token opens another.
    """
    realm = api.facts.get("realmId")
    if not isinstance(realm, str) or not _REALM.fullmatch(realm):
        raise ProviderError("QuickBooks did not say which company was chosen. Please try again.")
    api.business = Business(realm, "")  # text: a company's number may exceed what a float holds
    try:
        name = _read(api).name
    except (ReconnectNeeded, ObjectNotFound):
        raise ReconnectNeeded(
            "QuickBooks named a company that this connection can't open. Connect QuickBooks again."
        ) from None
    facts = _read_currencies(api)
    name = name or f"QuickBooks company {realm}"
    return Account(key=realm, name=name, businesses=(Business(realm, name, facts),), facts={"realmId": realm})


@tool(title="Get the QuickBooks company", reads_only=True)
def get_company_info(api: Api) -> Company:
    """Get the connected company's settings: name, country, home currency and when its fiscal year starts.

    Reports, and amounts that name no other currency, are in the home currency.
    """
    company = _read(api)
    company.home_currency = home_currency(api)
    return company


def _read(api: Api) -> Company:
    company = api.business.id if api.business else ""
    return read_as(
        Company, read(api, "/companyinfo/{company_again}", "CompanyInfo", parts={"company_again": company})
    )


def _read_currencies(api: Api) -> dict[str, Any]:
    """The company's own currency and whether it has several; None where they may not be read."""
    try:
        settings = inside(find(api, "/preferences", "Preferences"), "CurrencyPrefs")
    except (PermissionDenied, ObjectNotFound):
        settings = None
    home, several = inside(settings, "HomeCurrency", "value"), inside(settings, "MultiCurrencyEnabled")
    return {
        "home_currency": home if isinstance(home, str) and re.fullmatch(r"[A-Z]{3}", home) else None,
        "several_currencies": several if isinstance(several, bool) else None,
    }
