"""Tax codes: what the lines of an invoice need outside the US.

https://developer.intuit.com/app/developer/qbo/docs/workflows/manage-sales-tax-for-non-us-locales
"""

from decimal import Decimal
from typing import Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.quickbooks.accounting import list_page
from app.connectors.quickbooks.query import where
from app.connectors.quickbooks.values import Limit, Offset, Quantity, QuickBooksRow
from app.connectors.rows import Page

TaxCalculation = Literal["TaxExcluded", "TaxInclusive", "NotApplicable"]
_MOST_RATES = 999  # a page requests one more, and QuickBooks sends a thousand at most


class _RateOfCode(QuickBooksRow):
    """A rate of a code, and what it applies to."""

    rate_id: str | None = Field(None, validation_alias=AliasPath("TaxRateRef", "value"))
    applies_to: str | None = Field(None, validation_alias="TaxTypeApplicable")


class _TaxRate(QuickBooksRow):
    """A rate."""

    rate_id: str | None = Field(None, validation_alias="Id")
    percent: Quantity | None = Field(None, validation_alias="RateValue")


class TaxCode(QuickBooksRow):
    """A tax code."""

    tax_code: str = Field(validation_alias="Id")
    name: str | None = Field(None, validation_alias="Name")
    description: str | None = Field(None, validation_alias="Description")
    percent: Quantity | None = Field(None, description="Total of its sales rates; null: unknown.")
    rates: list[_RateOfCode] = Field(
        [], validation_alias=AliasPath("SalesTaxRateList", "TaxRateDetail"), exclude=True
    )


@tool(title="List QuickBooks tax codes", reads_only=True, pages_by="offset")
def list_tax_codes(api: Api, limit: Limit = 50, offset: Offset = 0) -> Page[TaxCode]:
    """List active sales tax codes (VAT, GST…), which invoice lines need outside the US."""
    conditions = [where("Active", "=", True)]
    page = list_page(api, TaxCode, "TaxCode", conditions, "Name", limit=limit, offset=offset)
    percents = _percents(api) if any(code.rates for code in page.items) else {}
    for code in page.items:
        code.percent = _percent_of(code, percents)
    return page


def active_codes(api: Api) -> list[TaxCode]:
    """Every active tax code."""
    conditions = [where("Active", "=", True)]
    return list_page(api, TaxCode, "TaxCode", conditions, "Name", limit=_MOST_RATES, offset=0).items


def percents_of(api: Api, codes: list[TaxCode]) -> dict[str, Decimal]:
    """The percentage of each of the codes, without those that are compound or have none."""
    percents = _percents(api)
    return {code.tax_code: percent for code in codes if (percent := _percent_of(code, percents)) is not None}


def _percents(api: Api) -> dict[str, Decimal]:
    rates = list_page(api, _TaxRate, "TaxRate", [], "Id", limit=_MOST_RATES, offset=0).items
    return {rate.rate_id: rate.percent for rate in rates if rate.rate_id and rate.percent is not None}


def _percent_of(code: TaxCode, percents: dict[str, Decimal]) -> Decimal | None:
    """The sum of its rates; None for a code without rates, or with a rate on top of another one."""
    found = [
        percents.get(rate.rate_id or "") if rate.applies_to in {None, "TaxOnAmount"} else None
        for rate in code.rates
    ]
    if not found or None in found:
        return None
    return sum((percent for percent in found if percent is not None), Decimal(0))
