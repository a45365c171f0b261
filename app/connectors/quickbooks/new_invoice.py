"""Creates invoices, with tax where the company's country has VAT or GST."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.money import as_text, decimals_of
from app.connectors.quickbooks.accounting import home_currency, read, write
from app.connectors.quickbooks.invoices import Invoice, invoice_with_lines
from app.connectors.quickbooks.taxes import TaxCalculation, percent_by_code
from app.connectors.quickbooks.values import (
    EmailAddress,
    Identifier,
    QuantityGiven,
    TaxCodeId,
    UnitPrice,
    inside,
)
from app.connectors.rows import Row
from app.errors import InvalidArguments, ObjectNotFound

_UNIT_PRICE_STEP = Decimal("0.0000001")


class NewInvoiceLine(Row):
    """A line of a new invoice."""

    item_id: Annotated[Identifier, Field(description="Not a Category.")]
    quantity: QuantityGiven
    unit_price: Annotated[UnitPrice, Field(description="In the customer's currency.")]
    description: Annotated[str | None, Field(min_length=1, max_length=4000)] = None
    tax_code: Annotated[
        TaxCodeId | None, Field(description="Needed outside the US; from quickbooks_list_tax_codes.")
    ] = None


@tool(title="Create QuickBooks invoice", destructive=True)
def create_invoice(
    api: Api,
    customer_id: Annotated[Identifier, Field(description="From quickbooks_list_customers.")],
    lines: Annotated[list[NewInvoiceLine], Field(min_length=1, max_length=100, description="At most 100.")],
    date: Annotated[date | None, Field(description="Today if left out.")] = None,
    due_date: Annotated[date | None, Field(description="By the customer's terms if left out.")] = None,
    customer_email: Annotated[EmailAddress | None, Field(description="For quickbooks_send_invoice.")] = None,
    memo: Annotated[
        str | None, Field(min_length=1, max_length=1000, description="The customer reads it.")
    ] = None,
    global_tax_calculation: Annotated[
        TaxCalculation | None,
        Field(description="What the prices are, outside the US: TaxExcluded if left out."),
    ] = None,
) -> Invoice:
    """Create an invoice, only if the person asked for it. There are no drafts: the customer owes it at once.

    It is not mailed: that is quickbooks_send_invoice. Items are in quickbooks_list_items.
    """
    if date and due_date and due_date < date:
        raise InvalidArguments(
            "due_date: it must be a day on or after the invoice's date.", details={"fields": ["due_date"]}
        )
    currency_ref = _currency_of_customer(api, customer_id)
    step = Decimal(1).scaleb(-decimals_of(inside(currency_ref, "value") or home_currency(api)))
    has_codes = any(line.tax_code for line in lines)
    record = {
        "CustomerRef": {"value": customer_id},
        "CurrencyRef": currency_ref,
        "TxnDate": date and date.isoformat(),
        "DueDate": due_date and due_date.isoformat(),
        "BillEmail": {"Address": customer_email} if customer_email else None,
        "CustomerMemo": {"value": memo} if memo else None,
        # documented as required outside the US, and as without effect there
        "GlobalTaxCalculation": global_tax_calculation or ("TaxExcluded" if has_codes else None),
        "Line": (
            _lines_with_tax_inside(api, lines, step)
            if global_tax_calculation == "TaxInclusive"
            else [_line(line, _amount(line, step), line.unit_price) for line in lines]
        ),
    }
    invoice = invoice_with_lines(api, write(api, "/invoice", "Invoice", record), wrote=True)
    api.say("The invoice is in the ledger; it was not sent.")
    gross = sum((_amount(line, step) for line in lines), Decimal(0))
    if global_tax_calculation == "TaxInclusive" and invoice.total not in {None, gross}:
        expected = as_text(gross, invoice.currency)
        api.say(
            f"The invoice is in the ledger, but its total is not the {expected} that its prices come to. "
            "Look at it; it was not sent."
        )
    return invoice


def _currency_of_customer(api: Api, customer_id: str) -> Mapping[str, str] | None:
    """The `CurrencyRef` that a company with several currencies requires; None in a company with one.

    Raises InvalidArguments for a customer QuickBooks does not know.
    """
    if api.business and api.business.facts.get("several_currencies") is False:
        return None
    try:
        customer = read(api, "/customer/{customer_id}", "Customer", parts={"customer_id": customer_id})
    except ObjectNotFound:
        raise InvalidArguments(
            "customer_id: QuickBooks does not know it. Use the id of an active customer from "
            "quickbooks_list_customers.",
            details={"fields": ["customer_id"]},
        ) from None
    code = inside(customer, "CurrencyRef", "value")
    return {"value": code} if isinstance(code, str) and code else None


def _amount(line: NewInvoiceLine, step: Decimal) -> Decimal:
    return (line.quantity * line.unit_price).quantize(step, ROUND_HALF_UP)


def _lines_with_tax_inside(api: Api, lines: list[NewInvoiceLine], step: Decimal) -> list[dict[str, Any]]:
    """Lines whose prices include the tax: QuickBooks takes net amounts, with the gross one beside.

    Raises InvalidArguments where the tax in a price cannot be known.
    """
    percents = percent_by_code(api)
    unknown = sorted({line.tax_code or "none" for line in lines if line.tax_code not in percents})
    if unknown:
        raise InvalidArguments(
            f"lines: with TaxInclusive each line needs a tax_code with a percentage (this is not one: "
            f"{', '.join(unknown)}). Use codes from quickbooks_list_tax_codes, or prices without tax and "
            "TaxExcluded.",
            details={"fields": ["lines"]},
        )
    made = []
    for line in lines:
        gross = _amount(line, step)
        net = (gross / (1 + percents[line.tax_code or ""] / 100)).quantize(step, ROUND_HALF_UP)
        price = (net / line.quantity).quantize(_UNIT_PRICE_STEP, ROUND_HALF_UP)
        is_exact = (price * line.quantity).quantize(step, ROUND_HALF_UP) == net
        made.append(_line(line, net, price if is_exact else None, gross))
    return made


def _line(
    line: NewInvoiceLine, amount: Decimal, unit_price: Decimal | None, gross: Decimal | None = None
) -> dict[str, Any]:
    """A line as QuickBooks takes it: JSON numbers from exact decimals, and their product as the amount."""
    detail = {
        "ItemRef": {"value": line.item_id},
        "Qty": float(line.quantity),
        "UnitPrice": None if unit_price is None else float(unit_price),
        "TaxCodeRef": {"value": line.tax_code} if line.tax_code else None,
        "TaxInclusiveAmt": None if gross is None else float(gross),
    }
    record = {
        "DetailType": "SalesItemLineDetail",
        "Amount": float(amount),
        "SalesItemLineDetail": {name: value for name, value in detail.items() if value is not None},
    }
    return {**record, "Description": line.description} if line.description else record
