"""Tax codes and rates, and the tax of an invoice.

Outside the US every line of a sale needs a tax code, and QuickBooks adds the tax of its rates. US lines are
TAX or NON only. https://developer.intuit.com/app/developer/qbo/docs/workflows/manage-sales-tax-for-non-us-locales
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.sandbox.bookkeeping import ZERO, cents, decimal
from app.sandbox.services.quickbooks.companies import CompanySettings
from app.sandbox.services.quickbooks.records import amount, new
from app.sandbox.services.quickbooks.wire import bad_reference, broken_rule, number, refusal
from app.sandbox.store import Book

CALCULATIONS = ("TaxExcluded", "TaxInclusive", "NotApplicable")
ZERO_RATED = "3"
# id, name, percent
_RATES = {
    "maple": (("3", "California", "8"),),
    "northern": (
        ("2", "Exempt", "0"),
        ("4", "Zero-rated", "0"),
        ("7", "GST", "5"),
        ("8", "PST BC", "7"),
        ("9", "HST ON", "13"),
    ),
}
# id, name, description, rates, active
_CODES = {
    "maple": (
        ("TAX", "TAX", "TAX", (), True),
        ("NON", "NON", "NON", (), True),
        ("2", "California", "California", ("3",), True),
    ),
    "northern": (
        ("2", "Exempt", "Exempt", ("2",), True),
        (ZERO_RATED, "Zero-rated", "Zero-rated", ("4",), True),
        ("5", "HST ON", "Harmonized sales tax, Ontario", ("9",), True),
        ("6", "GST/PST BC", "GST and provincial sales tax, British Columbia", ("7", "8"), True),
        ("10", "HST ON (old)", "", ("9",), False),
    ),
}


def seed(book: Book, began: datetime) -> None:
    """The codes and rates of a company."""
    names = {id_: name for id_, name, _ in _RATES[book.name]}
    for id_, name, percent in _RATES[book.name]:
        rate = new(
            id_,
            began,
            Name=name,
            Description=name,
            Active=True,
            RateValue=number(Decimal(percent)),
            SpecialTaxType="NONE",
            DisplayType="ReadOnly",
            AgencyRef={"value": "1"},
        )
        book.put("taxrate", id_, rate)
    for id_, name, description, rates, is_active in _CODES[book.name]:
        details = [
            {
                "TaxRateRef": {"value": rate, "name": names[rate]},
                "TaxTypeApplicable": "TaxOnAmount",
                "TaxOrder": order,
            }
            for order, rate in enumerate(rates)
        ]
        code = new(
            id_,
            began,
            Name=name,
            Description=description,
            Active=is_active,
            Hidden=not is_active,
            Taxable=id_ != "NON",
            TaxGroup=bool(rates),
            SalesTaxRateList={"TaxRateDetail": details},
            PurchaseTaxRateList={"TaxRateDetail": []},
        )
        book.put("taxcode", id_, code)


def calculation_of(company: CompanySettings, sent: Mapping[str, Any]) -> str | None:
    """How an invoice is taxed; None in the US, where the member does not apply."""
    calculation = sent.get("GlobalTaxCalculation") or CALCULATIONS[0]
    if calculation not in CALCULATIONS:
        raise refusal(
            "2110",
            "Invalid Enumeration",
            f"Invalid Enumeration : {calculation}",
            element="GlobalTaxCalculation",
        )
    return calculation if company.tax_name else None


def code_of_line(
    company: CompanySettings, book: Book, calculation: str | None, sent: Any
) -> dict[str, str] | None:
    """The tax code of a line. Raises RequestRefused where the company needs one and it is missing."""
    id_ = sent.get("value") if isinstance(sent, Mapping) else None
    if calculation == "NotApplicable":
        return None
    if not company.tax_name:
        if id_ not in {None, "", "TAX", "NON"}:
            raise bad_reference("TaxCode", id_)
        return {"value": id_ or "NON"}
    if not id_:
        raise broken_rule(f"Make sure all your transactions have a {company.tax_name} rate before you save.")
    code = book.find("taxcode", id_)
    if code is None or not code["Active"]:
        raise bad_reference("TaxCode", id_)
    return {"value": str(id_)}


def of_lines(book: Book, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The `TxnTaxDetail` of an invoice: a line per rate, of what it applies to."""
    taxable: dict[str, Decimal] = {}
    given = ZERO  # what is left of the gross amounts of lines whose prices include the tax
    computed = ZERO
    for line in lines:
        detail = line["SalesItemLineDetail"]
        code = book.find("taxcode", detail.get("TaxCodeRef", {}).get("value"))
        rates = (
            [each["TaxRateRef"]["value"] for each in code["SalesTaxRateList"]["TaxRateDetail"]]
            if code
            else []
        )
        for rate in rates:
            taxable[rate] = taxable.get(rate, ZERO) + amount(line, "Amount")
        gross = decimal(detail.get("TaxInclusiveAmt"))
        if gross is not None:
            given += gross - amount(line, "Amount")
            computed += sum(
                (cents(amount(line, "Amount") * _percent(book, rate) / 100) for rate in rates), ZERO
            )
    taxes = {rate: cents(net * _percent(book, rate) / 100) for rate, net in taxable.items()}
    if taxes and given != computed:
        first = next(iter(taxes))
        taxes[first] += given - computed
    tax_lines = [
        {
            "Amount": number(tax),
            "DetailType": "TaxLineDetail",
            "TaxLineDetail": {
                "TaxRateRef": {"value": rate},
                "PercentBased": True,
                "TaxPercent": number(_percent(book, rate)),
                "NetAmountTaxable": number(taxable[rate]),
            },
        }
        for rate, tax in taxes.items()
    ]
    total = sum(taxes.values(), ZERO)
    return {"TotalTax": number(total), **({"TaxLine": tax_lines} if tax_lines else {})}


def _percent(book: Book, rate: str) -> Decimal:
    return amount(book.find("taxrate", rate) or {}, "RateValue")
